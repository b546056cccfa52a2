// The page's copy of the workspace: loaded once, then kept in step by the feed.

import { useEffect, useState } from "/page/vendor/htm_preact.js";

const RETRY_MS = 1000;
const KEPT_LOG = 1000;

let state = { loaded: false, online: false, log: [], toasts: [] };
const listeners = new Set();
let frame = 0;
let toastCount = 0;

function change(patch) {
  state = { ...state, ...patch };
  if (frame) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    for (const listener of [...listeners]) listener(state);
  });
}

export function useStore() {
  const [current, setCurrent] = useState(state);
  useEffect(() => {
    listeners.add(setCurrent);
    setCurrent(state);
    return () => listeners.delete(setCurrent);
  }, []);
  return current;
}

export async function post(name, body) {
  try {
    const answer = await fetch(`/ui/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const result = await answer.json();
    if (answer.status === 400) toast(result.error);
    return result;
  } catch {
    toast("The sandbox did not answer; it may have been stopped.");
    return { ok: false, error: "offline" };
  }
}

export function toast(text) {
  const id = ++toastCount;
  change({ toasts: [...state.toasts, { id, text }].slice(-3) });
  setTimeout(() => change({ toasts: state.toasts.filter((one) => one.id !== id) }), 6000);
}

function upsert(list, message, matches) {
  const at = list.findIndex(matches);
  if (at < 0) return [...list, message];
  const copy = list.slice();
  copy[at] = message;
  return copy;
}

function inChannel(id, edit) {
  return { channels: state.channels.map((one) => (one.id === id ? { ...one, messages: edit(one.messages) } : one)) };
}

const sameTs = (ts) => (one) => one.ts === ts;
const sameNote = (note) => (one) => one.ts === note.ts && one.to === note.to;

const reducers = {
  message: (event) =>
    inChannel(event.channel, (list) => upsert(list, event.message, sameTs(event.message.ts))),
  message_changed: (event) =>
    inChannel(event.channel, (list) => upsert(list, event.message, sameTs(event.message.ts))),
  message_deleted: (event) =>
    inChannel(event.channel, (list) => list.filter((one) => one.ts !== event.ts)),
  ephemeral: (event) => ({ ephemerals: upsert(state.ephemerals, event.message, sameNote(event.message)) }),
  ephemeral_changed: (event) => ({ ephemerals: upsert(state.ephemerals, event.message, sameNote(event.message)) }),
  ephemeral_deleted: (event) => ({
    ephemerals: state.ephemerals.filter((one) => !(one.ts === event.ts && one.to === event.to)),
  }),
  channel: (event) => ({ channels: upsert(state.channels, event.channel, (one) => one.id === event.channel.id) }),
  views: (event) => ({ views: { ...state.views, [event.user]: event.views } }),
  home: (event) => ({ homes: { ...state.homes, [event.user]: event.view } }),
  faults: (event) => ({ faults: event.faults }),
  limits: (event) => ({ rate_limits: event.enabled }),
  mode: (event) => ({ bot: event.bot }),
  connection: (event) => ({ bot: { ...state.bot, connections: event.count } }),
  log: (event) => ({ log: [...state.log, event.entry].slice(-KEPT_LOG) }),
};

export async function connect() {
  try {
    const loaded = await (await fetch("/ui/state")).json();
    const log = (await (await fetch("/ui/log")).json()).entries;
    change({ ...loaded, log: log.slice(-KEPT_LOG), skew: loaded.now * 1000 - Date.now(), loaded: true, online: true });
    follow(loaded.seq);
  } catch {
    change({ online: false });
    setTimeout(connect, RETRY_MS);
  }
}

function follow(seq) {
  const source = new EventSource(`/ui/events?after=${seq}`);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    const reduce = reducers[event.kind];
    if (reduce) change(reduce(event));
  };
  // A restarted sandbox counts its events anew, so the browser's own reconnection would wait for ever.
  source.onerror = () => {
    source.close();
    change({ online: false });
    setTimeout(connect, RETRY_MS);
  };
}
