"""A device that misbehaves costs its own readings, is named with its reason, and holds nobody up."""

import asyncio

import pytest
from shelly_client import Client, Credentials, open_session
from shelly_errors import BadAnswerError
from shelly_model import Request

from aetherlens_sdk import RetriableError
from fakes.shelly import Fault, MakeFake, StartPlugin, own, table

GOOD = "shelly-c0ffee000024-em0"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("slow", "timed out"),
        ("reset", "closed the connection before it had answered"),
        ("cut", "closed the connection before it had answered"),
        ("garbage", "gave an answer (status 200) that is no JSON"),
        ("huge", "gave an answer of more than 256 KiB"),
    ],
)
async def test_a_faulty_device_is_named_and_the_others_are_read(
    fault: Fault, reason: str, fake: MakeFake, start: StartPlugin
) -> None:
    good, bad = await fake(own("gen2-pro-3em")), await fake(own("gen4-1pm"))
    bad.fault = fault
    plugin = await start(bad, good, timeout_seconds=1)
    assert GOOD in table(await plugin.collect_metrics())
    health = await plugin.get_health()
    assert health.status == "degraded"
    assert health.reason == "1 of 2 devices do not work"
    assert health.devices == {bad.address: f"the device at {bad.address} {reason}"}


async def test_a_device_that_is_away_is_named_by_its_id_once_it_was_known(fake: MakeFake, start: StartPlugin) -> None:
    good, leaver = await fake(own("gen2-pro-3em")), await fake(own("gen1-em"))
    plugin = await start(good, leaver)
    assert len(table(await plugin.collect_metrics())) == 9
    assert (await plugin.get_health()).status == "ok"
    await leaver.go_away()
    assert all(metric.device_id.startswith("shelly-c0ffee000024") for metric in await plugin.collect_metrics())
    assert (await plugin.get_health()).devices == {
        "shelly-c0ffee000001": f"Meter cupboard at {leaver.address} refused the connection"
    }


async def test_when_nothing_can_be_read_the_poll_fails_with_all_reasons(fake: MakeFake, start: StartPlugin) -> None:
    first, second = await fake(own("gen4-1pm")), await fake(own("gen1-em"))
    plugin = await start(first, second)
    first.fault = "garbage"
    await second.go_away()
    with pytest.raises(RetriableError, match=r"no JSON; the device at .* refused the connection"):
        await plugin.collect_metrics()
    assert (await plugin.get_health()).status == "failing"


async def test_devices_are_asked_at_the_same_time(fake: MakeFake, start: StartPlugin) -> None:
    devices = [await fake(own("gen4-1pm"), mac=f"C0FFEE00010{place}") for place in range(5)]
    for device in devices:
        device.fault = "slow"
    plugin = await start(*devices)
    poll = asyncio.create_task(plugin.collect_metrics())
    async with asyncio.timeout(8):
        # None has answered, and all were asked.
        await asyncio.gather(*(device.waiting.wait() for device in devices))
        assert not poll.done()
        for device in devices:
            device.hurry.set()
        assert len({metric.device_id for metric in await poll}) == 10


async def test_a_name_that_does_not_exist_is_said_to_be_unknown(start: StartPlugin) -> None:
    plugin = await start(devices=[{"host": "no-such-device.invalid"}])
    with pytest.raises(RetriableError, match=r"at no-such-device\.invalid (has a name that is not known|timed out)"):
        await plugin.collect_metrics()


async def test_something_else_than_a_shelly_is_recognized(fake: MakeFake, start: StartPlugin) -> None:
    device = await fake(own("gen4-1pm"))
    device.info = {"product": "a printer"}
    plugin = await start(device)
    with pytest.raises(RetriableError, match="does not answer like a Shelly"):
        await plugin.collect_metrics()


async def test_another_device_at_the_same_address_is_not_taken_for_the_first(
    fake: MakeFake, start: StartPlugin
) -> None:
    device = await fake(own("gen4-1pm"))
    plugin = await start(device)
    await plugin.collect_metrics()
    device.status["sys"]["mac"] = "C0FFEE0000AA"
    with pytest.raises(RetriableError, match="is another device than before"):
        await plugin.collect_metrics()


async def test_a_refusal_is_told_in_the_device_s_own_words(fake: MakeFake) -> None:
    device = await fake(own("gen4-1pm"))
    async with open_session() as session:
        client = Client(session, device.address, Credentials(), timeout_s=10)
        with pytest.raises(BadAnswerError, match=r"answered with status 404: No handler for /rpc/Em\.GetStatus"):
            await client.get(Request("/rpc/Em.GetStatus", {"id": "0"}), generation=4)
