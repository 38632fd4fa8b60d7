// Home: keeps the page that the server rendered current from the event stream.

import { energyNow } from "./balance.js";
import { TodayChart } from "./chart.js";
import { updateFlows } from "./flow.js";
import { ago, clock, isStale, percent, power, setQuantity, setText } from "./format.js";
import { LiveStream } from "./live.js";

const TICK_MS = 1000;
// Names, warnings and new devices come with the fragment; numbers come with the stream.
const REFRESH_EVERY_MS = 60000;
const REFRESH_AT_MOST_EVERY_MS = 5000;

const stream = document.querySelector("[data-stream]");
const todaySection = document.querySelector("[data-charted]");

// What the server may render anew, by id: the answer with its picture, and the devices.
let present = document.getElementById("now");
let bars = document.getElementById("bars");
let readings = new Map();
let clockAheadMs = 0;
// A page without a chart waits for its first readings: it asks at once.
let refreshedAt = todaySection ? performance.now() : -Infinity;
let refreshTimer = null;
let frame = null;

const zone = present.dataset.zone;
// The core's clock: the visitor's may be wrong.
const now = () => Date.now() + clockAheadMs;
const chart = todaySection && new TodayChart(todaySection, { zone, now });

function adopt() {
  clockAheadMs = Date.parse(present.dataset.time) - Date.now();
  const fromServer = JSON.parse(present.dataset.readings);
  readings = new Map(
    fromServer.map((reading) => [reading.device_id, { ...reading, timestamp: Date.parse(reading.timestamp) }]),
  );
  render();
}

function sentences(energy, idleW) {
  const grid = energy.grid ?? 0;
  const battery = energy.battery ?? 0;
  return {
    sun: energy.sunShare !== null,
    import: energy.grid !== null && grid >= idleW,
    export: grid <= -idleW,
    "grid-idle": energy.grid !== null && Math.abs(grid) < idleW,
    discharge: battery >= idleW,
    charge: battery <= -idleW,
    loads: energy.basis === "loads",
    unknown: energy.basis === "none",
    disagree: !energy.addsUp,
    stale: energy.oldest !== null && isStale(energy.oldest, now()),
  };
}

function quantities(energy) {
  const size = (watts) => power(watts === null ? null : Math.abs(watts));
  return {
    home: power(energy.home),
    sun: percent(energy.sunShare ?? 0),
    import: size(energy.grid),
    export: size(energy.grid),
    charge: size(energy.battery),
    discharge: size(energy.battery),
    solar: size(energy.solar),
    grid: size(energy.grid),
    battery: size(energy.battery),
    ev_charger: size(energy.ev),
  };
}

function renderAnswer(energy, idleW) {
  for (const [key, quantity] of Object.entries(quantities(energy))) {
    for (const element of present.querySelectorAll(`[data-value="${key}"]`)) setQuantity(element, quantity);
  }
  const applies = sentences(energy, idleW);
  for (const element of present.querySelectorAll("[data-say]")) element.hidden = !applies[element.dataset.say];
  for (const element of present.querySelectorAll("[data-answer]")) element.classList.toggle("is-stale", applies.stale);
  const age = present.querySelector('[data-age="home"]');
  if (age && energy.oldest !== null) setText(age, ago(energy.oldest, now(), zone));
}

function renderBars(energy) {
  const shown = [...bars.querySelectorAll("[data-device]")]
    .map((bar) => ({ bar, reading: readings.get(bar.dataset.device) }))
    .filter(({ reading }) => reading);
  const longest = Math.max(1, energy.rest ?? 0, ...shown.map(({ reading }) => reading.watts));
  const setLength = (bar, watts) => {
    const length = `${((100 * Math.max(0, watts)) / longest).toFixed(1)}%`;
    bar.querySelector(".bar-fill").setAttribute("width", length);
  };
  for (const { bar, reading } of shown) {
    const stale = isStale(reading.timestamp, now());
    setLength(bar, reading.watts);
    setQuantity(bar.querySelector(".quantity"), power(reading.watts));
    bar.classList.toggle("is-stale", stale);
    const age = bar.querySelector("[data-bar-age]");
    age.hidden = !stale;
    if (stale) setText(age, ago(reading.timestamp, now(), zone));
  }
  const rest = bars.querySelector("[data-rest]");
  if (!rest) return;
  setLength(rest, energy.rest ?? 0);
  setQuantity(rest.querySelector(".quantity"), power(energy.rest));
}

function render() {
  cancelAnimationFrame(frame);
  frame = null;
  const known = [...readings.values()];
  const energy = energyNow(known);
  const idleW = Number(present.dataset.idleW);
  renderAnswer(energy, idleW);
  updateFlows(present, known, { idleW, now: now(), zone });
  renderBars(energy);
}

// Ask the server for the present anew: at once, but not more often than it makes sense.
function refresh() {
  if (refreshTimer) return;
  const wait = Math.max(0, refreshedAt + REFRESH_AT_MOST_EVERY_MS - performance.now());
  refreshTimer = setTimeout(async () => {
    try {
      await fetchPresent();
    } catch {
      // The numbers on the page show their age; the next refresh tries again.
    } finally {
      refreshedAt = performance.now();
      refreshTimer = null;
    }
  }, wait);
}

async function fetchPresent() {
  const answer = await fetch("/home/now", { signal: AbortSignal.timeout(10000) });
  if (!answer.ok) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const fresh = template.content.getElementById("now");
  // The chart is made by the whole page; and nobody's place on the page is taken away.
  if (!chart && JSON.parse(fresh.dataset.readings).length) return location.reload();
  if (present.contains(document.activeElement) || bars.contains(document.activeElement)) return;
  const freshBars = template.content.getElementById("bars");
  present.replaceWith(fresh);
  bars.replaceWith(freshBars);
  [present, bars] = [fresh, freshBars];
  adopt();
}

function take(metrics) {
  for (const { device_id, metric_type, value, timestamp } of metrics) {
    if (metric_type !== "power") continue;
    const reading = readings.get(device_id);
    const at = Date.parse(timestamp);
    if (!reading) refresh();
    else if (at >= reading.timestamp) Object.assign(reading, { watts: value, timestamp: at });
    chart?.add(device_id, value, at);
  }
  frame ??= requestAnimationFrame(render);
}

function tick() {
  if (document.hidden) return;
  render();
  if (performance.now() - refreshedAt > REFRESH_EVERY_MS) refresh();
  // A new day has another chart.
  if (chart && now() / 1000 >= chart.dayEnd) location.reload();
}

function onLost() {
  if (stream.dataset.stream !== "lost") setText(stream.querySelector("[data-lost-since]"), clock(now(), zone));
  stream.dataset.stream = "lost";
}

function onLive(wasLost) {
  stream.dataset.stream = "live";
  if (!wasLost) return;
  refresh();
  chart?.load();
}

async function refreshTable(details) {
  if (!details.open) return;
  const answer = await fetch("/home/today", { signal: AbortSignal.timeout(10000) }).catch(() => null);
  if (answer?.ok) details.querySelector("[data-today-table]").outerHTML = await answer.text();
}

adopt();
chart?.load();
new LiveStream("/api/v1/events", { onMetrics: take, onLost, onLive });
setInterval(tick, TICK_MS);
const table = document.querySelector("[data-table]");
table?.addEventListener("toggle", () => refreshTable(table));
