"""Finds Shelly devices by mDNS, in scans of bounded length.

Source: https://shelly-api-docs.shelly.cloud/gen2/General/mDNS: Gen1 announces ``_http._tcp``, Gen2+ ``_shelly._tcp``
as well; the instance is named shelly<model>-<mac>. A browser that is always on would have to read every announcement
on the network all day long; a scan of some seconds finds the same devices.
"""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeroconf import Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo

log = logging.getLogger("shelly")

SERVICE_TYPES = ("_shelly._tcp.local.", "_http._tcp.local.")
#: Time between two scans, in seconds; after one that was not possible, as before the network is up, it is shorter.
RESCAN_S = 300.0
RESCAN_AFTER_FAILURE_S = 30.0
#: How long one device's address is waited for, in seconds.
RESOLVE_S = 2.0
#: Announcements that one scan looks into.
MAX_ANNOUNCEMENTS = 256

_DEFAULT_PORT = 80

#: Takes an address (host or host:port) as soon as it is found.
Found = Callable[[str], None]


class Discovery:
    """Scans the network every now and then, and when asked."""

    def __init__(self, found: Found, *, interfaces: Sequence[str], scan_s: float) -> None:
        self._found = found
        self._interfaces = interfaces
        self._scan_s = scan_s
        self._scan: asyncio.Task[set[str]] | None = None
        #: Why no scan is possible; None when the last one was.
        self.failure: str | None = None

    async def scan(self) -> set[str] | None:
        """Return the addresses that answered, None when no scan was possible. Joins a scan that is under way."""
        if self._scan is None or self._scan.done():
            self._scan = asyncio.create_task(self._scan_once(), name="shelly mDNS scan")
        try:
            addresses = await asyncio.shield(self._scan)
        except (OSError, RuntimeError) as error:  # RuntimeError: zeroconf found no network
            if self.failure is None:
                log.warning("discovery_failed reason=%s", error)
            self.failure = f"discovery is not possible: {error}"
            return None
        self.failure = None
        return addresses

    async def close(self) -> None:
        """End a scan that is under way."""
        if self._scan is not None:
            self._scan.cancel()
            await asyncio.gather(self._scan, return_exceptions=True)

    async def _scan_once(self) -> set[str]:
        # Imported here because zeroconf costs 4 MB that a plugin with discovery off need not spend.
        from zeroconf import InterfaceChoice
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

        _check(self._interfaces)
        interfaces = list(self._interfaces) or InterfaceChoice.All
        async with AsyncZeroconf(interfaces=interfaces) as zeroconf:
            scan = _Scan(self._found)
            browser = AsyncServiceBrowser(zeroconf.zeroconf, list(SERVICE_TYPES), handlers=[scan.on_announcement])
            try:
                await asyncio.sleep(self._scan_s)
            finally:
                await browser.async_cancel()
                await scan.close()
            return scan.addresses


def _check(interfaces: Sequence[str]) -> None:
    """Raise OSError when an address is not this machine's. zeroconf would too, and leave its sockets open."""
    for interface in interfaces:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((interface, 0))


class _Scan:
    """What one scan has seen."""

    def __init__(self, found: Found) -> None:
        self.addresses: set[str] = set()
        self._found = found
        self._lookups: dict[str, asyncio.Task[None]] = {}

    def on_announcement(self, zeroconf: "Zeroconf", service_type: str, name: str, state_change: object) -> None:
        """Look up the address of a service that has a Shelly's name. Called by zeroconf."""
        is_new = name.lower().startswith("shelly") and name not in self._lookups
        if is_new and len(self._lookups) < MAX_ANNOUNCEMENTS:
            self._lookups[name] = asyncio.create_task(self._look_up(zeroconf, service_type, name))

    async def close(self) -> None:
        """End the lookups that are still under way."""
        for lookup in self._lookups.values():
            lookup.cancel()
        await asyncio.gather(*self._lookups.values(), return_exceptions=True)

    async def _look_up(self, zeroconf: "Zeroconf", service_type: str, name: str) -> None:
        from zeroconf.asyncio import AsyncServiceInfo

        info = AsyncServiceInfo(service_type, name)
        if not await info.async_request(zeroconf, RESOLVE_S * 1000):
            return
        address = local_address(info)
        if address is not None and address not in self.addresses:
            self.addresses.add(address)
            self._found(address)


def local_address(info: "AsyncServiceInfo") -> str | None:
    """Return the first IPv4 address of a local network that a service announces, with its port unless that is 80."""
    from zeroconf import IPVersion

    for address in info.parsed_addresses(IPVersion.V4Only):
        # Anybody on the network may announce anything; a poll must not be sent out into the world.
        if ipaddress.ip_address(address).is_private:
            return address if info.port == _DEFAULT_PORT else f"{address}:{info.port}"
    return None
