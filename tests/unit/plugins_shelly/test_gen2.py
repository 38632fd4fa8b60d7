"""Every channel of generations 2 to 4 becomes the right metrics, read over HTTP from devices that listen."""

import pytest

from fakes.shelly import MakeFake, StartPlugin, dump, own, table, without

CASES: dict[str, dict[str, dict[str, tuple[float, str]]]] = {
    "gen3-pm-mini": {
        "shelly-c0ffee000021": {"signal_strength": (-55, "dBm")},
        "shelly-c0ffee000021-pm1_0": {
            "power": (-402.5, "W"),
            "apparent_power": (408.6, "VA"),
            "power_factor": (0.98, "1"),
            "voltage": (233.5, "V"),
            "current": (1.75, "A"),
            "frequency": (50.02, "Hz"),
            "energy": (1500.25, "Wh"),
            "energy_export": (88000.75, "Wh"),
        },
    },
    "gen2-2pm-cover": {
        "shelly-c0ffee000022": {"temperature": (48.5, "°C"), "signal_strength": (-64, "dBm")},
        "shelly-c0ffee000022-cover0": {
            "power": (0.0, "W"),
            "power_factor": (0.0, "1"),
            "voltage": (230.25, "V"),
            "current": (0.0, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (310.5, "Wh"),
        },
    },
    # On a cable; the add-on's sensor, at 71.5 °C, is not the device's temperature.
    "gen2-pro-em": {
        "shelly-c0ffee000023": {"temperature": (41.25, "°C")},
        "shelly-c0ffee000023-em1_0": {
            "power": (7350.5, "W"),
            "apparent_power": (7400.25, "VA"),
            "power_factor": (0.99, "1"),
            "voltage": (231.0, "V"),
            "current": (32.0, "A"),
            "frequency": (49.98, "Hz"),
            "energy": (456789.25, "Wh"),
            "energy_export": (0.0, "Wh"),
        },
        "shelly-c0ffee000023-em1_1": {
            "power": (-210.0, "W"),
            "apparent_power": (220.5, "VA"),
            "power_factor": (0.95, "1"),
            "voltage": (231.0, "V"),
            "current": (0.95, "A"),
            "frequency": (49.98, "Hz"),
            "energy": (100.5, "Wh"),
            "energy_export": (65000.75, "Wh"),
        },
        "shelly-c0ffee000023-switch0": {"state": (1, "1")},
    },
    # Phase C's meter is broken: its fields are null, its counters still stand.
    "gen2-pro-3em": {
        "shelly-c0ffee000024": {"signal_strength": (-40, "dBm")},
        "shelly-c0ffee000024-em0": {
            "power": (450.25, "W"),
            "apparent_power": (1382.0, "VA"),
            "current": (6.0, "A"),
            "energy": (1025.5, "Wh"),
            "energy_export": (3003.0, "Wh"),
        },
        "shelly-c0ffee000024-em0-a": {
            "power": (900.5, "W"),
            "apparent_power": (920.0, "VA"),
            "power_factor": (0.98, "1"),
            "voltage": (230.0, "V"),
            "current": (4.0, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (1000.5, "Wh"),
            "energy_export": (2.25, "Wh"),
        },
        "shelly-c0ffee000024-em0-b": {
            "power": (-450.25, "W"),
            "apparent_power": (462.0, "VA"),
            "power_factor": (0.97, "1"),
            "voltage": (231.0, "V"),
            "current": (2.0, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (20.0, "Wh"),
            "energy_export": (3000.75, "Wh"),
        },
        "shelly-c0ffee000024-em0-c": {"energy": (5.0, "Wh"), "energy_export": (0.0, "Wh")},
        "shelly-c0ffee000024-em0-n": {"current": (1.5, "A")},
    },
    "gen4-1pm": {
        "shelly-c0ffee000025": {"temperature": (66.5, "°C"), "signal_strength": (-71, "dBm")},
        "shelly-c0ffee000025-switch0": {
            "power": (1999.5, "W"),
            "power_factor": (1.0, "1"),
            "voltage": (229.5, "V"),
            "current": (8.75, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (5000.125, "Wh"),
            "energy_export": (0.5, "Wh"),
            "state": (1, "1"),
        },
    },
    "gen2-pro-rgbww": {
        "shelly-c0ffee000026": {"temperature": (51.0, "°C"), "signal_strength": (-45, "dBm")},
        "shelly-c0ffee000026-rgb0": {
            "power": (12.5, "W"),
            "voltage": (24.0, "V"),
            "current": (0.52, "A"),
            "energy": (77.5, "Wh"),
            "state": (1, "1"),
        },
        "shelly-c0ffee000026-cct0": {
            "power": (0.0, "W"),
            "voltage": (24.0, "V"),
            "current": (0.0, "A"),
            "energy": (11.25, "Wh"),
            "state": (0, "1"),
        },
    },
}


@pytest.mark.parametrize("name", CASES)
async def test_reads_every_channel(name: str, fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(own(name)))
    assert table(await plugin.collect_metrics()) == CASES[name]


async def test_reads_the_recorded_plus_plug_s(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(dump("gen2-shelly-plus-plug-s-snpl-00112eu")))
    assert table(await plugin.collect_metrics()) == {
        "shelly-aabbccddeeff": {"temperature": (32.1, "°C"), "signal_strength": (-53, "dBm")},
        "shelly-aabbccddeeff-switch0": {
            "power": (2.7, "W"),
            "voltage": (227.9, "V"),
            "current": (0.121, "A"),
            "energy": (7258.589, "Wh"),
            "state": (1, "1"),
        },
    }


async def test_reads_the_recorded_pro_3em(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(dump("gen2-shelly-pro-3em-spem-003cebeu")))
    assert table(await plugin.collect_metrics()) == {
        "shelly-aabbccddeeff": {"temperature": (46.6, "°C")},
        "shelly-aabbccddeeff-em0": {
            "power": (558.965, "W"),
            "apparent_power": (882.413, "VA"),
            "current": (3.856, "A"),
            "energy": (2589773.39, "Wh"),
            "energy_export": (1026.61, "Wh"),
        },
        "shelly-aabbccddeeff-em0-a": {
            "power": (375.5, "W"),
            "apparent_power": (547.4, "VA"),
            "power_factor": (0.76, "1"),
            "voltage": (229.0, "V"),
            "current": (2.392, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (2034616.71, "Wh"),
            "energy_export": (0.0, "Wh"),
        },
        "shelly-aabbccddeeff-em0-b": {
            "power": (170.8, "W"),
            "apparent_power": (237.2, "VA"),
            "power_factor": (0.78, "1"),
            "voltage": (229.0, "V"),
            "current": (1.037, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (185686.89, "Wh"),
            "energy_export": (40.7, "Wh"),
        },
        "shelly-aabbccddeeff-em0-c": {
            "power": (12.7, "W"),
            "apparent_power": (97.8, "VA"),
            "power_factor": (0.53, "1"),
            "voltage": (229.2, "V"),
            "current": (0.428, "A"),
            "frequency": (50.0, "Hz"),
            "energy": (369469.8, "Wh"),
            "energy_export": (985.91, "Wh"),
        },
    }


async def test_reads_the_recorded_pro_4pm(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(dump("gen2-shelly-pro-4pm-spsw-004pe16eu")))
    idle = {
        "power": (0.0, "W"),
        "power_factor": (0.0, "1"),
        "voltage": (121.8, "V"),
        "current": (0.0, "A"),
        "frequency": (60.0, "Hz"),
        "energy": (0.0, "Wh"),
        "state": (0, "1"),
    }
    assert table(await plugin.collect_metrics()) == {
        "shelly-aabbccddeeff": {"temperature": (25.6, "°C"), "signal_strength": (-71, "dBm")},
        "shelly-aabbccddeeff-switch0": {**idle, "voltage": (121.7, "V")},
        "shelly-aabbccddeeff-switch1": idle,
        "shelly-aabbccddeeff-switch2": idle,
        "shelly-aabbccddeeff-switch3": idle,
    }


async def test_a_firmware_that_lacks_fields_lacks_just_their_metrics(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen4-1pm"))
    without(device.status, "switch:0.pf", "switch:0.freq", "switch:0.ret_aenergy", "switch:0.temperature", "wifi")
    plugin = await start(device)
    assert table(await plugin.collect_metrics()) == {
        "shelly-c0ffee000025-switch0": {
            "power": (1999.5, "W"),
            "voltage": (229.5, "V"),
            "current": (8.75, "A"),
            "energy": (5000.125, "Wh"),
            "state": (1, "1"),
        }
    }


async def test_components_of_unforeseen_form_are_left_out(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen4-1pm"))
    device.status |= {"switch:1": None, "em:x": {}, "pm1:": [], "switch:2": {"apower": 10**400, "aenergy": 5}}
    plugin = await start(device)
    assert table(await plugin.collect_metrics()) == CASES["gen4-1pm"]


async def test_names_and_kinds_of_channels(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(own("gen2-pro-3em")))
    assert {found.device_id: found.name for found in await plugin.discover_devices()} == {
        "shelly-c0ffee000024": "Main",
        "shelly-c0ffee000024-em0": "Main",
        "shelly-c0ffee000024-em0-a": "Main phase A",
        "shelly-c0ffee000024-em0-b": "Main phase B",
        "shelly-c0ffee000024-em0-c": "Main phase C",
        "shelly-c0ffee000024-em0-n": "Main neutral",
    }


async def test_the_recorded_plug_is_described(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(dump("gen2-shelly-plus-plug-s-snpl-00112eu"))
    plugin = await start(device)
    plug = next(found for found in await plugin.discover_devices() if found.controllable)
    assert (plug.name, plug.device_type, plug.manufacturer) == ("Test Name Switch Test Name 0", "smart_plug", "Shelly")
    assert (plug.model, plug.firmware, plug.address) == ("SNPL-00112EU", "1.1.0", device.address)


async def test_a_device_without_a_name_is_named_by_what_it_is(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(own("gen4-1pm")))
    assert {found.name for found in await plugin.discover_devices()} == {"Shelly S1PMG4 c0ffee000025"}


async def test_the_configuration_is_asked_for_once_and_after_a_change(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen4-1pm"))
    plugin = await start(device)
    await plugin.collect_metrics()
    await plugin.collect_metrics()
    poll, configuration = "/rpc/Shelly.GetStatus", "/rpc/Shelly.GetConfig"
    assert device.requests == ["/shelly", poll, configuration, poll]
    device.status["sys"]["cfg_rev"] += 1
    await plugin.collect_metrics()
    assert device.requests[4:] == [poll, configuration]
