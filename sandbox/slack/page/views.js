// Modals and the Home tab of one person.

import { html, useEffect, useState } from "/page/vendor/htm_preact.js";
import { Blocks } from "/page/blocks.js";
import { Dialog } from "/page/confirm.js";
import { Avatar, Icon } from "/page/icons.js";
import { emojify } from "/page/mrkdwn.js";
import { post } from "/page/store.js";
import { useSurface } from "/page/use.js";

export function Modal({ view, context, depth }) {
  const user = context.reader.id;
  const use = useSurface(user, { view_id: view.id }, view.blocks, view._errors);
  const [busy, setBusy] = useState(false);
  const close = (all) => post("view-close", { user, view_id: view.id, all });
  const submit = async () => {
    setBusy(true);
    await post("view-submit", { user, view_id: view.id, values: use.read() });
    setBusy(false);
  };
  const footer = html`
    <span class="dialog-app"><${Avatar} bot=${true} size=${20} /> ${context.app.name}</span>
    <button class="button button-default" onClick=${() => close(false)}>${emojify(view.close?.text || (depth > 1 ? "Back" : "Cancel"))}</button>
    ${view.submit &&
    html`<button class=${`button button-primary ${busy ? "is-busy" : ""}`} data-submit=${view.callback_id} disabled=${busy} onClick=${submit}>
      ${emojify(view.submit.text)}
    </button>`}`;
  return html`<${Dialog} title=${emojify(view.title.text)} label=${view.title.text} wide=${true} onClose=${() => close(true)} footer=${footer}>
    ${view._notice && html`<div class="alert alert-error" role="alert"><${Icon} name="alert" size=${16} /> ${view._notice}</div>`}
    <${Blocks} blocks=${view.blocks} context=${context} use=${use} />
  <//>`;
}

export function Home({ store, context, onMenu, tabs }) {
  const user = context.reader.id;
  const view = store.homes[user];
  const use = useSurface(user, { home: true }, view?.blocks);
  useEffect(() => {
    post("home", { user });
  }, [user]);
  return html`<section class="pane home-pane" aria-label="Home">
    <header class="pane-head">
      <button class="plain-button menu-button" aria-label="Channels" onClick=${onMenu}><${Icon} name="menu" /></button>
      <div class="pane-titles">
        <h1><${Avatar} bot=${true} size=${22} /> ${context.app.name}</h1>
        ${tabs}
      </div>
    </header>
    <div class="home-scroll">
      <div class="home-inner">
        ${view
          ? html`<${Blocks} blocks=${view.blocks} context=${context} use=${use} />`
          : html`<div class="empty"><${Avatar} bot=${true} size=${56} /><h2>Nothing here yet</h2>
              <p>The app has not published its Home tab. Try <code>${context.app.command} start cluster-x</code> in #mesh-upgrades.</p></div>`}
      </div>
    </div>
  </section>`;
}
