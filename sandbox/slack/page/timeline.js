// A list of messages that stays at its end while one reads there.

import { html, useEffect, useLayoutEffect, useRef, useState } from "/page/vendor/htm_preact.js";
import { dayKey, dayName, stampMs } from "/page/dates.js";
import { Icon } from "/page/icons.js";
import { Message } from "/page/message.js";

const GROUP_MS = 5 * 60_000;
const NEAR_END = 80;

function continues(before, message) {
  if (!before || before.is_ephemeral || message.is_ephemeral) return false;
  const same = before.user === message.user && before.bot_id === message.bot_id;
  return same && stampMs(message.ts) - stampMs(before.ts) < GROUP_MS && !before.reply_count;
}

export function Timeline({ messages, channel, context, inThread, onThread, empty, head }) {
  const box = useRef(null);
  const atEnd = useRef(true);
  const top = useRef(0);
  const [behind, setBehind] = useState(false);
  const last = messages[messages.length - 1]?.ts;

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
    else setBehind(true);
  }, [last, messages.length]);
  // Cards grow when they are edited; whoever reads at the end stays there.
  useEffect(() => {
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(box.current);
    observer.observe(box.current.firstElementChild);
    return () => observer.disconnect();
  }, []);
  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    // Growing content fires this too; only a person scrolls up.
    if (scrollHeight - scrollTop - clientHeight < NEAR_END) atEnd.current = true;
    else if (scrollTop < top.current) atEnd.current = false;
    top.current = scrollTop;
    if (atEnd.current) setBehind(false);
  };

  let day = "";
  return html`<div class="timeline-frame">
    <div class="timeline" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label="Messages">
      <div class="timeline-inner">
        ${head} ${!messages.length && empty}
        ${messages.map((message, number) => {
          const key = dayKey(stampMs(message.ts), context.zone);
          const divider = key !== day && !inThread;
          day = key;
          return html`
            ${divider && html`<div class="day" key=${`day${key}`}><span>${dayName(stampMs(message.ts), context.zone, context.now())}</span></div>`}
            <${Message} key=${`${message.ts}${message.to || ""}`} message=${message} channel=${channel} context=${context} inThread=${inThread}
              onThread=${onThread} compact=${!divider && continues(messages[number - 1], message)} />`;
        })}
      </div>
    </div>
    ${behind &&
    html`<button class="jump" onClick=${() => { atEnd.current = true; setBehind(false); toEnd(); }}>
      <${Icon} name="down" size=${14} /> New messages
    </button>`}
  </div>`;
}
