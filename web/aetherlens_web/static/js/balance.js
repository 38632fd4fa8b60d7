// The home's balance from the newest power readings; energy_now.py computes the same, and a test holds the two together.
// A reading is { device_id, role, watts, timestamp (ms) }; W, signed: grid + import, battery + discharge, solar +
// production, loads + consumption.

export const SOURCE_ROLES = ["solar", "battery", "grid"];
const CONSUMER_ROLES = ["load", "ev_charger", null];
const DISAGREE_W = -50;

const total = (readings) => readings.reduce((sum, { watts }) => sum + watts, 0);

function ofRole(readings, role) {
  const found = readings.filter((reading) => reading.role === role);
  return found.length ? total(found) : null;
}

export function energyNow(readings) {
  const [grid, solar, battery] = ["grid", "solar", "battery"].map((role) => ofRole(readings, role));
  const consumers = readings.filter(({ role }) => CONSUMER_ROLES.includes(role));
  const used = total(consumers);
  let basis = consumers.length ? "loads" : "none";
  let measured = consumers;
  if (grid !== null) {
    basis = solar === null && battery === null ? "grid" : "balance";
    measured = readings.filter(({ role }) => SOURCE_ROLES.includes(role));
  }
  const sum = measured.length ? total(measured) : null;
  const home = sum === null ? null : Math.max(0, sum);
  return {
    home,
    basis,
    grid,
    solar,
    battery,
    ev: ofRole(readings, "ev_charger"),
    sunShare: grid === null || solar === null || !home ? null : Math.max(0, Math.min(1, solar / home)),
    rest: home !== null && grid !== null && used <= home ? home - used : null,
    addsUp: sum === null || sum >= DISAGREE_W,
    oldest: measured.length ? Math.min(...measured.map(({ timestamp }) => timestamp)) : null,
  };
}
