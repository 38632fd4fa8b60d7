"""Devices that announce themselves by mDNS are read without being listed. All of it on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from shelly_discovery import Discovery, local_address
from shelly_plugin import ShellyPlugin
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from fakes.shelly import FakeShelly, MakeFake, StartPlugin, own

LOOPBACK = ["127.0.0.1"]
BOUND_S = 20

Announce = Callable[[str, str, int], Awaitable[None]]


def service(kind: str, name: str, port: int, address: str = "127.0.0.1") -> AsyncServiceInfo:
    return AsyncServiceInfo(
        f"_{kind}._tcp.local.",
        f"{name}._{kind}._tcp.local.",
        addresses=[socket.inet_aton(address)],
        port=port,
        server=f"{name}.local.",
    )


@pytest.fixture
async def announce() -> AsyncIterator[Announce]:
    """Return a function that announces a service on loopback until the test ends."""
    async with AsyncZeroconf(interfaces=LOOPBACK) as zeroconf:

        async def register(kind: str, name: str, port: int) -> None:
            await (await zeroconf.async_register_service(service(kind, name, port)))

        yield register
        await zeroconf.async_unregister_all_services()


async def find(expected: set[str]) -> set[str]:
    """Scan until the expected addresses were found; return all that were found by then."""
    found: set[str] = set()
    complete = asyncio.Event()

    def on_found(address: str) -> None:
        found.add(address)
        if expected <= found:
            complete.set()

    discovery = Discovery(on_found, interfaces=LOOPBACK, scan_s=BOUND_S)
    scan = asyncio.create_task(discovery.scan())
    try:
        async with asyncio.timeout(BOUND_S):
            await complete.wait()
    finally:
        scan.cancel()
        await discovery.close()
        await asyncio.gather(scan, return_exceptions=True)
    return found


async def test_finds_both_generations_and_nothing_else(announce: Announce) -> None:
    await asyncio.gather(
        announce("http", "shellyplug-s-DDEEFF", 8081),
        announce("http", "printer", 8082),
        announce("shelly", "ShellyPlus1PM-C0FFEE000025", 8083),
    )
    assert await find({"127.0.0.1:8081", "127.0.0.1:8083"}) == {"127.0.0.1:8081", "127.0.0.1:8083"}


async def test_a_discovered_device_is_read_and_switched_without_being_listed(
    announce: Announce, fake: MakeFake, start: StartPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    device: FakeShelly = await fake(own("gen2-pro-em"), password="secret")
    name = "shellyproem-c0ffee000023"
    await asyncio.gather(announce("shelly", name, device.port), announce("http", name, device.port))
    monkeypatch.setattr(ShellyPlugin, "scan_s", 1.5)
    plugin = await start(discover=True, interfaces=LOOPBACK, password="secret")
    found = {found.device_id: found for found in await plugin.discover_devices()}
    assert found["shelly-c0ffee000023-switch0"].address == device.address
    assert "shelly-c0ffee000023-em1_0" in {metric.device_id for metric in await plugin.collect_metrics()}
    assert await plugin.control_device("shelly-c0ffee000023-switch0", "turn_off", {}) == {"state": "off"}
    assert (await plugin.get_health()).status == "ok"


async def test_a_listed_device_that_is_discovered_too_is_polled_once(
    announce: Announce, fake: MakeFake, start: StartPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await fake(own("gen4-1pm"))
    await announce("shelly", "shelly1pmg4-c0ffee000025", device.port)
    monkeypatch.setattr(ShellyPlugin, "scan_s", 1.5)
    # Another spelling of the same host is another address until the MAC tells.
    plugin = await start(devices=[{"host": f"localhost:{device.port}"}], discover=True, interfaces=LOOPBACK)
    assert len({found.device_id for found in await plugin.discover_devices()}) == 2
    device.requests.clear()
    await plugin.collect_metrics()
    assert device.requests == ["/rpc/Shelly.GetStatus"]


async def test_a_scan_that_is_not_possible_is_told_and_the_listed_devices_are_read(
    fake: MakeFake, start: StartPlugin
) -> None:
    device = await fake(own("gen4-1pm"))
    plugin = await start(device, discover=True, interfaces=["192.0.2.1"])
    assert await plugin.discover_devices()
    assert await plugin.collect_metrics()
    health = await plugin.get_health()
    assert health.status == "degraded"
    assert (health.reason or "").startswith("discovery is not possible: ")


async def test_a_machine_without_a_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(**_: object) -> None:
        raise RuntimeError("No interfaces to listen on")

    discovery = Discovery(print, interfaces=[], scan_s=BOUND_S)
    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", no_network)
    assert await discovery.scan() is None
    assert discovery.failure == "discovery is not possible: No interfaces to listen on"


async def test_an_address_outside_of_local_networks_is_not_polled() -> None:
    assert local_address(service("shelly", "shelly-x", 80, "8.8.8.8")) is None
    assert local_address(service("shelly", "shelly-x", 80, "192.168.1.7")) == "192.168.1.7"
    assert local_address(service("shelly", "shelly-x", 8080, "10.0.0.7")) == "10.0.0.7:8080"


async def test_closing_ends_a_scan_that_is_under_way(start: StartPlugin) -> None:
    plugin = await start(discover=True, interfaces=LOOPBACK)
    async with asyncio.timeout(BOUND_S):
        await plugin.close()
