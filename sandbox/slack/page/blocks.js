// Block Kit: one component a block type. `use` carries what interactive elements need: act(), values, errors.

import { Component, html, useState } from "/page/vendor/htm_preact.js";
import { Element } from "/page/elements.js";
import { Icon } from "/page/icons.js";
import { markdown } from "/page/markdown.js";
import { Text, emojify } from "/page/mrkdwn.js";
import { NotDrawn } from "/page/not_drawn.js";
import { Plan, PlanCard } from "/page/plan.js";
import { RichText } from "/page/rich_text.js";

function Section({ block, context, use }) {
  const wide = block.accessory && !["button", "overflow", "image"].includes(block.accessory.type);
  return html`<div class=${`section ${block.accessory ? "has-accessory" : ""} ${wide ? "wide-accessory" : ""}`}>
    <div class="section-main">
      ${block.text && html`<div class="section-text"><${Text} object=${block.text} context=${context} /></div>`}
      ${block.fields?.length &&
      html`<div class="fields">
        ${block.fields.map((field) => html`<div class="field"><${Text} object=${field} context=${context} /></div>`)}
      </div>`}
    </div>
    ${block.accessory &&
    html`<div class="accessory"><${Element} element=${block.accessory} block=${block} context=${context} use=${use} /></div>`}
  </div>`;
}

function ContextBlock({ block, context }) {
  return html`<div class="context">
    ${block.elements.map((part) =>
      part.type === "image"
        ? html`<img class="context-image" src=${part.image_url} alt=${part.alt_text} title=${part.alt_text} />`
        : html`<span class="context-text"><${Text} object=${part} context=${context} /></span>`,
    )}
  </div>`;
}

function Actions({ block, context, use }) {
  return html`<div class="actions">
    ${block.elements.map(
      (element) => html`<${Element} key=${element.action_id} element=${element} block=${block} context=${context} use=${use} />`,
    )}
  </div>`;
}

function Input({ block, context, use }) {
  const error = use?.errors?.[block.block_id];
  const id = `${use?.scope || ""}${block.block_id}`;
  return html`<div class=${`input ${error ? "has-error" : ""}`}>
    <label class="input-label" for=${id}>
      <${Text} object=${block.label} context=${context} />
      ${block.optional && html`<span class="optional"> (optional)</span>`}
    </label>
    <${Element} id=${id} element=${block.element} block=${block} context=${context} use=${use} input=${true} />
    ${error && html`<div class="input-error" role="alert"><${Icon} name="alert" size=${14} /> ${error}</div>`}
    ${block.hint && html`<div class="input-hint"><${Text} object=${block.hint} context=${context} /></div>`}
  </div>`;
}

function Picture({ block }) {
  return html`<figure class="picture">
    ${block.title && html`<figcaption>${emojify(block.title.text)}</figcaption>`}
    <img src=${block.image_url} alt=${block.alt_text} loading="lazy" />
  </figure>`;
}

function Cell({ cell, context }) {
  if (cell.type === "raw_text") return emojify(cell.text);
  if (cell.type === "rich_text") return html`<${RichText} block=${cell} context=${context} />`;
  return html`<${NotDrawn} what=${cell} />`;
}

function Table({ block, context }) {
  const settings = block.column_settings || [];
  const style = (column) =>
    `text-align:${settings[column]?.align || "left"};white-space:${settings[column]?.is_wrapped ? "normal" : "nowrap"}`;
  const row = (cells, Tag) =>
    html`<tr>${cells.map((cell, column) => html`<${Tag} style=${style(column)}><${Cell} cell=${cell} context=${context} /><//>`)}</tr>`;
  const [head, ...rows] = block.rows;
  return html`<div class="table-scroll"><table>
    <thead>${head && row(head, "th")}</thead>
    <tbody>${rows.map((cells) => row(cells, "td"))}</tbody>
  </table></div>`;
}

function Container({ block, context, use }) {
  const [open, setOpen] = useState(!(block.is_collapsible && block.default_collapsed));
  const title = block.rich_text_title
    ? html`<${RichText} block=${block.rich_text_title} context=${context} />`
    : html`<${Text} object=${block.title} context=${context} />`;
  const head = html`
    ${block.is_collapsible && html`<span class=${`plan-chevron ${open ? "is-open" : ""}`}><${Icon} name="chevron" size=${14} /></span>`}
    ${block.icon && html`<img class="container-icon" src=${block.icon.image_url} alt=${block.icon.alt_text} />`}
    <span class="container-titles">
      <span class="container-title">${title}</span>
      ${block.subtitle && html`<span class="container-subtitle"><${Text} object=${block.subtitle} context=${context} /></span>`}
    </span>`;
  return html`<section class=${`container container-${block.width || "standard"} ${open ? "is-open" : ""}`}>
    ${block.is_collapsible
      ? html`<button class="container-head" aria-expanded=${open} onClick=${() => setOpen(!open)}>${head}</button>`
      : html`<div class=${`container-head ${block.has_header_divider ? "has-divider" : ""}`}>${head}</div>`}
    ${open && html`<div class="container-body"><${Blocks} blocks=${block.child_blocks} context=${context} use=${use} /></div>`}
  </section>`;
}

function Card({ block, context, use }) {
  return html`<section class="card">
    ${block.hero_image && html`<img class="card-hero" src=${block.hero_image.image_url} alt=${block.hero_image.alt_text} />`}
    ${block.title && html`<div class="card-title"><${Text} object=${block.title} context=${context} /></div>`}
    ${block.subtitle && html`<div class="card-subtitle"><${Text} object=${block.subtitle} context=${context} /></div>`}
    ${block.body && html`<div class="card-text"><${Text} object=${block.body} context=${context} /></div>`}
    ${block.actions?.length && html`<${Actions} block=${{ ...block, elements: block.actions }} context=${context} use=${use} />`}
  </section>`;
}

function Alert({ block, context }) {
  return html`<div class=${`alert alert-${block.level || "default"}`} role="note">
    <${Icon} name="alert" size=${16} /><span><${Text} object=${block.text} context=${context} /></span>
  </div>`;
}

const kinds = {
  section: Section,
  context: ContextBlock,
  actions: Actions,
  input: Input,
  image: Picture,
  table: Table,
  container: Container,
  card: Card,
  alert: Alert,
  plan: Plan,
  task_card: PlanCard,
  rich_text: RichText,
  divider: () => html`<hr class="divider" />`,
  header: ({ block }) => html`<h3 class="header">${emojify(block.text.text)}</h3>`,
  markdown: ({ block }) => html`<div class="markdown">${markdown(block.text)}</div>`,
};

// A fault in one block must not take the page with it.
class Boundary extends Component {
  constructor() {
    super();
    this.state = { failed: false };
  }
  static getDerivedStateFromError() {
    return { failed: true };
  }
  render({ block, children }, { failed }) {
    return failed ? html`<${NotDrawn} what=${block} />` : children;
  }
}

export function Blocks({ blocks, context, use }) {
  return html`<div class="blocks">
    ${(blocks || []).map((block) => {
      const Kind = kinds[block.type];
      return html`<${Boundary} key=${block.block_id} block=${block}>
        ${Kind ? html`<${Kind} block=${block} context=${context} use=${use} />` : html`<${NotDrawn} what=${block} />`}
      <//>`;
    })}
  </div>`;
}
