// The page: one or two people's Slack, and the inspector.

import { html, render, useEffect, useState } from "/page/vendor/htm_preact.js";
import { Client } from "/page/client.js";
import { Icon } from "/page/icons.js";
import { Inspector } from "/page/inspector.js";
import { isConnected, readPermalink } from "/page/links.js";
import { connect, useStore } from "/page/store.js";

function readAddress(users) {
  const query = new URLSearchParams(location.search);
  const byName = (name) => users.find((user) => user.name === name || user.id === name)?.id;
  const split = (query.get("split") || "").split(",").map(byName).filter(Boolean);
  const one = byName(query.get("user")) || users[0].id;
  const start = readPermalink(new URL(location.href)) || { channel: query.get("channel"), thread: query.get("thread") };
  return { people: split.length > 1 ? split.slice(0, 2) : [one], start, inspector: query.has("inspector") };
}

function writeAddress(people, users, inspector) {
  const names = people.map((id) => users.find((user) => user.id === id).name);
  const query = names.length > 1 ? `split=${names.join(",")}` : `user=${names[0]}`;
  history.replaceState(null, "", `/?${query}${inspector ? "&inspector" : ""}`);
}

function BotState({ bot }) {
  const on = isConnected(bot);
  const text = bot.mode === "http" ? "HTTP mode" : on ? "Bot connected" : "Bot not connected";
  return html`<span class=${`bot-state ${on ? "is-on" : ""}`} title=${bot.url || `${bot.connections} Socket Mode connections`}>
    <i></i><span>${text}</span>
  </span>`;
}

function Workspace({ store }) {
  const [first] = useState(() => readAddress(store.users));
  const [people, setPeople] = useState(first.people);
  const [inspector, setInspector] = useState(first.inspector);
  useEffect(() => writeAddress(people, store.users, inspector), [people, inspector]);
  const change = (number) => (id) => setPeople(people.map((held, at) => (at === number ? id : held)));
  const twin = people.length > 1;
  const toggleTwin = () => setPeople(twin ? people.slice(0, 1) : [people[0], store.users.find((user) => user.id !== people[0]).id]);
  const tools = html`<div class="tools">
    <${BotState} bot=${store.bot} />
    <button class=${`tool tool-twin ${twin ? "is-on" : ""}`} aria-pressed=${twin} title="Two people side by side" onClick=${toggleTwin}>
      <${Icon} name="columns" size=${16} /><span>Two people</span>
    </button>
    <button class=${`tool ${inspector ? "is-on" : ""}`} aria-pressed=${inspector} title="Envelopes, acks and API calls" onClick=${() => setInspector(!inspector)}>
      <${Icon} name="pulse" size=${16} /><span>Inspector</span>
    </button>
  </div>`;
  const zone = store.users.find((user) => user.id === people[0]).timezone;
  return html`<div class=${`workspace ${twin ? "is-twin" : ""}`}>
    ${!store.online && html`<p class="offline" role="status">The sandbox does not answer; the page goes on when it is back.</p>`}
    <div class="clients">
      ${people.map(
        (user, number) => html`<${Client} key=${number} store=${store} user=${user} narrow=${twin} start=${first.start}
          onUser=${change(number)} tools=${number === people.length - 1 ? tools : null} />`,
      )}
    </div>
    ${inspector && html`<${Inspector} store=${store} zone=${zone} onClose=${() => setInspector(false)} />`}
    <div class="toasts" role="status" aria-live="polite">${store.toasts.map((one) => html`<div class="toast" key=${one.id}>${one.text}</div>`)}</div>
  </div>`;
}

function Page() {
  const store = useStore();
  useEffect(() => {
    connect();
  }, []);
  if (store.loaded) return html`<${Workspace} store=${store} />`;
  return html`<p class="loading">Opening the workspace…</p>`;
}

const root = document.getElementById("root");
root.textContent = "";
render(html`<${Page} />`, root);
