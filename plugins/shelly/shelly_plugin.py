"""Reads and switches Shelly devices of all generations on the local network."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shelly_client import Client, open_session
from shelly_config import Settings
from shelly_device import ShellyDevice
from shelly_discovery import RESCAN_AFTER_FAILURE_S, RESCAN_S, Discovery
from shelly_errors import DeviceError, TimedOutError
from shelly_fleet import Fleet, Member
from shelly_model import Output

from aetherlens_sdk import BasePlugin, ConfigError, Device, Health, Metric, PluginContext, RetriableError

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("shelly")

#: Command → on, off or the other way (None).
_TURNS = {"turn_on": True, "turn_off": False, "toggle": None}
_MOVEMENTS = ("open", "close", "stop")


class ShellyPlugin(BasePlugin):
    """All Shelly devices of a home: those that are listed and those that are found."""

    #: How long one mDNS scan lasts, in seconds. Devices answer within one; the rest is for lost packets.
    scan_s = 3.0

    def __init__(self, config: Mapping[str, Any], context: PluginContext) -> None:
        super().__init__(config, context)
        self._settings = Settings.from_config(config)
        self._session: aiohttp.ClientSession | None = None
        self._searching: asyncio.Task[None] | None = None
        self._fleet = Fleet(self._make_device, timeout_s=self._settings.timeout_s)
        self._discovery: Discovery | None = None
        if self._settings.discover:
            self._discovery = Discovery(
                lambda address: self._fleet.add(address, listed=False),
                interfaces=self._settings.interfaces,
                scan_s=self.scan_s,
            )

    @classmethod
    def validate_config(cls, config: Mapping[str, Any]) -> None:
        """Check hosts and user names. Raises ConfigError with the field's path."""
        Settings.from_config(config)

    async def start(self) -> None:
        """Open the session and begin to search; asks no device yet."""
        self._session = open_session()
        for address in self._settings.devices:
            self._fleet.add(address, listed=True)
        if self._discovery is not None:
            self._searching = asyncio.create_task(self._search(self._discovery), name="shelly discovery")

    async def close(self) -> None:
        """End all background work and close all connections."""
        if self._searching is not None:
            self._searching.cancel()
            await asyncio.gather(self._searching, return_exceptions=True)
        if self._discovery is not None:
            await self._discovery.close()
        await self._fleet.close()
        if self._session is not None:
            await self._session.close()

    async def collect_metrics(self) -> Sequence[Metric]:
        """Return the readings of all devices that answered. Raises RetriableError when there are some and none did."""
        readings = await self._fleet.collect()
        failing = self._fleet.failing()
        if failing and not readings:
            raise RetriableError("; ".join(_describe(member) for member in failing))
        return [metric for reading in readings for metric in reading.metrics()]

    async def discover_devices(self) -> Sequence[Device]:
        """Search the network and return all channels of all devices that were ever read."""
        if self._discovery is not None:
            await self._scan(self._discovery)
        await self._fleet.collect()
        return [
            device
            for member in self._fleet.speaking()
            if member.reading is not None
            for device in member.reading.devices(member.device.address)
        ]

    async def control_device(self, device_id: str, command: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Turn an output on, off or over, or move a cover; return ``{"state": …}`` as the device then reports it.

        Raises ConfigError for a device or command that does not exist, RetriableError when the device did not do it.
        """
        member = self._fleet.find(device_id)
        if member is None:
            # A command may come before the first poll.
            await self._fleet.collect()
            member = self._fleet.find(device_id)
        if member is None or member.reading is None:
            raise ConfigError(f"there is no Shelly output {device_id}", field="device_id")
        output = member.reading.outputs[device_id]
        known = tuple(_MOVEMENTS if output.moves else _TURNS)
        if command not in known:
            raise ConfigError(f"{device_id} knows the commands {', '.join(known)}, not {command!r}", field="command")
        try:
            return {"state": await self._obey(member.device, output, command)}
        except DeviceError as error:
            raise type(error)(f"{member.reading.name} at {member.device.address} {error}") from error

    def get_capabilities(self) -> Sequence[str]:
        """Return all that the manifest declares."""
        return ("metrics.collect", "device.discover", "device.control")

    async def get_health(self) -> Health:
        """Name the devices that do not work, and why."""
        failing = self._fleet.failing()
        devices = {member.label: _describe(member) for member in failing}
        reasons = [f"{len(failing)} of {len(self._fleet.members)} devices do not work"] if failing else []
        if self._discovery is not None and self._discovery.failure is not None:
            reasons.append(self._discovery.failure)
        if not reasons:
            return Health()
        alive = any(member.failure is None for member in self._fleet.members)
        return Health(status="degraded" if alive else "failing", reason="; ".join(reasons), devices=devices)

    async def _obey(self, device: ShellyDevice, output: Output, command: str) -> str:
        """Carry out a command, which takes up to four requests, within the time of two."""
        try:
            async with asyncio.timeout(2 * self._settings.timeout_s):
                if output.moves:
                    return await device.move(output, command)
                return await device.turn(output, on=_TURNS[command])
        except TimeoutError as error:
            raise TimedOutError from error

    def _make_device(self, address: str) -> ShellyDevice:
        assert self._session is not None
        settings = self._settings
        credentials = settings.devices.get(address, settings.discovered)
        return ShellyDevice(Client(self._session, address, credentials, timeout_s=settings.timeout_s))

    async def _search(self, discovery: Discovery) -> None:
        while True:
            try:
                await self._scan(discovery)
            except Exception:  # what others announce on the network must not end the search for good
                log.exception("scan_failed")
            await asyncio.sleep(RESCAN_S if discovery.failure is None else RESCAN_AFTER_FAILURE_S)

    async def _scan(self, discovery: Discovery) -> None:
        addresses = await discovery.scan()
        if addresses is not None:
            await self._fleet.retain(addresses)


def _describe(member: Member) -> str:
    name = member.reading.name if member.reading else "the device"
    return f"{name} at {member.device.address} {member.failure}"
