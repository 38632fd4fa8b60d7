"""The home battery: what it does with a surplus or a need, and what is left in it. Pure functions of frozen values."""

import math
from dataclasses import dataclass

#: Energy out over energy in, both measured at the alternating-current side.
ROUND_TRIP_EFFICIENCY = 0.90
#: Share of the capacity that is never drawn.
RESERVE = 0.10
#: Power fades out over the last part before a limit as if that part had to last this long, in hours.
_FADE_H = 0.1
#: Smaller surpluses and needs are left to the grid, in W.
_DEAD_BAND_W = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Battery:
    """A battery with its inverter."""

    capacity_wh: float
    #: Greatest charging and discharging power.
    limit_w: float

    @property
    def reserve_wh(self) -> float:
        """The least content."""
        return RESERVE * self.capacity_wh

    def clamp_wh(self, stored_wh: float) -> float:
        """Return the content within its limits."""
        return min(self.capacity_wh, max(self.reserve_wh, stored_wh))

    def power_w(self, stored_wh: float, surplus_w: float, need_w: float) -> float:
        """Return the power it answers with: discharge positive, charge negative.

        `surplus_w` is what would be exported, `need_w` what would be imported and the battery may cover; not both.
        """
        one_way = math.sqrt(ROUND_TRIP_EFFICIENCY)
        if surplus_w > _DEAD_BAND_W:
            room_w = max(0.0, self.capacity_wh - stored_wh) / one_way / _FADE_H
            return -min(surplus_w, self.limit_w, room_w)
        if need_w > _DEAD_BAND_W:
            left_w = max(0.0, stored_wh - self.reserve_wh) * one_way / _FADE_H
            return min(need_w, self.limit_w, left_w)
        return 0.0

    def stored_wh(self, stored_wh: float, charged_wh: float, discharged_wh: float) -> float:
        """Return the content after energies that flowed at the alternating-current side."""
        one_way = math.sqrt(ROUND_TRIP_EFFICIENCY)
        return self.clamp_wh(stored_wh + charged_wh * one_way - discharged_wh / one_way)
