// Today's chart: mean power in 5-minute slots, sources stacked, what is sold or charged below zero, home use as a line.

import { SOURCE_ROLES } from "./balance.js";
import { clock, power, setQuantity, setText } from "./format.js";

const SLOT_S = 300;
const RETRY_MS = 15000;
const DRAW_EVERY_MS = 1000;
const MINUS = "\u2212";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// One missing device makes the sum unknown: a gap is a gap.
function sumOrNull(values) {
  return values.some((value) => value === null) ? null : values.reduce((sum, value) => sum + value, 0);
}

// Running tops of layers, bottom first. A missing layer is a gap of its own and takes no room under the others.
function stack(layers) {
  const below = new Float64Array(layers[0]?.length ?? 0);
  return layers.map((layer) => layer.map((value, i) => (value === null ? null : (below[i] += value))));
}

// Slots at which a layer comes or goes: what is stacked on it jumps there, and a slope would tell of power that never was.
function breaks(layers) {
  const known = (i) => layers.map((layer) => layer[i] !== null).join();
  return layers.length ? layers[0].map((_, i) => i).filter((i) => i > 0 && known(i) !== known(i - 1)) : [];
}

// Sorted, and each beginning after the end of the one before: what uPlot needs of gaps.
function merged(gaps) {
  const result = [];
  for (const [from, to] of gaps.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

export class TodayChart {
  #plot = null;
  #slots = new Map();
  #drawTimer = null;
  #retryTimer = null;

  constructor(section, { zone, now }) {
    this.zone = zone;
    this.now = now;
    this.box = section.querySelector("[data-chart]");
    this.frame = section.querySelector("[data-plot]");
    this.readout = section.querySelector("[data-readout]");
    this.failed = section.querySelector("[data-chart-failed]");
    this.devices = JSON.parse(section.dataset.charted);
    this.dayStart = Date.parse(section.dataset.dayStart) / 1000;
    this.dayEnd = Date.parse(section.dataset.dayEnd) / 1000;
    this.roles = SOURCE_ROLES.filter((role) => this.devices.some((device) => device.role === role));
    this.#listen();
  }

  // Fetch the day so far; a device without readings is a gap, any other trouble is said and tried again.
  async load() {
    clearTimeout(this.#retryTimer);
    try {
      const days = await Promise.all(this.devices.map(({ device_id }) => this.#fetchDay(device_id)));
      this.devices.forEach(({ device_id }, i) => this.#slots.set(device_id, days[i]));
      this.failed.hidden = true;
      this.#draw();
    } catch {
      this.failed.hidden = false;
      this.#retryTimer = setTimeout(() => this.load(), RETRY_MS);
    }
  }

  // Take one sample from the stream into its slot.
  add(deviceId, watts, timestamp) {
    const slots = this.#slots.get(deviceId);
    if (!slots) return;
    const index = this.#indexOf(timestamp / 1000);
    if (index < 0) return;
    const slot = (slots[index] ??= { sum: 0, count: 0 });
    slot.sum += watts;
    slot.count += 1;
    this.#drawTimer ??= setTimeout(() => this.#draw(), DRAW_EVERY_MS);
  }

  async #fetchDay(deviceId) {
    const query = new URLSearchParams({
      device_id: deviceId,
      metric_type: "power",
      start: new Date(this.dayStart * 1000).toISOString(),
      end: new Date(this.now()).toISOString(),
      resolution: "5m",
    });
    const answer = await fetch(`/api/v1/metrics/history?${query}`, { signal: AbortSignal.timeout(20000) });
    if (answer.status === 404) return [];
    if (!answer.ok) throw new Error(`history ${answer.status}`);
    const slots = [];
    for (const { timestamp, value, count = 1 } of (await answer.json()).points) {
      if (value !== null) slots[this.#indexOf(Date.parse(timestamp) / 1000)] = { sum: value * count, count };
    }
    return slots;
  }

  #indexOf(seconds) {
    return Math.floor((seconds - this.dayStart) / SLOT_S);
  }

  // Mean power in kW per slot, summed over the devices that pass; null where one of them is missing.
  #kilowatts(length, passes) {
    const days = this.devices.filter(passes).map(({ device_id }) => this.#slots.get(device_id) ?? []);
    return Array.from({ length }, (_, i) =>
      sumOrNull(days.map((slots) => (slots[i] ? slots[i].sum / slots[i].count / 1000 : null))),
    );
  }

  #series() {
    const last = Math.min(this.#indexOf(this.now() / 1000), this.#indexOf(this.dayEnd - 1));
    const length = Math.max(1, last + 1);
    const time = Array.from({ length }, (_, i) => this.dayStart + i * SLOT_S);
    const byRole = Object.fromEntries(
      this.roles.map((role) => [role, this.#kilowatts(length, (device) => device.role === role)]),
    );
    const home = this.#kilowatts(length, () => true).map((value) => (value === null ? null : Math.max(0, value)));
    const part = (role, side) => byRole[role].map((value) => (value === null ? null : side(value)));
    const down = ["grid", "battery"].filter((role) => role in byRole);
    const tops = stack(this.roles.map((role) => part(role, (value) => Math.max(0, value))));
    const bottoms = stack(down.map((role) => part(role, (value) => Math.min(0, value))));
    // Painted from the outermost inwards: each covers the inner part of the one before it.
    const areas = [...tops.reverse(), ...bottoms.reverse()];
    return { time, areas, breaks: breaks(Object.values(byRole)), home, byRole };
  }

  #draw() {
    clearTimeout(this.#drawTimer);
    this.#drawTimer = null;
    this.current = this.#series();
    const { time, areas, home } = this.current;
    const data = [time, ...areas, home];
    if (this.#plot) this.#plot.setData(data);
    else this.#plot = new uPlot(this.#options(), data, this.frame);
    this.box.dataset.drawn = String(home.filter((value) => value !== null).length);
    this.#tell();
  }

  #options() {
    const area = (name) => ({
      stroke: () => css(`--${name}`),
      fill: () => css(`--${name}-area`),
      width: 1.25,
      points: { show: false },
      gaps: (u, series, from, to, gaps) => merged([...gaps, ...this.#breaksIn(u, from, to)]),
    });
    const names = [...this.roles].reverse().map((role) => (role === "grid" ? "import" : role));
    const downNames = ["grid", "battery"].filter((role) => this.roles.includes(role)).reverse();
    const axis = { stroke: () => css("--text-soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: () => css("--line"), width: 1 };
    const line = { stroke: () => css("--home"), width: 2, points: { show: false } };
    if (!names.length) line.fill = () => css("--home-area");
    return {
      ...this.#size(),
      padding: [12, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.zone),
      scales: {
        x: { range: () => [this.dayStart, this.dayEnd] },
        y: { range: (u, low, high) => this.#range(low, high) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          incrs: [3600, 7200, 10800, 21600],
          space: 70,
          size: 28,
          values: (u, splits) => splits.map((seconds) => clock(seconds * 1000, this.zone)),
        },
        { ...axis, grid, size: 52, space: 40, values: (u, splits) => this.#axisLabels(splits) },
      ],
      series: [
        {},
        ...names.map(area),
        ...downNames.map((role) => area(role === "grid" ? "export" : role)),
        line,
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
  }

  #breaksIn(u, from, to) {
    const { time, breaks } = this.current;
    const at = (i) => u.valToPos(time[i], "x", true);
    return breaks.filter((i) => i > from && i <= to).map((i) => [at(i - 1) - 1, at(i) + 1]);
  }

  // Zero is always in the picture, and so is some height, so that a standby watt does not look like a mountain.
  #range(low, high) {
    const top = Math.max(0.5, (high ?? 0) * 1.06);
    return [low < 0 ? Math.min(low * 1.06, -0.04 * top) : 0, top];
  }

  #axisLabels(splits) {
    const step = splits.length > 1 ? splits[1] - splits[0] : 1;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const last = splits.length - 1;
    return splits.map((value, i) => {
      const number = (value < 0 ? MINUS : "") + Math.abs(value).toFixed(value === 0 ? 0 : digits);
      return i === last ? `${number} kW` : number;
    });
  }

  #size() {
    return { width: this.frame.clientWidth, height: this.frame.clientHeight };
  }

  // The readout: the slot under the cursor, else the newest one that is known.
  #tell() {
    const { time, home, byRole } = this.current;
    const newest = home.findLastIndex((value) => value !== null);
    const index = this.#plot?.cursor.idx ?? Math.max(0, newest);
    setText(this.readout.querySelector("[data-readout-time]"), clock(time[index] * 1000, this.zone));
    for (const key of this.readout.querySelectorAll("[data-key]")) {
      const kilowatts = (key.dataset.key === "home" ? home : byRole[key.dataset.key])[index];
      const leaves = kilowatts < 0;
      for (const label of key.querySelectorAll("[data-way]")) label.hidden = (label.dataset.way === "out") !== leaves;
      key.classList.toggle("leaves", leaves);
      const watts = kilowatts === null ? null : kilowatts * 1000;
      setQuantity(key.querySelector(".quantity"), power(watts === null ? null : Math.abs(watts)));
    }
  }

  #moveCursor(index) {
    const { time } = this.current;
    const to = Math.max(0, Math.min(time.length - 1, index));
    this.#plot.setCursor({ left: this.#plot.valToPos(time[to], "x"), top: 0 });
  }

  #onKey(event) {
    if (!this.#plot) return;
    const end = this.current.time.length - 1;
    const at = this.#plot.cursor.idx ?? end + 1;
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: end, PageUp: at - 12, PageDown: at + 12 };
    if (event.key === "Escape") this.#plot.setCursor({ left: -10, top: -10 });
    if (!(event.key in moves)) return;
    event.preventDefault();
    // Read aloud only what the reader moved, never what the stream changed.
    this.readout.setAttribute("aria-live", "polite");
    this.#moveCursor(moves[event.key]);
  }

  #listen() {
    this.box.addEventListener("keydown", (event) => this.#onKey(event));
    this.box.addEventListener("blur", () => this.readout.removeAttribute("aria-live"));
    this.frame.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch" || !this.#plot) return;
      const left = event.clientX - this.#plot.over.getBoundingClientRect().left;
      this.#plot.setCursor({ left, top: 0 });
    });
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot?.redraw());
  }
}
