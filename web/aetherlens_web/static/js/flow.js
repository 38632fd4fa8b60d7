// The flow picture, kept current; flows.py draws it first.

import { ago, isStale, setText } from "./format.js";

const FULL_WIDTH_W = 6000;

function direction(role, watts, idleW) {
  if (Math.abs(watts) < idleW) return "idle";
  // A car's positive power is consumption: it leaves the home, as does what is sold or charged.
  return (watts > 0) !== (role === "ev_charger") ? "in" : "out";
}

export function updateFlows(root, readings, { idleW, now, zone }) {
  for (const branch of root.querySelectorAll("[data-flow]")) {
    const role = branch.dataset.flow;
    const measured = readings.filter((reading) => reading.role === role);
    if (!measured.length) continue;
    const watts = measured.reduce((sum, reading) => sum + reading.watts, 0);
    const way = direction(role, watts, idleW);
    branch.dataset.direction = way;
    const width = 2 + 6 * Math.min(1, Math.abs(watts) / FULL_WIDTH_W);
    branch.querySelector(".flow-stream").setAttribute("stroke-width", width.toFixed(1));
    const arrow = branch.querySelector(".flow-arrow");
    const turn = Number(arrow.dataset.in) + (way === "out" ? 180 : 0);
    const place = arrow.getAttribute("transform").replace(/rotate\(.*\)/, `rotate(${turn})`);
    if (arrow.getAttribute("transform") !== place) arrow.setAttribute("transform", place);
    const oldest = Math.min(...measured.map(({ timestamp }) => timestamp));
    branch.classList.toggle("is-stale", isStale(oldest, now));
    setText(branch.querySelector("[data-age]"), isStale(oldest, now) ? ago(oldest, now, zone) : "");
  }
}
