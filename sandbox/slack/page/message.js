// One message: who, when, what, and the thread below it.

import { html, useRef, useState } from "/page/vendor/htm_preact.js";
import { Blocks } from "/page/blocks.js";
import { clockTime, dayName, fullTime, stampMs } from "/page/dates.js";
import { useOutside } from "/page/elements.js";
import { Avatar, Icon } from "/page/icons.js";
import { emojify, mrkdwn } from "/page/mrkdwn.js";
import { post } from "/page/store.js";
import { useSurface } from "/page/use.js";

export function authorOf(message, context) {
  if (message.bot_id) return { name: context.app.name, bot: true };
  const user = context.users.find((one) => one.id === message.user);
  return user ? { name: user.real_name, user } : { name: "Slackbot", bot: false };
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} bytes` : bytes < 1048576 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function FileCard({ file }) {
  const path = new URL(file.permalink, location.href).pathname;
  return html`<div class="file">
    <a class="file-head" href=${path} target="_blank" rel="noopener noreferrer">
      <span class="file-icon"><${Icon} name="file" size=${20} /></span>
      <span class="file-names">
        <span class="file-name">${file.title}</span>
        <span class="file-meta">${file.pretty_type} · ${size(file.size)}${file.lines ? ` · ${file.lines} lines` : ""}</span>
      </span>
    </a>
    ${file.preview && html`<pre class="file-preview">${file.preview}</pre>`}
  </div>`;
}

function Attachment({ attachment, context, use }) {
  const colour = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" }[attachment.color] || attachment.color || "#ddd";
  return html`<div class="attachment" style=${`border-left-color:${encodeURI(colour)}`}>
    ${attachment.pretext && html`<div>${mrkdwn(attachment.pretext, context)}</div>`}
    ${attachment.title && html`<div class="attachment-title">${emojify(attachment.title)}</div>`}
    ${attachment.text && html`<div class="mrkdwn">${mrkdwn(attachment.text, context)}</div>`}
    ${attachment.blocks && html`<${Blocks} blocks=${attachment.blocks} context=${context} use=${use} />`}
  </div>`;
}

function Reactions({ list }) {
  return html`<div class="reactions">
    ${list.map((one) => html`<span class="reaction">${emojify(`:${one.name}:`)} <b>${one.count}</b></span>`)}
  </div>`;
}

function ThreadBar({ message, context, onThread }) {
  const authors = (message.reply_users || []).slice(0, 4);
  const ms = stampMs(message.latest_reply);
  const near = dayName(ms, context.zone, context.now());
  return html`<button class="thread-bar" onClick=${() => onThread(message.ts)}>
    <span class="thread-faces">
      ${authors.map((id) => {
        const user = context.users.find((one) => one.id === id);
        return html`<${Avatar} user=${user} bot=${id === context.bot.id} size=${22} />`;
      })}
    </span>
    <b>${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}</b>
    <span class="thread-last">Last reply ${near === "Today" ? "today" : near} at ${clockTime(ms, context.zone)}</span>
    <span class="thread-go"><${Icon} name="chevron" size=${14} /></span>
  </button>`;
}

export function Content({ message, context, use }) {
  const blocks = message.blocks;
  return html`
    ${blocks
      ? html`<${Blocks} blocks=${blocks} context=${context} use=${use} />`
      : message.text && html`<div class="message-text mrkdwn">${mrkdwn(message.text, context)}</div>`}
    ${message.edited && !blocks && html`<span class="edited">(edited)</span>`}
    ${(message.attachments || []).map((one) => html`<${Attachment} attachment=${one} context=${context} use=${use} />`)}
    ${(message.files || []).map((file) => html`<${FileCard} file=${file} />`)}`;
}

// What apps offer for a message, as in Slack's "More actions" menu.
function Shortcuts({ message, channel, context }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useOutside(box, () => setOpen(false));
  const choose = (shortcut) => {
    setOpen(false);
    post("shortcut", { user: context.reader.id, channel, ts: message.ts, callback_id: shortcut.callback_id });
  };
  return html`<span class="shortcuts" ref=${box}>
    <button aria-label="More actions" title="More actions" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <${Icon} name="more" />
    </button>
    ${open &&
    html`<div class="menu" role="menu">
      ${context.app.shortcuts.map(
        (shortcut) => html`<button role="menuitem" onClick=${() => choose(shortcut)}>${shortcut.name} <small>${context.app.name}</small></button>`,
      )}
    </div>`}
  </span>`;
}

export function Message({ message, channel, context, compact, inThread, onThread }) {
  const user = context.reader.id;
  const use = useSurface(user, { channel, ts: message.ts }, message.blocks);
  const author = authorOf(message, context);
  const ms = stampMs(message.ts);
  const hidden = message.is_ephemeral;
  const time = html`<time class="message-time" title=${fullTime(ms, context.zone)}>${clockTime(ms, context.zone)}</time>`;
  return html`<article
    class=${`message ${compact ? "is-compact" : ""} ${hidden ? "is-ephemeral" : ""} ${message.subtype === "notice" ? "is-notice" : ""}`}
    data-ts=${message.ts}
  >
    <div class="gutter">${compact ? time : html`<${Avatar} user=${author.user} bot=${author.bot} />`}</div>
    <div class="message-main">
      ${hidden && html`<div class="only-you"><${Icon} name="eye" size=${14} /> Only visible to you</div>`}
      ${!compact &&
      html`<div class="message-head">
        <span class="author">${author.name}</span>${author.bot && html`<span class="app-badge">APP</span>`} ${time}
      </div>`}
      <${Content} message=${message} context=${context} use=${use} />
      ${message.reactions?.length > 0 && html`<${Reactions} list=${message.reactions} />`}
      ${hidden &&
      html`<button class="link-button dismiss" onClick=${() => post("dismiss", { user, ts: message.ts })}>Dismiss message</button>`}
      ${!inThread && message.reply_count > 0 && html`<${ThreadBar} message=${message} context=${context} onThread=${onThread} />`}
    </div>
    ${!hidden &&
    html`<div class="message-tools">
      ${!inThread &&
      html`<button aria-label="Reply in thread" title="Reply in thread" onClick=${() => onThread(message.thread_ts || message.ts)}>
        <${Icon} name="thread" />
      </button>`}
      <${Shortcuts} message=${message} channel=${channel} context=${context} />
    </div>`}
  </article>`;
}
