"""Who is polled when: growing intervals for those that fail, one poll for a device with two addresses."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from shelly_client import Client, Credentials, open_session
from shelly_device import ShellyDevice
from shelly_fleet import MAX_DISCOVERED, Fleet, Member

from fakes.shelly import FakeShelly, MakeFake, own

BOUND_S = 10


class Naps:
    """Stands in for asyncio.sleep: notes how long was asked for, and wakes the sleeper when the test says so."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self._alarm: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self, seconds: float) -> None:
        self.asked.put_nowait(seconds)
        await self._alarm.get()

    async def next(self) -> float:
        """Return how long the next nap is to be."""
        async with asyncio.timeout(BOUND_S):
            return await self.asked.get()

    def wake(self) -> None:
        self._alarm.put_nowait(None)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def fleet(naps: Naps) -> AsyncIterator[Fleet]:
    async with open_session() as session:

        def device(address: str) -> ShellyDevice:
            return ShellyDevice(Client(session, address, Credentials(password="secret"), timeout_s=1))

        fleet = Fleet(device, timeout_s=1, sleep=naps)
        yield fleet
        await fleet.close()


def only(fleet: Fleet) -> Member:
    (member,) = fleet.members
    return member


async def test_a_device_that_is_away_is_retried_at_growing_intervals_up_to_a_minute(
    fake: MakeFake, fleet: Fleet, naps: Naps
) -> None:
    device = await fake(own("gen4-1pm"))
    fleet.add(device.address, listed=True)
    await device.go_away()
    assert await fleet.collect() == []
    intervals = []
    for _ in range(7):
        intervals.append(await naps.next())
        naps.wake()
    assert intervals == [2, 4, 8, 16, 32, 60, 60]


async def test_a_device_that_comes_back_is_in_the_next_poll(fake: MakeFake, fleet: Fleet, naps: Naps) -> None:
    device = await fake(own("gen4-1pm"))
    fleet.add(device.address, listed=True)
    await device.go_away()
    await fleet.collect()
    member = only(fleet)
    await naps.next()
    await device.come_home()
    # Nobody asks it before its time.
    assert await fleet.collect() == []
    assert device.requests == []
    naps.wake()
    assert member.retrying is not None
    await asyncio.wait_for(member.retrying, BOUND_S)
    assert fleet.failing() == []
    assert [reading.identity.mac for reading in await fleet.collect()] == ["c0ffee000025"]


async def test_a_device_that_hangs_is_awaited_once_and_then_holds_nobody_up(
    fake: MakeFake, fleet: Fleet, naps: Naps
) -> None:
    hanging, good = await fake(own("gen1-em")), await fake(own("gen4-1pm"))
    hanging.fault = "slow"
    fleet.add(hanging.address, listed=True)
    fleet.add(good.address, listed=True)
    assert len(await fleet.collect()) == 1
    hanging.waiting.clear()
    assert await naps.next() == 2
    async with asyncio.timeout(BOUND_S):
        for _ in range(20):
            assert len(await fleet.collect()) == 1
    assert not hanging.waiting.is_set()


async def test_a_wrong_password_is_tried_again_only_after_a_minute_up_to_a_quarter_of_an_hour(
    fake: MakeFake, fleet: Fleet, naps: Naps
) -> None:
    device = await fake(own("gen4-1pm"), password="another")
    fleet.add(device.address, listed=True)
    intervals = []
    for _ in range(6):
        await fleet.collect()
        intervals.append(await naps.next())
        naps.wake()
    assert intervals == [60, 120, 240, 480, 900, 900]


async def test_each_kind_of_failure_has_its_own_intervals(fake: MakeFake, fleet: Fleet, naps: Naps) -> None:
    device = await fake(own("gen4-1pm"), password="another")
    fleet.add(device.address, listed=True)
    await device.go_away()
    await fleet.collect()
    assert await naps.next() == 2
    naps.wake()
    assert await naps.next() == 4
    await device.come_home()
    naps.wake()
    assert await naps.next() == 60
    device.password = "secret"
    naps.wake()
    retrying = only(fleet).retrying
    assert retrying is not None
    await asyncio.wait_for(retrying, BOUND_S)
    assert len(await fleet.collect()) == 1


def status_polls(*devices: FakeShelly) -> int:
    return sum(path == "/rpc/Shelly.GetStatus" for device in devices for path in device.requests)


async def test_a_device_with_two_addresses_is_polled_once(fake: MakeFake, fleet: Fleet) -> None:
    # Two ports with the same MAC behind them: one device by cable and by Wi-Fi.
    cable, wifi = await fake(own("gen4-1pm")), await fake(own("gen4-1pm"))
    fleet.add(cable.address, listed=True)
    fleet.add(wifi.address, listed=True)
    for _ in range(3):
        assert len(await fleet.collect()) == 1
    assert status_polls(cable, wifi) == 3
    assert len(fleet.speaking()) == 1


async def test_a_listed_address_goes_before_a_discovered_one(fake: MakeFake, fleet: Fleet) -> None:
    listed, discovered = await fake(own("gen4-1pm")), await fake(own("gen4-1pm"))
    fleet.add(discovered.address, listed=False)
    assert len(await fleet.collect()) == 1
    fleet.add(listed.address, listed=True)
    assert len(await fleet.collect()) == 1
    assert len(await fleet.collect()) == 1
    assert [member.device.address for member in fleet.speaking()] == [listed.address]


async def test_the_other_address_takes_over_and_the_lost_one_is_no_failure(fake: MakeFake, fleet: Fleet) -> None:
    old, new = await fake(own("gen4-1pm")), await fake(own("gen4-1pm"))
    fleet.add(old.address, listed=True)
    fleet.add(new.address, listed=False)
    await fleet.collect()
    (owner,) = fleet.speaking()
    await (old if owner.device.address == old.address else new).go_away()
    await fleet.collect()
    assert len(await fleet.collect()) == 1
    assert fleet.failing() == []


async def test_a_discovered_device_is_dropped_when_it_neither_answers_nor_announces_itself(
    fake: MakeFake, fleet: Fleet
) -> None:
    gone, listed = await fake(own("gen4-1pm")), await fake(own("gen1-em"))
    fleet.add(gone.address, listed=False)
    fleet.add(listed.address, listed=True)
    await fleet.collect()
    await fleet.retain([])
    assert len(fleet.members) == 2
    await gone.go_away()
    await listed.go_away()
    await fleet.collect()
    await fleet.retain([])
    assert [member.device.address for member in fleet.members] == [listed.address]


async def test_a_sleeping_sensor_that_was_discovered_is_left_alone(fake: MakeFake, fleet: Fleet) -> None:
    sensor = await fake(own("gen3-ht"))
    fleet.add(sensor.address, listed=False)
    assert await fleet.collect() == []
    assert list(fleet.members) == []
    fleet.add(sensor.address, listed=False)
    assert list(fleet.members) == []


async def test_a_flood_of_announcements_makes_no_flood_of_polls(fleet: Fleet) -> None:
    for place in range(2 * MAX_DISCOVERED):
        fleet.add(f"10.0.{place // 250}.{place % 250}", listed=False)
    assert len(fleet.members) == MAX_DISCOVERED
    fleet.add("10.9.9.9", listed=True)
    assert len(fleet.members) == MAX_DISCOVERED + 1


async def test_a_fault_of_the_conversion_costs_one_device_only(
    fake: MakeFake, fleet: Fleet, naps: Naps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await fake(own("gen4-1pm")), await fake(own("gen1-em"))
    fleet.add(first.address, listed=True)
    fleet.add(second.address, listed=True)

    def broken(*_: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("shelly_gen1.reading_from", broken)
    assert [reading.identity.mac for reading in await fleet.collect()] == ["c0ffee000025"]
    assert str(fleet.failing()[0].failure) == "gave an answer that is not understood (KeyError)"
    assert "device_not_understood" in caplog.text
