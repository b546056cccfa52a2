// The inspector: every envelope, ack and API call, and the switches for faults.

import { html, useLayoutEffect, useMemo, useRef, useState } from "/page/vendor/htm_preact.js";
import { preciseTime } from "/page/dates.js";
import { Icon } from "/page/icons.js";
import { post } from "/page/store.js";

const KINDS = { api: "API", envelope: "Envelope", response_url: "Response", socket: "Socket", file: "File", http: "HTTP", cluster: "Cluster" };
const FILTERS = [["", "All"], ["envelope", "Envelopes"], ["api", "API calls"], ["bad", "Failures"]];
const SWITCHES = [
  ["429", "429", "The next message is refused with Retry-After", { method: "chat.postMessage", seconds: 2 }],
  ["lost_reply", "Lost reply", "The next message is posted but the answer is lost", { method: "chat.postMessage" }],
  ["fatal_error", "Fatal error", "The next message is posted, then fatal_error is answered", { method: "chat.postMessage" }],
  ["duplicate", "Duplicate", "The next payload reaches the bot twice", {}],
  ["lost_envelope", "Lost payload", "The next payload never reaches the bot", {}],
  ["plan_blocks", "No plan blocks", "plan and task_card are refused until cleared", { times: null }],
  ["disconnect", "Refresh socket", "Every connection is asked to come again", {}],
  ["drop", "Drop socket", "Every connection is cut without a word", {}],
];

function Json({ value }) {
  if (value === null || value === undefined) return html`<p class="json-empty">empty</p>`;
  const text = JSON.stringify(value, null, 2);
  const parts = text.split(/("(?:[^"\\]|\\.)*"\s*:?|\btrue\b|\bfalse\b|\bnull\b|-?\b\d+(?:\.\d+)?\b)/);
  const kind = (part) => (part.endsWith(":") ? "json-key" : part.startsWith('"') ? "json-text" : "json-word");
  return html`<pre class="json">${parts.map((part, number) => (number % 2 ? html`<span class=${kind(part)}>${part}</span>` : part))}</pre>`;
}

function Row({ entry, zone, open, onToggle }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    if (open) box.current.scrollIntoView({ block: "nearest" });
  }, [open]);
  return html`<div ref=${box} class=${`log-row ${entry.ok ? "" : "is-bad"} ${open ? "is-open" : ""}`}>
    <button class="log-line" aria-expanded=${open} onClick=${onToggle}>
      <span class="log-time">${preciseTime(entry.at * 1000, zone)}</span>
      <span class=${`log-kind kind-${entry.kind}`}>${KINDS[entry.kind] || entry.kind}</span>
      <span class="log-name">${entry.name}</span>
      ${entry.fault && html`<span class="log-fault">${entry.fault}</span>`}
      ${entry.note && html`<span class="log-note">${entry.note}</span>`}
      <span class="log-ms">${entry.ms ? `${entry.ms} ms` : ""}</span>
    </button>
    ${open &&
    html`<div class="log-detail">
      <div><h4>${entry.kind === "envelope" ? "Payload" : "Request"}</h4><${Json} value=${entry.request} /></div>
      <div><h4>${entry.kind === "envelope" ? "Ack" : "Answer"}</h4><${Json} value=${entry.response} /></div>
    </div>`}
  </div>`;
}

function Switches({ store }) {
  return html`<div class="switches">
    <span class="switch-head">Make Slack misbehave</span>
    ${SWITCHES.map(
      ([kind, label, why, more]) => html`<button class="switch" title=${why} data-fault=${kind} onClick=${() => post("faults", { kind, ...more })}>${label}</button>`,
    )}
    <label class="switch-check" title="Refuse what is faster than Slack allows">
      <input type="checkbox" checked=${store.rate_limits} onChange=${(event) => post("limits", { enabled: event.target.checked })} /> Rate limits
    </label>
    ${store.faults.length > 0 &&
    html`<span class="active-faults">
      ${store.faults.map((fault) => html`<span class="chip chip-fault">${fault.kind}${fault.method ? ` ${fault.method}` : ""} ${fault.times === null ? "always" : `×${fault.times}`}</span>`)}
      <button class="link-button" onClick=${() => post("faults", { kind: "clear" })}>Clear</button>
    </span>`}
  </div>`;
}

export function Inspector({ store, zone, onClose }) {
  const [filter, setFilter] = useState("");
  const [text, setText] = useState("");
  const [open, setOpen] = useState(null);
  const box = useRef(null);
  const atEnd = useRef(true);
  const shown = useMemo(() => {
    const wanted = text.toLowerCase();
    return store.log.filter(
      (one) =>
        (!filter || (filter === "bad" ? !one.ok : one.kind === filter)) &&
        (!wanted || `${one.name} ${one.note} ${one.fault}`.toLowerCase().includes(wanted)),
    );
  }, [store.log, filter, text]);
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length]);
  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return html`<aside class="inspector" aria-label="Inspector">
    <header class="inspector-head">
      <h2>Inspector</h2>
      <div class="segments" role="tablist">
        ${FILTERS.map(([kind, label]) => html`<button role="tab" aria-selected=${filter === kind} class=${filter === kind ? "is-active" : ""} onClick=${() => setFilter(kind)}>${label}</button>`)}
      </div>
      <input class="control inspector-search" type="search" placeholder="Filter" aria-label="Filter" value=${text} onInput=${(event) => setText(event.target.value)} />
      <button class="plain-button" aria-label="Close inspector" onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    <${Switches} store=${store} />
    <div class="log" ref=${box} onScroll=${scrolled}>
      ${!shown.length && html`<p class="log-empty">Nothing yet. Type a command, and its envelope, ack and API calls appear here.</p>`}
      ${shown.slice(-300).map((entry) => html`<${Row} key=${entry.n} entry=${entry} zone=${zone} open=${open === entry.n}
        onToggle=${() => setOpen(open === entry.n ? null : entry.n)} />`)}
    </div>
  </aside>`;
}
