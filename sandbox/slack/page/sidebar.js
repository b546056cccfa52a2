// The left column: channels, the app, and who one is.

import { html, useRef, useState } from "/page/vendor/htm_preact.js";
import { useOutside } from "/page/elements.js";
import { Avatar, Icon } from "/page/icons.js";

export function Switcher({ store, context, onUser }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useOutside(box, () => setOpen(false));
  const choose = (id) => {
    setOpen(false);
    onUser(id);
  };
  return html`<div class="switcher" ref=${box}>
    <button class="switcher-button" aria-haspopup="listbox" aria-expanded=${open} data-user=${context.reader.name} onClick=${() => setOpen(!open)}>
      <${Avatar} user=${context.reader} size=${26} />
      <span class="switcher-name">${context.reader.real_name}</span>
      <${Icon} name="down" size=${14} />
    </button>
    ${open &&
    html`<div class="menu switcher-menu" role="listbox" aria-label="Act as">
      <p class="menu-head">Act as</p>
      ${store.users.map(
        (user) => html`<button role="option" aria-selected=${user.id === context.reader.id} data-person=${user.name} onClick=${() => choose(user.id)}>
          <${Avatar} user=${user} size=${32} />
          <span class="offer-text"><b>${user.real_name}</b><span class="offer-note">${user.title || user.name} · ${user.timezone.split("/").pop().replace("_", " ")}</span></span>
          ${user.id === context.reader.id && html`<${Icon} name="check" size=${16} />`}
        </button>`,
      )}
    </div>`}
  </div>`;
}

export function Sidebar({ store, context, place, unread, onPlace }) {
  const rooms = store.channels.filter((room) => room.kind === "channel");
  const item = (key, active, icon, label, count, go) => html`<button
    key=${key}
    class=${`side-item ${active ? "is-active" : ""} ${count ? "is-unread" : ""}`}
    aria-current=${active ? "page" : undefined}
    onClick=${go}
  >
    ${icon}<span class="side-label">${label}</span>${count > 0 && html`<span class="badge">${count}</span>`}
  </button>`;
  return html`<nav class="sidebar" aria-label="Channels">
    <p class="side-head">Channels</p>
    ${rooms.map((room) =>
      item(room.id, place.kind === "channel" && place.id === room.id, html`<${Icon} name="hash" size=${16} />`, room.name,
        unread(room.id), () => onPlace({ kind: "channel", id: room.id })),
    )}
    <p class="side-head">Apps</p>
    ${item("app", place.kind === "home" || place.kind === "direct", html`<${Avatar} bot=${true} size=${20} />`, store.app.name,
      unread(`D${context.reader.id.slice(1)}`), () => onPlace({ kind: "home" }))}
  </nav>`;
}
