// The visible box for what this page cannot draw: nothing that the bot sends disappears silently.

import { html } from "/page/vendor/htm_preact.js";

export function NotDrawn({ what }) {
  return html`<details class="not-drawn">
    <summary>The sandbox does not draw “${String(what?.type ?? "this")}” yet</summary>
    <pre>${JSON.stringify(what, null, 2)}</pre>
  </details>`;
}
