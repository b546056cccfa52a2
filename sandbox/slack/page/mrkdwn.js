// Slack's mrkdwn as nodes. Text from outside is only ever put into text nodes and attributes, never into markup.

import { html } from "/page/vendor/htm_preact.js";
import { EMOJI } from "/page/vendor/emoji.js";
import { dateText, fullTime } from "/page/dates.js";

const own = (map, key) => Object.prototype.hasOwnProperty.call(map, key);
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
export const unescape = (text) => text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);
export const safeLink = (url) => (/^(https?:|mailto:)/i.test(url) ? url : null);

// `12:03:11` holds no emoji: only names that exist are replaced.
export function emojify(text) {
  const parts = String(text).split(/(:[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?)/);
  if (parts.length === 1) return text;
  return parts.map((part) => {
    const name = part.split(":")[1];
    return part.startsWith(":") && own(EMOJI, name)
      ? html`<span class="emoji" role="img" aria-label=${name} title=${`:${name}:`}>${EMOJI[name]}</span>`
      : part;
  });
}

export function plain(text) {
  return emojify(unescape(String(text ?? "")));
}

export function Link({ url, children }) {
  const safe = safeLink(url);
  if (!safe) return html`<span>${children}</span>`;
  return html`<a href=${safe} target="_blank" rel="noopener noreferrer">${children}</a>`;
}

export function Person({ id, label, context }) {
  const known = [...context.users, context.bot].find((user) => user.id === id);
  const name = known ? known.real_name || known.name : label || id;
  return html`<span class=${`mention ${id === context.reader?.id ? "mention-me" : ""}`}>@${name}</span>`;
}

export function Channel({ id, label, context }) {
  const known = context.channels.find((channel) => channel.id === id);
  return html`<span class="mention">#${known ? known.name : label || id}</span>`;
}

function angle(inner, context) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : unescape(inner.slice(bar + 1));
  if (target.startsWith("@")) return html`<${Person} id=${target.slice(1)} label=${label} context=${context} />`;
  if (target.startsWith("#")) return html`<${Channel} id=${target.slice(1)} label=${label} context=${context} />`;
  if (target.startsWith("!date^")) return date(target, label, context);
  if (target.startsWith("!subteam^")) {
    const group = context.groups.find((one) => one.id === target.slice(9));
    return html`<span class="mention">${group ? `@${group.handle}` : label || "@group"}</span>`;
  }
  if (target.startsWith("!")) return html`<span class="mention mention-me">@${label || target.slice(1)}</span>`;
  const url = unescape(target);
  if (!safeLink(url)) return plain(`<${inner}>`);
  return html`<${Link} url=${url}>${label || url.replace(/^mailto:/, "")}<//>`;
}

function date(target, fallback, context) {
  const [, seconds, pattern = "", link = ""] = target.split("^");
  const text = dateText(seconds, unescape(pattern), fallback, context.zone, context.now());
  const ms = Number(seconds) * 1000;
  const title = Number.isFinite(ms) ? fullTime(ms, context.zone) : "";
  const shown = html`<time title=${title}>${text}</time>`;
  return link ? html`<${Link} url=${unescape(link)}>${shown}<//>` : shown;
}

const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|(^|[\s([{"'.,;:!?/—–-])([*_~])(?=\S)(.+?)\4(?=$|[\s)\]}"'.,;:!?/—–-])/s;
const TAGS = { "*": "b", _: "i", "~": "s" };

export function inline(text, context) {
  const nodes = [];
  let rest = text;
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) break;
    const lead = found[3] || "";
    nodes.push(plain(rest.slice(0, found.index) + lead));
    if (found[1] !== undefined) nodes.push(html`<code>${unescape(found[1])}</code>`);
    else if (found[2] !== undefined) nodes.push(angle(found[2], context));
    else nodes.push(html`<${TAGS[found[4]]}>${inline(found[5], context)}<//>`);
    rest = rest.slice(found.index + found[0].length);
  }
  nodes.push(plain(rest));
  return nodes;
}

function lines(text, context) {
  return text.split("\n").flatMap((line, number) => (number ? ["\n", inline(line, context)] : [inline(line, context)]));
}

function paragraphs(text, context) {
  const groups = [];
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>)(?!&gt;&gt;) ?/.test(line);
    const body = quoted ? line.replace(/^(?:&gt;|>) ?/, "") : line;
    const last = groups[groups.length - 1];
    if (last && last.quoted === quoted) last.lines.push(body);
    else groups.push({ quoted, lines: [body] });
  }
  return groups.map(({ quoted, lines: held }) =>
    quoted
      ? html`<blockquote>${lines(held.join("\n"), context)}</blockquote>`
      : html`<span class="text">${lines(held.join("\n"), context)}</span>`,
  );
}

export function mrkdwn(text, context) {
  return String(text ?? "")
    .split(/```/)
    .map((part, number) => {
      if (number % 2) return html`<pre>${unescape(part.replace(/^\n/, "").replace(/\n$/, ""))}</pre>`;
      const trimmed = part.replace(/^\n/, number ? "" : "\n").replace(/\n$/, "");
      return trimmed ? paragraphs(trimmed, context) : null;
    });
}

export function Text({ object, context }) {
  if (!object) return null;
  if (typeof object === "string") return html`<span class="text">${plain(object)}</span>`;
  if (object.type === "mrkdwn") return html`<span class="mrkdwn">${mrkdwn(object.text, context)}</span>`;
  return html`<span class="text">${emojify(object.text ?? "")}</span>`;
}
