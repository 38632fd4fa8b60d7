"""Which device is asked when: all at once, none waits for another, and those that are away are left to the background.

A device in good standing is polled and awaited. One that failed is retried in the background, at growing intervals,
until it answers; then it is in good standing again and part of the next poll.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable

from shelly_device import ShellyDevice
from shelly_errors import BadAnswerError, DeviceError, TimedOutError
from shelly_model import Reading

log = logging.getLogger("shelly")

#: Devices that discovery may add, so that a flood of announcements does not become a flood of polls.
MAX_DISCOVERED = 256

Sleep = Callable[[float], Awaitable[None]]


class Member:
    """One address of the fleet and what is known of it."""

    def __init__(self, device: ShellyDevice, *, listed: bool) -> None:
        self.device = device
        #: Whether the configuration names it; the others were discovered.
        self.listed = listed
        #: Why it does not work; None in good standing.
        self.failure: DeviceError | None = None
        #: The last successful poll.
        self.reading: Reading | None = None
        #: The background task that retries it.
        self.retrying: asyncio.Task[None] | None = None

    @property
    def mac(self) -> str | None:
        """Who answers there, as far as it is known."""
        if self.device.identity is not None:
            return self.device.identity.mac
        return self.reading.identity.mac if self.reading else None

    @property
    def label(self) -> str:
        """How the core knows it: the device's id, before the first answer its address."""
        return f"shelly-{self.mac}" if self.mac else self.device.address


class Fleet:
    """All devices of one configuration."""

    def __init__(
        self, make_device: Callable[[str], ShellyDevice], *, timeout_s: float, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._make_device = make_device
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._members: dict[str, Member] = {}
        #: MAC → the one member that is polled for it, where several addresses lead to the same device.
        self._owners: dict[str, Member] = {}
        #: Discovered addresses that are not worth polling.
        self._ignored: set[str] = set()
        #: One poll of the fleet at a time.
        self._polling = asyncio.Lock()

    @property
    def members(self) -> Collection[Member]:
        """All addresses, the listed ones first."""
        return self._members.values()

    def add(self, address: str, *, listed: bool) -> None:
        """Take an address into the fleet; a known one stays as it is."""
        discovered = sum(1 for member in self._members.values() if not member.listed)
        if address in self._members or address in self._ignored or (not listed and discovered >= MAX_DISCOVERED):
            return
        self._members[address] = Member(self._make_device(address), listed=listed)

    async def retain(self, addresses: Iterable[str]) -> None:
        """Drop the discovered members that neither answer nor are among `addresses` any more."""
        seen = set(addresses)
        for address, member in list(self._members.items()):
            if not member.listed and member.failure is not None and address not in seen:
                await self._drop(member)

    async def close(self) -> None:
        """End all background work."""
        for member in list(self._members.values()):
            await self._drop(member)

    async def collect(self) -> list[Reading]:
        """Poll all members in good standing at once, for at most the time-out; return what they read."""
        async with self._polling:
            members = [member for member in self._members.values() if member.failure is None]
            await asyncio.gather(*(self._poll(member) for member in members))
        return [member.reading for member in members if member.reading and self._speaks(member)]

    def find(self, device_id: str) -> Member | None:
        """Return the member that last told of a device or channel of this id."""
        owners = (member for member in self._owners.values() if member.reading is not None)
        return next((member for member in owners if member.reading and device_id in member.reading.outputs), None)

    def speaking(self) -> list[Member]:
        """Return one member for each device that has ever been read."""
        return [member for member in self._members.values() if member.reading and self._owns(member)]

    def failing(self) -> list[Member]:
        """Return the members that do not work, without those whose device answers at another address."""
        return [member for member in self._members.values() if member.failure is not None and not self._served(member)]

    async def _poll(self, member: Member) -> None:
        try:
            reading = await self._attempt(member)
        except DeviceError as error:
            self._fail(member, error)
        else:
            await self._succeed(member, reading)

    async def _attempt(self, member: Member) -> Reading | None:
        """Return the member's reading, None when another member speaks for the device. Raises DeviceError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                identity = await member.device.identify()
                return await member.device.read() if self._claim(member, identity.mac) else None
        except TimeoutError as error:
            raise TimedOutError from error
        except DeviceError:
            raise
        except Exception as error:  # a device's answer that nobody foresaw must not cost the others their poll
            log.exception("device_not_understood address=%s", member.device.address)
            raise BadAnswerError(f"gave an answer that is not understood ({type(error).__name__})") from error

    def _claim(self, member: Member, mac: str) -> bool:
        """Make the member the one that speaks for `mac` unless a working one does; a listed one goes before."""
        owner = self._owners.get(mac)
        taken = owner is not None and owner is not member and owner.failure is None and owner.mac == mac
        if owner is not None and taken and (owner.listed or not member.listed):
            return False
        self._owners[mac] = member
        return True

    def _owns(self, member: Member) -> bool:
        return member.mac is not None and self._owners.get(member.mac) is member

    def _speaks(self, member: Member) -> bool:
        return member.failure is None and self._owns(member)

    def _served(self, member: Member) -> bool:
        owner = self._owners.get(member.mac) if member.mac else None
        return owner is not None and owner.failure is None

    async def _succeed(self, member: Member, reading: Reading | None) -> None:
        if member.failure is not None:
            log.info("device_back address=%s", member.device.address)
        member.failure = None
        if reading is None:
            return
        if reading.on_battery and not member.listed:
            # It answers only while it happens to be awake and would be reported as away for the rest of the day.
            self._ignored.add(member.device.address)
            await self._drop(member)
            return
        member.reading = reading

    def _fail(self, member: Member, error: DeviceError) -> None:
        log.warning("device_failed address=%s reason=%s", member.device.address, error)
        member.failure = error
        member.device.forget()
        member.retrying = asyncio.create_task(self._retry(member), name=f"retry {member.device.address}")

    async def _retry(self, member: Member) -> None:
        """Poll a failing member at growing intervals until it answers."""
        attempt = 0
        while member.failure is not None:
            error = member.failure
            await self._sleep(min(error.longest_wait_s, error.first_wait_s * 2**attempt))
            try:
                reading = await self._attempt(member)
            except DeviceError as again:
                # Another kind of failure, such as a refused password after a reboot, has intervals of its own.
                attempt = attempt + 1 if type(again) is type(error) else 0
                member.failure = again
                member.device.forget()
            else:
                await self._succeed(member, reading)

    async def _drop(self, member: Member) -> None:
        self._members.pop(member.device.address, None)
        for mac in [mac for mac, owner in self._owners.items() if owner is member]:
            del self._owners[mac]
        task, member.retrying = member.retrying, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
