// How numbers and times are written; format.py writes them the same way, and a test holds the two together.

const THIN_SPACE = "\u202f";
const MINUS = "\u2212";
export const UNKNOWN = "\u2013";
export const STALE_AFTER_S = 60;

export function power(watts) {
  if (watts === null || watts === undefined) return { number: UNKNOWN, unit: "" };
  const size = Math.abs(watts);
  let text = size.toFixed(0);
  let unit = "W";
  if (size >= 999.5) {
    text = (size / 1000).toFixed(2);
    if (Number(text) >= 10) text = (size / 1000).toFixed(1);
    unit = "kW";
  }
  return { number: (watts < 0 && text !== "0" ? MINUS : "") + text, unit };
}

export function percent(share) {
  return { number: (share * 100).toFixed(0), unit: "%" };
}

export function clock(date, zone) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(date);
}

export function ago(moment, now, zone) {
  const seconds = Math.max(0, Math.trunc((now - moment) / 1000));
  if (seconds < 60) return `${seconds}${THIN_SPACE}s ago`;
  if (seconds < 3600) return `${Math.trunc(seconds / 60)}${THIN_SPACE}min ago`;
  const at = `at ${clock(moment, zone)}`;
  if (seconds < 86400) return at;
  const date = new Intl.DateTimeFormat("en-US", { timeZone: zone, day: "numeric", month: "short" });
  const parts = Object.fromEntries(date.formatToParts(moment).map(({ type, value }) => [type, value]));
  return `on ${parts.day} ${parts.month} ${at}`;
}

export function isStale(moment, now) {
  return now - moment > STALE_AFTER_S * 1000;
}

// Text that does not change is not written, so that nothing is laid out or read aloud again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setQuantity(element, { number, unit }) {
  setText(element.querySelector(".number"), number);
  setText(element.querySelector(".unit"), unit && THIN_SPACE + unit);
}
