// The `markdown` block: standard Markdown, the parts that Slack draws.

import { html } from "/page/vendor/htm_preact.js";
import { Link, emojify } from "/page/mrkdwn.js";

const INLINE = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|(\*\*|__)(?=\S)(.+?)\4|([*_])(?=\S)(.+?)\6|~~(.+?)~~/s;

function inline(text) {
  const nodes = [];
  let rest = text;
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) break;
    nodes.push(emojify(rest.slice(0, found.index)));
    if (found[1]) nodes.push(html`<code>${found[1]}</code>`);
    else if (found[2]) nodes.push(html`<${Link} url=${found[3]}>${inline(found[2])}<//>`);
    else if (found[5]) nodes.push(html`<b>${inline(found[5])}</b>`);
    else if (found[7]) nodes.push(html`<i>${inline(found[7])}</i>`);
    else nodes.push(html`<s>${inline(found[8])}</s>`);
    rest = rest.slice(found.index + found[0].length);
  }
  nodes.push(emojify(rest));
  return nodes;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
const isTable = (lines) => lines.length > 1 && lines[0].includes("|") && /^[\s|:-]+$/.test(lines[1]);

function table(lines) {
  const [head, , ...rows] = lines.map(cells);
  return html`<div class="table-scroll"><table>
    <thead><tr>${head.map((cell) => html`<th>${inline(cell)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

function list(lines) {
  const items = lines.map((line) => html`<li>${inline(line.replace(/^\s*(?:[-*+]|\d+[.)])\s+/, ""))}</li>`);
  return /^\s*\d/.test(lines[0]) ? html`<ol>${items}</ol>` : html`<ul>${items}</ul>`;
}

function chunk(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  if (!lines.length) return null;
  const heading = /^(#{1,6})\s+(.*)/.exec(lines[0]);
  if (heading) {
    const rest = lines.slice(1).join("\n");
    return [html`<div class=${`md-heading md-h${heading[1].length}`}>${inline(heading[2])}</div>`, rest && chunk(rest)];
  }
  if (isTable(lines)) return table(lines);
  if (lines.every((line) => /^\s*(?:[-*+]|\d+[.)])\s+/.test(line))) return list(lines);
  if (lines.every((line) => /^>/.test(line))) {
    return html`<blockquote>${inline(lines.map((line) => line.replace(/^>\s?/, "")).join("\n"))}</blockquote>`;
  }
  const at = lines.findIndex((line) => /^\s*(?:[-*+]|\d+[.)])\s+/.test(line));
  if (at > 0) return [chunk(lines.slice(0, at).join("\n")), chunk(lines.slice(at).join("\n"))];
  return html`<p>${inline(lines.join("\n"))}</p>`;
}

export function markdown(text) {
  return String(text).split(/^```.*$/m).map((part, number) => {
    if (number % 2) return html`<pre>${part.replace(/^\n|\n$/g, "")}</pre>`;
    return part.split(/\n{2,}|(?=^#{1,6} )/m).map(chunk);
  });
}
