"""Outputs do what they are told, and the answer is what the device says afterwards."""

import pytest

from aetherlens_sdk import ConfigError, PluginError, RetriableError
from fakes.shelly import MakeFake, StartPlugin, dump, own, table


@pytest.mark.parametrize(
    ("name", "device_id", "starts_on"),
    [
        ("gen1-25-relays", "shelly-c0ffee000004-relay1", False),
        ("gen1-dimmer2", "shelly-c0ffee000008-light0", True),
        ("gen1-rgbw2", "shelly-c0ffee000007-light0", True),
        ("gen2-pro-em", "shelly-c0ffee000023-switch0", True),
        ("gen2-pro-rgbww", "shelly-c0ffee000026-cct0", False),
    ],
)
async def test_turns_on_off_and_over(
    name: str, device_id: str, starts_on: bool, fake: MakeFake, start: StartPlugin
) -> None:
    device = await fake(own(name), password="secret")
    plugin = await start(device, password="secret")
    await plugin.collect_metrics()
    before, after = ("on", "off") if starts_on else ("off", "on")
    assert await plugin.control_device(device_id, f"turn_{before}", {}) == {"state": before}
    assert await plugin.control_device(device_id, "toggle", {}) == {"state": after}
    assert await plugin.control_device(device_id, f"turn_{before}", {}) == {"state": before}
    assert table(await plugin.collect_metrics())[device_id]["state"] == (float(starts_on), "1")


async def test_rgbw2_is_switched_under_the_name_of_its_mode(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen1-rgbw2"))
    plugin = await start(device)
    await plugin.control_device("shelly-c0ffee000007-light0", "turn_off", {})
    assert device.requests[-2:] == ["/color/0", "/color/0"]


@pytest.mark.parametrize(
    ("name", "device_id"),
    [("gen1-25-roller", "shelly-c0ffee000003-roller0"), ("gen2-2pm-cover", "shelly-c0ffee000022-cover0")],
)
async def test_moves_covers(name: str, device_id: str, fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(own(name)))
    assert await plugin.control_device(device_id, "open", {}) == {"state": "opening"}
    assert await plugin.control_device(device_id, "close", {}) == {"state": "closing"}
    assert await plugin.control_device(device_id, "stop", {}) == {"state": "stopped"}


async def test_a_recorded_plug_is_switched_before_the_first_poll(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(dump("gen1-shelly-plug-s-shplg-s")))
    assert await plugin.control_device("shelly-aabbccddeeff-relay0", "turn_on", {}) == {"state": "on"}


async def test_a_device_that_does_not_obey_is_an_error(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen2-pro-em"))
    device.obeys = False
    plugin = await start(device)
    with pytest.raises(RetriableError, match=r"Garage at 127\.0\.0\.1:\d+ took the command but still says it is on"):
        await plugin.control_device("shelly-c0ffee000023-switch0", "turn_off", {})


@pytest.mark.parametrize(
    ("device_id", "command", "message", "field"),
    [
        (
            "shelly-c0ffee0000ff-switch0",
            "turn_on",
            "there is no Shelly output shelly-c0ffee0000ff",
            "device_id",
        ),
        ("shelly-c0ffee000023-em1_0", "turn_on", "there is no Shelly output shelly-c0ffee000023-em1_0", "device_id"),
        ("shelly-c0ffee000023-switch0", "open", "knows the commands turn_on, turn_off, toggle, not 'open'", "command"),
    ],
)
async def test_a_command_that_cannot_be_is_refused_with_the_field(
    device_id: str, command: str, message: str, field: str, fake: MakeFake, start: StartPlugin
) -> None:
    plugin = await start(await fake(own("gen2-pro-em")))
    with pytest.raises(ConfigError, match=message) as caught:
        await plugin.control_device(device_id, command, {})
    assert caught.value.field == field


async def test_a_cover_does_not_turn_on(fake: MakeFake, start: StartPlugin) -> None:
    plugin = await start(await fake(own("gen2-2pm-cover")))
    with pytest.raises(ConfigError, match="knows the commands open, close, stop, not 'turn_on'"):
        await plugin.control_device("shelly-c0ffee000022-cover0", "turn_on", {})


async def test_a_device_that_left_is_an_error_with_its_name(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen2-pro-em"))
    plugin = await start(device)
    await plugin.collect_metrics()
    await device.go_away()
    with pytest.raises(RetriableError, match=r"Garage at 127\.0\.0\.1:\d+ refused the connection"):
        await plugin.control_device("shelly-c0ffee000023-switch0", "turn_off", {})


async def test_a_password_that_was_changed_is_no_reason_to_retry(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen2-pro-em"))
    plugin = await start(device, password="old")
    await plugin.collect_metrics()
    device.password = "new"
    with pytest.raises(PluginError, match="refused the password") as caught:
        await plugin.control_device("shelly-c0ffee000023-switch0", "turn_off", {})
    assert caught.value.kind == ConfigError.kind


async def test_a_device_that_hangs_is_given_up(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen2-pro-em"))
    plugin = await start(device, timeout_seconds=0.5)
    await plugin.collect_metrics()
    device.fault = "slow"
    with pytest.raises(RetriableError, match=r"Garage at 127\.0\.0\.1:\d+ timed out"):
        await plugin.control_device("shelly-c0ffee000023-switch0", "turn_off", {})
