// One person's Slack window.

import { html, useEffect, useMemo, useState } from "/page/vendor/htm_preact.js";
import { ChannelPane, ThreadPane, visibleMessages } from "/page/channel.js";
import { makeContext } from "/page/context.js";
import { readPermalink } from "/page/links.js";
import { Sidebar, Switcher } from "/page/sidebar.js";
import { Home, Modal } from "/page/views.js";

function Tabs({ place, onPlace }) {
  const tab = (kind, label) => html`<button role="tab" aria-selected=${place.kind === kind} class=${place.kind === kind ? "is-active" : ""}
    onClick=${() => onPlace({ kind })}>${label}</button>`;
  return html`<div class="tabs" role="tablist">${tab("home", "Home")}${tab("direct", "Messages")}</div>`;
}

function directRoom(store, user) {
  const id = `D${user.slice(1)}`;
  return store.channels.find((room) => room.id === id) || { id: user, name: store.app.bot_name, kind: "im", topic: "", has_bot: true, messages: [] };
}

function useUnread(store, context, here) {
  const [seen, setSeen] = useState({});
  const newest = (room) => visibleMessages(store, room, context.reader.id).at(-1)?.ts || "0";
  const current = store.channels.find((room) => room.id === here);
  const mark = current ? newest(current) : "0";
  useEffect(() => {
    setSeen((before) => ({ ...Object.fromEntries(store.channels.map((room) => [room.id, before[room.id] ?? newest(room)])), [here]: mark }));
  }, [here, mark, store.channels.length]);
  return (id) => {
    const room = store.channels.find((one) => one.id === id);
    if (!room || id === here || seen[id] === undefined) return 0;
    return visibleMessages(store, room, context.reader.id).filter((one) => Number(one.ts) > Number(seen[id])).length;
  };
}

export function Client({ store, user, onUser, narrow, start, tools }) {
  const context = useMemo(() => makeContext(store, user), [store.users, store.channels, store.skew, user]);
  const [place, setPlace] = useState({ kind: "channel", id: start.channel || store.channels[0].id });
  const [thread, setThread] = useState(start.thread || null);
  const [menu, setMenu] = useState(false);
  const room = place.kind === "channel" ? store.channels.find((one) => one.id === place.id) : directRoom(store, user);
  const unread = useUnread(store, context, place.kind === "home" ? "" : room.id);
  const go = (next) => {
    setPlace(next);
    setThread(null);
    setMenu(false);
  };
  const tabs = place.kind !== "channel" && html`<${Tabs} place=${place} onPlace=${go} />`;
  const stack = store.views[context.reader.id] || [];
  const top = stack[stack.length - 1];
  const onMenu = () => setMenu(!menu);
  // Links to messages open here, as in Slack; all others in a tab of their own.
  const follow = (event) => {
    const anchor = event.target.closest?.("a[href]");
    const link = anchor && readPermalink(new URL(anchor.href));
    if (!link) return;
    event.preventDefault();
    go({ kind: "channel", id: link.channel });
    setThread(link.thread);
  };
  return html`<div onClick=${follow} class=${`client ${narrow ? "is-narrow" : ""} ${menu ? "menu-open" : ""} ${thread ? "thread-open" : ""}`} data-client=${context.reader.name}>
    <div class="client-bar">
      <span class="client-team">${!narrow && html`${store.team.name} <small>local stand-in for Slack</small>`}</span>
      ${tools}
      <${Switcher} store=${store} context=${context} onUser=${onUser} />
    </div>
    <div class="client-body">
      <div class="side-veil" onClick=${() => setMenu(false)}></div>
      <${Sidebar} store=${store} context=${context} place=${place} unread=${unread} onPlace=${go} />
      ${place.kind === "home"
        ? html`<${Home} key=${user} store=${store} context=${context} onMenu=${onMenu} tabs=${tabs} />`
        : html`<${ChannelPane} store=${store} room=${room} context=${context} onThread=${setThread} onMenu=${onMenu} tabs=${tabs} />`}
      ${thread && place.kind !== "home" &&
      html`<${ThreadPane} store=${store} room=${room} root=${thread} context=${context} onClose=${() => setThread(null)} />`}
    </div>
    ${top && html`<${Modal} key=${top.id} view=${top} context=${context} depth=${stack.length} />`}
  </div>`;
}
