// The composer: messages, the slash command with its hint, and @ names.

import { html, useRef, useState } from "/page/vendor/htm_preact.js";
import { Avatar, Icon } from "/page/icons.js";
import { post } from "/page/store.js";

function offers(text, context, inThread) {
  const { app } = context;
  if (!inThread && text.startsWith("/") && !text.includes(" ") && app.command.startsWith(text)) {
    return [{ kind: "command", insert: `${app.command} `, name: app.command, note: app.usage_hint, text: app.description }];
  }
  const found = /(?:^|\s)@([\w.-]*)$/.exec(text);
  if (!found) return [];
  const names = [
    ...context.users.map((user) => ({ kind: "user", user, name: user.name, text: user.real_name })),
    ...context.groups.map((group) => ({ kind: "group", name: group.handle, text: group.name })),
  ];
  const fitting = names.filter((one) => one.name.startsWith(found[1].toLowerCase()));
  return fitting.map((one) => ({ ...one, insert: `${text.slice(0, text.length - found[1].length)}${one.name} ` }));
}

function Offers({ list, chosen, onChoose }) {
  return html`<div class="offers" role="listbox">
    ${list.map(
      (one, number) => html`<button type="button" role="option" aria-selected=${number === chosen} class=${number === chosen ? "is-chosen" : ""}
        onMouseDown=${(event) => event.preventDefault()} onClick=${() => onChoose(one)}>
        ${one.kind === "command" ? html`<${Avatar} bot=${true} size=${28} />` : html`<${Avatar} user=${one.user} size=${28} />`}
        <span class="offer-text">
          <span><b>${one.kind === "command" ? one.name : `@${one.name}`}</b> <span class="offer-note">${one.note || ""}</span></span>
          <span class="offer-note">${one.text}</span>
        </span>
      </button>`,
    )}
  </div>`;
}

export function Composer({ channel, name, context, thread }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const [closed, setClosed] = useState(false);
  const [sent, setSent] = useState([]);
  const [recall, setRecall] = useState(-1);
  const box = useRef(null);
  const list = closed ? [] : offers(text, context, Boolean(thread));
  const user = context.reader.id;

  const edit = (value) => {
    setText(value);
    setChosen(0);
    setClosed(false);
    setRecall(-1);
  };
  const insert = (one) => {
    edit(one.insert);
    box.current.focus();
  };
  const send = () => {
    const body = text.trim();
    if (!body) return;
    setSent([body, ...sent.filter((one) => one !== body)].slice(0, 30));
    edit("");
    const command = body.startsWith("/") && !thread;
    post(command ? "command" : "message", { user, channel, text: body, ...(command ? {} : { thread_ts: thread }) });
  };
  const remember = (step) => {
    const next = Math.max(-1, Math.min(sent.length - 1, recall + step));
    setText(next < 0 ? "" : sent[next]);
    setRecall(next);
    setClosed(true);
  };
  const press = (event) => {
    if (list.length && ["Tab", "Enter"].includes(event.key) && !event.shiftKey) {
      event.preventDefault();
      insert(list[chosen]);
    } else if (list.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : list.length - 1)) % list.length);
    } else if (event.key === "Escape") setClosed(true);
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && (!text || recall >= 0) && sent.length) {
      event.preventDefault();
      remember(1);
    } else if (event.key === "ArrowDown" && recall >= 0) {
      event.preventDefault();
      remember(-1);
    }
  };
  const hinted = !thread && text === `${context.app.command} `;
  return html`<div class="composer">
    ${list.length > 0 && html`<${Offers} list=${list} chosen=${chosen} onChoose=${insert} />`}
    <div class="composer-box">
      <textarea ref=${box} rows="1" value=${text} aria-label=${thread ? "Reply" : `Message ${name}`} data-composer=${thread ? "thread" : "channel"}
        placeholder=${thread ? "Reply…" : `Message ${name}`} spellcheck="false"
        onInput=${(event) => edit(event.target.value)} onKeyDown=${press}></textarea>
      ${hinted && html`<span class="composer-hint" aria-hidden="true"><span>${text}</span>${context.app.usage_hint}</span>`}
      <button class=${`send ${text.trim() ? "is-ready" : ""}`} aria-label="Send" onClick=${send}><${Icon} name="send" /></button>
    </div>
  </div>`;
}
