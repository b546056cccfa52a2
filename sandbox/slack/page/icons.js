// Line icons of the page, drawn on a 20 by 20 grid.

import { html } from "/page/vendor/htm_preact.js";

const paths = {
  hash: "M7.5 3 6 17M14 3l-1.5 14M3.5 7.5h14M2.5 12.5h14",
  close: "m5 5 10 10M15 5 5 15",
  thread: "M3 5.5A2.5 2.5 0 0 1 5.5 3h9A2.5 2.5 0 0 1 17 5.5v6a2.5 2.5 0 0 1-2.5 2.5H9l-4 3.5V14a2 2 0 0 1-2-2z",
  eye: "M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10zM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  send: "m3 3.5 14.5 6.5L3 16.5 4.5 10zM4.5 10H10",
  chevron: "m7 4.5 5.5 5.5L7 15.5",
  down: "m4.5 7 5.5 5.5L15.5 7",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  check: "m4 10.5 4 4 8-9",
  cross: "m6 6 8 8M14 6l-8 8",
  file: "M5 2.5h6.5L16 7v10.5H5zM11 2.5V7.5h5",
  pulse: "M1.5 10.5h4l2.5-7 4 13 2.5-6h4",
  columns: "M3 4h14v12H3zM10 4v12",
  home: "M3 9 10 3l7 6v8h-5v-5H8v5H3z",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  upload: "M10 13.5V3.5M6 7l4-4 4 4M3.5 13v3.5h13V13",
  alert: "M10 3 2 17h16zM10 8v4M10 14.5h.01",
};

export function Icon({ name, size = 18 }) {
  return html`<svg class=${`icon icon-${name}`} width=${size} height=${size} viewBox="0 0 20 20" aria-hidden="true">
    <path d=${paths[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
}

const COLOURS = ["#7c3085", "#0b7a75", "#b4531a", "#2f5fb3", "#8a2d3b", "#4c6b1f", "#5b4bb5", "#84620d"];

export function Avatar({ user, bot, size = 36 }) {
  const style = `width:${size}px;height:${size}px;font-size:${Math.round(size * 0.42)}px`;
  if (bot) return html`<img class="avatar" src="/page/icon.svg" alt="" style=${style} />`;
  if (!user) return html`<span class="avatar avatar-slack" style=${style}>S</span>`;
  const sum = [...user.id].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return html`<span class="avatar" aria-hidden="true" style=${`${style};background:${COLOURS[sum % COLOURS.length]}`}>
    ${user.name[0].toUpperCase()}
  </span>`;
}
