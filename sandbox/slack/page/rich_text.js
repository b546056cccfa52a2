// rich_text blocks: sections, lists, quotes and preformatted text.

import { html } from "/page/vendor/htm_preact.js";
import { EMOJI } from "/page/vendor/emoji.js";
import { dateText, fullTime } from "/page/dates.js";
import { Channel, Link, Person } from "/page/mrkdwn.js";
import { NotDrawn } from "/page/not_drawn.js";

function styled(node, style = {}) {
  let wrapped = node;
  if (style.code) wrapped = html`<code>${wrapped}</code>`;
  if (style.bold) wrapped = html`<b>${wrapped}</b>`;
  if (style.italic) wrapped = html`<i>${wrapped}</i>`;
  if (style.strike) wrapped = html`<s>${wrapped}</s>`;
  if (style.underline) wrapped = html`<u>${wrapped}</u>`;
  return wrapped;
}

function emojiOf(element) {
  if (element.unicode) {
    return element.unicode.split("-").map((code) => String.fromCodePoint(parseInt(code, 16))).join("");
  }
  return EMOJI[element.name] || `:${element.name}:`;
}

function date(element, context) {
  const fallback = element.fallback || String(element.timestamp);
  const text = dateText(element.timestamp, element.format, fallback, context.zone, context.now());
  return html`<time title=${fullTime(element.timestamp * 1000, context.zone)}>${text}</time>`;
}

function Leaf({ element, context }) {
  switch (element.type) {
    case "text":
      return styled(element.text, element.style);
    case "link":
      return styled(html`<${Link} url=${element.url}>${element.text || element.url}<//>`, element.style);
    case "emoji":
      return html`<span class="emoji" title=${`:${element.name}:`}>${emojiOf(element)}</span>`;
    case "user":
      return html`<${Person} id=${element.user_id} context=${context} />`;
    case "usergroup": {
      const group = context.groups.find((one) => one.id === element.usergroup_id);
      return html`<span class="mention">@${group ? group.handle : element.usergroup_id}</span>`;
    }
    case "channel":
      return html`<${Channel} id=${element.channel_id} context=${context} />`;
    case "broadcast":
      return html`<span class="mention mention-me">@${element.range}</span>`;
    case "date":
      return date(element, context);
    case "color":
      return html`<code><span class="swatch" style=${`background:${encodeURI(element.value)}`}></span>${element.value}</code>`;
    default:
      return html`<${NotDrawn} what=${element} />`;
  }
}

const leaves = (elements, context) =>
  (elements || []).map((element) => html`<${Leaf} element=${element} context=${context} />`);

function Part({ part, context }) {
  switch (part.type) {
    case "rich_text_section":
      return html`<div class="rich-section">${leaves(part.elements, context)}</div>`;
    case "rich_text_preformatted":
      return html`<pre>${leaves(part.elements, context)}</pre>`;
    case "rich_text_quote":
      return html`<blockquote>${leaves(part.elements, context)}</blockquote>`;
    case "rich_text_list": {
      const items = (part.elements || []).map((item) => html`<li>${leaves(item.elements, context)}</li>`);
      const indent = `margin-left:${(part.indent || 0) * 20}px`;
      return part.style === "ordered"
        ? html`<ol style=${indent} start=${(part.offset || 0) + 1}>${items}</ol>`
        : html`<ul style=${indent}>${items}</ul>`;
    }
    default:
      return html`<${NotDrawn} what=${part} />`;
  }
}

export function RichText({ block, context }) {
  if (!block || block.type !== "rich_text") return block ? html`<${NotDrawn} what=${block} />` : null;
  return html`<div class="rich-text">
    ${(block.elements || []).map((part) => html`<${Part} part=${part} context=${context} />`)}
  </div>`;
}
