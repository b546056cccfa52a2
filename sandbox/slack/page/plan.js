// plan and task_card blocks: the phases of an upgrade.

import { html, useState } from "/page/vendor/htm_preact.js";
import { Icon } from "/page/icons.js";
import { Link, emojify } from "/page/mrkdwn.js";
import { RichText } from "/page/rich_text.js";

const STATUS_WORDS = { pending: "Not started", in_progress: "In progress", complete: "Complete", error: "Needs attention" };

function StatusIcon({ status }) {
  const label = STATUS_WORDS[status] || status;
  return html`<span class=${`status status-${status}`} role="img" aria-label=${label} title=${label}>
    ${status === "complete" && html`<${Icon} name="check" size=${12} />`}
    ${status === "error" && html`<${Icon} name="cross" size=${12} />`}
  </span>`;
}

function Body({ card, context }) {
  return html`<div class="card-body">
    ${card.details && html`<div class="card-details"><${RichText} block=${card.details} context=${context} /></div>`}
    ${card.output && html`<div class="card-output"><${RichText} block=${card.output} context=${context} /></div>`}
    ${card.sources?.length &&
    html`<div class="card-sources">
      ${card.sources.map((source) => html`<${Link} url=${source.url}>${source.text || source.url}<//>`)}
    </div>`}
  </div>`;
}

function Row({ card, context }) {
  return html`<li class=${`plan-row plan-${card.status}`}>
    <${StatusIcon} status=${card.status} />
    <div class="plan-content">
      <div class="plan-title">${emojify(card.title)}</div>
      <${Body} card=${card} context=${context} />
    </div>
  </li>`;
}

export function Plan({ block, context }) {
  const [open, setOpen] = useState(true);
  const cards = block.tasks || [];
  const done = cards.filter((card) => card.status === "complete").length;
  return html`<section class="plan" aria-label=${block.title}>
    <button class="plan-head" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <span class=${`plan-chevron ${open ? "is-open" : ""}`}><${Icon} name="chevron" size=${14} /></span>
      <span class="plan-name">${emojify(block.title)}</span>
      ${cards.length > 0 && !/\d of \d/.test(block.title) && html`<span class="plan-count">${done} of ${cards.length}</span>`}
    </button>
    ${open &&
    html`<ol class="plan-rows">
      ${cards.map((card) => html`<${Row} key=${card.task_id} card=${card} context=${context} />`)}
    </ol>`}
  </section>`;
}

export function PlanCard({ block, context }) {
  return html`<section class="plan plan-single">
    <ol class="plan-rows"><${Row} card=${block} context=${context} /></ol>
  </section>`;
}
