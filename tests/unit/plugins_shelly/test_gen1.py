"""Every channel of the first generation becomes the right metrics, read over HTTP from devices that listen."""

from typing import Any

import pytest

from fakes.shelly import MakeFake, StartPlugin, dump, own, table, without

CASES: dict[str, dict[str, dict[str, tuple[float, str]]]] = {
    "gen1-em": {
        "shelly-c0ffee000001": {"signal_strength": (-61, "dBm")},
        "shelly-c0ffee000001-relay0": {"state": (1, "1")},
        "shelly-c0ffee000001-emeter0": {
            "power": (-812.5, "W"),
            "reactive_power": (-40.25, "var"),
            "power_factor": (-0.98, "1"),
            "voltage": (231.5, "V"),
            "energy": (125000.5, "Wh"),
            "energy_export": (98000.25, "Wh"),
        },
    },
    "gen1-3em": {
        "shelly-c0ffee000002": {"signal_strength": (-50, "dBm")},
        "shelly-c0ffee000002-relay0": {"state": (0, "1")},
        "shelly-c0ffee000002-emeter0": {
            "power": (410.25, "W"),
            "power_factor": (0.95, "1"),
            "current": (1.88, "A"),
            "voltage": (229.75, "V"),
            "energy": (7000.5, "Wh"),
            "energy_export": (12.5, "Wh"),
        },
        "shelly-c0ffee000002-emeter1": {
            "power": (-95.5, "W"),
            "power_factor": (-0.41, "1"),
            "current": (1.02, "A"),
            "voltage": (230.25, "V"),
            "energy": (6000.0, "Wh"),
            "energy_export": (450.25, "Wh"),
        },
        "shelly-c0ffee000002-emeter2": {
            "power": (15.0, "W"),
            "power_factor": (0.3, "1"),
            "current": (0.22, "A"),
            "voltage": (230.5, "V"),
            "energy": (5000.0, "Wh"),
            "energy_export": (0.0, "Wh"),
        },
        "shelly-c0ffee000002-emetern": {"current": (0.75, "A")},
    },
    # Both directions of the motor in one counter: (600 + 660) / 60 Wh.
    "gen1-25-roller": {
        "shelly-c0ffee000003": {"temperature": (52.5, "°C"), "signal_strength": (-70, "dBm")},
        "shelly-c0ffee000003-roller0": {"power": (122.5, "W"), "energy": (21.0, "Wh")},
    },
    "gen1-25-relays": {
        "shelly-c0ffee000004": {"signal_strength": (-70, "dBm")},
        "shelly-c0ffee000004-relay0": {"power": (1850.5, "W"), "energy": (1500.0, "Wh"), "state": (1, "1")},
        "shelly-c0ffee000004-relay1": {"power": (0.0, "W"), "energy": (0.1, "Wh"), "state": (0, "1")},
    },
    "gen1-2": {
        "shelly-c0ffee000005-relay0": {"state": (1, "1")},
        "shelly-c0ffee000005-relay1": {"state": (1, "1")},
        "shelly-c0ffee000005-meter0": {"power": (75.5, "W"), "energy": (20.0, "Wh")},
    },
    "gen1-1": {
        "shelly-c0ffee000006": {"signal_strength": (-80, "dBm")},
        "shelly-c0ffee000006-relay0": {"state": (0, "1")},
    },
    "gen1-rgbw2": {
        "shelly-c0ffee000007": {"signal_strength": (-66, "dBm")},
        "shelly-c0ffee000007-light0": {"power": (8.5, "W"), "energy": (5.0, "Wh"), "state": (1, "1")},
    },
    "gen1-dimmer2": {
        "shelly-c0ffee000008": {"temperature": (44.5, "°C"), "signal_strength": (-59, "dBm")},
        "shelly-c0ffee000008-light0": {"power": (21.25, "W"), "energy": (0.75, "Wh"), "state": (1, "1")},
    },
}


@pytest.mark.parametrize("name", CASES)
async def test_reads_every_channel(name: str, fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(own(name)))
    assert table(await plugin.collect_metrics()) == CASES[name]


async def test_reads_the_recorded_plug_s(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(dump("gen1-shelly-plug-s-shplg-s")))
    assert table(await plugin.collect_metrics()) == {
        "shelly-aabbccddeeff": {"temperature": (24.14, "°C"), "signal_strength": (-76, "dBm")},
        # 2632 watt-minutes
        "shelly-aabbccddeeff-relay0": {"power": (0.0, "W"), "energy": (2632 / 60, "Wh"), "state": (0, "1")},
    }


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        (["meters.0.total"], {"power": (21.25, "W"), "state": (1, "1")}),
        (["meters.0.power"], {"energy": (0.75, "Wh"), "state": (1, "1")}),
        (["meters"], {"state": (1, "1")}),
        (["lights.0.ison"], {"power": (21.25, "W"), "energy": (0.75, "Wh")}),
    ],
)
async def test_a_firmware_that_lacks_fields_lacks_just_their_metrics(
    missing: list[str], left: dict[str, Any], fake: MakeFake, start: StartPlugin
) -> None:
    device = await fake(own("gen1-dimmer2"))
    without(device.status, *missing)
    plugin = await start(device)
    assert table(await plugin.collect_metrics())["shelly-c0ffee000008-light0"] == left


async def test_numbers_that_are_none_are_left_out(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen1-dimmer2"))
    device.status["meters"][0] = {"power": "21", "total": True, "is_valid": True}
    device.status["tmp"] = {"tC": float("nan"), "is_valid": True}
    plugin = await start(device)
    assert table(await plugin.collect_metrics()) == {
        "shelly-c0ffee000008": {"signal_strength": (-59, "dBm")},
        "shelly-c0ffee000008-light0": {"state": (1, "1")},
    }


async def test_names_and_kinds_of_channels(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen1-em"))
    plugin = await start(device)
    found = {found.device_id: found for found in await plugin.discover_devices()}
    names = {device_id: (found.name, found.device_type, found.controllable) for device_id, found in found.items()}
    assert names == {
        "shelly-c0ffee000001": ("Meter cupboard", "sensor", False),
        "shelly-c0ffee000001-relay0": ("Meter cupboard Contactor", "relay", True),
        "shelly-c0ffee000001-emeter0": ("Meter cupboard Grid", "energy_meter", False),
        "shelly-c0ffee000001-emeter1": ("Meter cupboard emeter1", "energy_meter", False),
    }
    grid = found["shelly-c0ffee000001-emeter0"]
    assert (grid.manufacturer, grid.model, grid.address) == ("Shelly", "SHEM", device.address)
    assert grid.firmware == "20230913-000000/v1.14.0"


async def test_a_plug_without_a_name_has_its_host_name(fake: MakeFake, start: StartPlugin) -> None:
    recording = own("gen1-25-relays")
    plugin = await start(await fake(recording))
    names = [found.name for found in await plugin.discover_devices() if found.controllable]
    assert names == ["shellyswitch25-000004 Boiler", "shellyswitch25-000004 relay1"]


async def test_settings_are_asked_for_once_and_after_a_change(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen1-em"))
    plugin = await start(device)
    await plugin.collect_metrics()
    await plugin.collect_metrics()
    assert device.requests == ["/shelly", "/status", "/settings", "/status"]
    device.status["cfg_changed_cnt"] += 1
    device.config["name"] = "Cellar"
    await plugin.collect_metrics()
    assert device.requests[4:] == ["/status", "/settings"]
    assert (await plugin.discover_devices())[0].name == "Cellar Contactor"
