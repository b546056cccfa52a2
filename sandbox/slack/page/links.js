// Addresses that the page itself answers, and the way to the bot.

const PERMALINK = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

// A message's address as {channel, ts, thread}; the thread of a reply is named in the query.
export function readPermalink(url) {
  const found = PERMALINK.exec(url.pathname);
  if (!found || url.port !== location.port || !LOOPBACK.has(url.hostname)) return null;
  return { channel: found[1], thread: url.searchParams.get("thread_ts") || `${found[2]}.${found[3]}` };
}

export const isConnected = (bot) => bot.mode === "http" || bot.connections > 0;
