"""The devices of the simulated home and how they present themselves."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from simulated_home_settings import Settings

from aetherlens_sdk import Device

GRID: Final = "sim-grid"
SOLAR: Final = "sim-solar"
BATTERY: Final = "sim-battery"
OUTDOOR: Final = "sim-outdoor"
EV: Final = "sim-ev"
HEAT_PUMP: Final = "sim-heat-pump"
WATER_HEATER: Final = "sim-water-heater"
FRIDGE: Final = "sim-fridge"
FREEZER: Final = "sim-freezer"
COOKING: Final = "sim-cooking"
DISHWASHER: Final = "sim-dishwasher"
WASHER: Final = "sim-washer"
LIGHTS: Final = "sim-lights"
LIVING_ROOM: Final = "sim-tv"
BASE: Final = "sim-base"


#: Appliances on a switchable plug; other switchable devices are loads that a relay starts and stops.
ON_PLUGS: Final = frozenset({DISHWASHER, WASHER, LIVING_ROOM})


@dataclass(frozen=True, kw_only=True, slots=True)
class Relay:
    """What switching a device does."""

    #: Least draw while it is switched on by hand; 0 leaves an appliance on a plug to its own programme.
    forced_w: float


def relays(settings: Settings) -> dict[str, Relay]:
    """Return the devices that can be switched."""
    switchable = {device_id: Relay(forced_w=0.0) for device_id in ON_PLUGS}
    switchable |= {WATER_HEATER: Relay(forced_w=2000.0), LIGHTS: Relay(forced_w=150.0)}
    if settings.ev_charger_kw > 0.0:
        switchable[EV] = Relay(forced_w=settings.ev_charger_kw * 1000.0)
    return switchable


def devices(settings: Settings) -> tuple[Device, ...]:
    """Return the devices of this home, meters first."""
    make = partial(Device, manufacturer="AetherLens", model="Simulated", firmware="0.1.0")
    load = partial(make, role="load", device_type="energy_meter")
    plug = partial(make, role="load", device_type="smart_plug", controllable=True)
    home = [make(device_id=GRID, name="Grid meter", device_type="energy_meter", role="grid", room="Utility room")]
    if settings.solar_kwp > 0.0:
        home.append(make(device_id=SOLAR, name="Rooftop solar", device_type="inverter", role="solar", room="Roof"))
    if settings.battery_kwh > 0.0:
        home.append(make(device_id=BATTERY, name="Home battery", device_type="battery", role="battery", room="Garage"))
    if settings.ev_charger_kw > 0.0:
        home.append(
            make(
                device_id=EV,
                name="EV charger",
                device_type="ev_charger",
                role="ev_charger",
                room="Garage",
                controllable=True,
            )
        )
    if settings.has_heat_pump:
        home.append(load(device_id=HEAT_PUMP, name="Heat pump", room="Utility room", device_type="heat_pump"))
    return (
        *home,
        plug(device_id=WATER_HEATER, name="Water heater", room="Bathroom", device_type="relay"),
        load(device_id=FRIDGE, name="Fridge", room="Kitchen"),
        load(device_id=FREEZER, name="Freezer", room="Utility room"),
        load(device_id=COOKING, name="Hob and oven", room="Kitchen"),
        plug(device_id=DISHWASHER, name="Dishwasher", room="Kitchen"),
        plug(device_id=WASHER, name="Washing machine", room="Utility room"),
        plug(device_id=LIGHTS, name="Lights", room="Living room", device_type="relay"),
        plug(device_id=LIVING_ROOM, name="TV and desk", room="Living room"),
        load(device_id=BASE, name="Router and standby", room="Hall"),
        make(
            device_id=OUTDOOR, name="Outdoor sensor", device_type="temperature_sensor", role="sensor", room="Outdoors"
        ),
    )
