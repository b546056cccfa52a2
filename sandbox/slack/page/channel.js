// A channel and a thread beside it.

import { html } from "/page/vendor/htm_preact.js";
import { Composer } from "/page/composer.js";
import { stampMs } from "/page/dates.js";
import { Avatar, Icon } from "/page/icons.js";
import { isConnected } from "/page/links.js";
import { Message } from "/page/message.js";
import { Timeline } from "/page/timeline.js";

const byTime = (a, b) => stampMs(a.ts) - stampMs(b.ts);

function notesFor(store, channel, user, thread) {
  return store.ephemerals.filter(
    (note) => note.channel === channel && note.to === user && (thread ? note.thread_ts === thread : !note.thread_ts),
  );
}

export function visibleMessages(store, room, user) {
  const own = room.messages.filter(
    (one) => !one.thread_ts || one.thread_ts === one.ts || one.subtype === "thread_broadcast",
  );
  return [...own, ...notesFor(store, room.id, user)].sort(byTime);
}

function Empty({ room, context, connected }) {
  if (room.kind === "im") {
    return html`<div class="empty">
      <${Avatar} bot=${true} size=${56} />
      <h2>${context.app.name}</h2>
      <p>Direct messages from the app, such as reminders, appear here.</p>
    </div>`;
  }
  if (!room.has_bot) {
    return html`<div class="empty"><h2># ${room.name}</h2><p>The app is not a member of this channel; it can answer a command here but not post.</p></div>`;
  }
  return html`<div class="empty">
    <${Avatar} bot=${true} size=${56} />
    <h2>Upgrade your first cluster</h2>
    ${connected
      ? html`<p>Type <code>${context.app.command} start cluster-x</code> below and press Enter.</p>`
      : html`<p>The bot is starting; as soon as it is connected, type <code>${context.app.command} start cluster-x</code> below.</p>`}
  </div>`;
}

export function ChannelPane({ store, room, context, onThread, onMenu, tabs }) {
  const name = room.kind === "im" ? context.app.name : `#${room.name}`;
  return html`<section class="pane channel-pane" aria-label=${name}>
    <header class="pane-head">
      <button class="plain-button menu-button" aria-label="Channels" onClick=${onMenu}><${Icon} name="menu" /></button>
      <div class="pane-titles">
        <h1>${room.kind === "im" ? html`<${Avatar} bot=${true} size=${22} /> ${name}` : html`<span class="hash">#</span>${room.name}`}</h1>
        ${tabs || html`<p class="topic">${room.topic}</p>`}
      </div>
    </header>
    <${Timeline} key=${room.id} messages=${visibleMessages(store, room, context.reader.id)} channel=${room.id} context=${context}
      onThread=${onThread} empty=${html`<${Empty} room=${room} context=${context} connected=${isConnected(store.bot)} />`} />
    <${Composer} key=${`composer${room.id}`} channel=${room.id} name=${name} context=${context} />
  </section>`;
}

export function ThreadPane({ store, room, root, context, onClose }) {
  const first = room.messages.find((one) => one.ts === root);
  if (!first) return null;
  const replies = room.messages.filter((one) => one.thread_ts === root && one.ts !== root);
  const all = [...replies, ...notesFor(store, room.id, context.reader.id, root)].sort(byTime);
  const head = html`
    <${Message} message=${first} channel=${room.id} context=${context} inThread=${true} onThread=${() => {}} />
    <div class="reply-count"><span>${replies.length ? `${replies.length} ${replies.length === 1 ? "reply" : "replies"}` : "No replies yet"}</span></div>`;
  return html`<section class="pane thread-pane" aria-label="Thread">
    <header class="pane-head">
      <div class="pane-titles"><h1>Thread</h1><p class="topic">${room.kind === "im" ? context.app.name : `#${room.name}`}</p></div>
      <button class="plain-button" aria-label="Close thread" onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    <${Timeline} key=${root} messages=${all} channel=${room.id} context=${context} inThread=${true} head=${head} />
    <${Composer} key=${`reply${root}`} channel=${room.id} name=${room.name} context=${context} thread=${root} />
  </section>`;
}
