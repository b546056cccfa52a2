// Times as a reader in a given zone sees them, and Slack's date tokens.

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options }));
  return formats.get(key);
}

const write = (ms, zone, options) => format(zone, options).format(new Date(ms));

export const stampMs = (ts) => Number(ts) * 1000;
export const clockTime = (ms, zone) => write(ms, zone, { hour: "numeric", minute: "2-digit" });
export const preciseTime = (ms, zone) =>
  write(ms, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export const dayKey = (ms, zone) => write(ms, zone, { year: "numeric", month: "2-digit", day: "2-digit" });

function ordinal(day) {
  const rest = day % 100;
  if (rest > 10 && rest < 14) return `${day}th`;
  return day + ({ 1: "st", 2: "nd", 3: "rd" }[day % 10] || "th");
}

function relativeDay(ms, zone, now) {
  const key = dayKey(ms, zone);
  if (key === dayKey(now, zone)) return "today";
  if (key === dayKey(now - 86_400_000, zone)) return "yesterday";
  if (key === dayKey(now + 86_400_000, zone)) return "tomorrow";
  return null;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

export function dayName(ms, zone, now) {
  const near = relativeDay(ms, zone, now);
  if (near) return capital(near);
  return `${write(ms, zone, { weekday: "long", month: "long" })} ${ordinal(Number(write(ms, zone, { day: "numeric" })))}`;
}

function ago(ms, now) {
  const seconds = Math.round((ms - now) / 1000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(seconds, "second");
}

function longDate(ms, zone, month, weekday) {
  const day = ordinal(Number(write(ms, zone, { day: "numeric" })));
  const year = write(ms, zone, { year: "numeric" });
  const prefix = weekday ? `${write(ms, zone, { weekday: "long" })}, ` : "";
  return `${prefix}${write(ms, zone, { month })} ${day}, ${year}`;
}

const tokens = {
  date_num: (ms, zone) => write(ms, zone, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: (ms, zone) => longDate(ms, zone, "long", false),
  date_short: (ms, zone) => write(ms, zone, { month: "short", day: "numeric", year: "numeric" }),
  date_long: (ms, zone) => longDate(ms, zone, "long", true),
  time: (ms, zone) => clockTime(ms, zone),
  time_secs: (ms, zone) => write(ms, zone, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago: (ms, zone, now) => ago(ms, now),
};
tokens.day_divider_pretty = (ms, zone, now) => dayName(ms, zone, now);
for (const name of ["date", "date_short", "date_long"]) {
  tokens[`${name}_pretty`] = (ms, zone, now) => relativeDay(ms, zone, now) || tokens[name](ms, zone);
}

// <!date^SECONDS^TEXT WITH {tokens}^LINK|FALLBACK>; a token that Slack doesn't know shows the fallback.
export function dateText(seconds, pattern, fallback, zone, now) {
  const ms = Number(seconds) * 1000;
  if (!Number.isFinite(ms)) return fallback;
  let unknown = false;
  const text = pattern.replace(/\{(\w+)\}/g, (whole, name) => {
    if (!tokens[name]) unknown = true;
    return tokens[name] ? tokens[name](ms, zone, now) : whole;
  });
  return unknown ? fallback : text;
}

export function fullTime(ms, zone) {
  return `${longDate(ms, zone, "long", true)} at ${tokens.time_secs(ms, zone)} (${zone})`;
}
