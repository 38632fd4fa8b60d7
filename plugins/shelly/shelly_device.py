"""One device at one address: who it is, what it reads, and how it is switched."""

from collections.abc import Mapping
from typing import Any

import shelly_gen1
import shelly_gen2
from shelly_client import Client
from shelly_errors import BadAnswerError, DeviceError
from shelly_model import Dialect, Identity, Output, Reading, Request

_INFO_REQUEST = Request("/shelly")
_GEN1: Dialect = shelly_gen1
_GEN2: Dialect = shelly_gen2


def _dialect(identity: Identity) -> Dialect:
    return _GEN1 if identity.generation == 1 else _GEN2


class ShellyDevice:
    """Asks one device. Keeps who it is and its configuration until `forget`, so that a poll is one request."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._config: Mapping[str, Any] | None = None
        self._config_revision: Any = None
        #: Who answered last; None before the first answer and after `forget`.
        self.identity: Identity | None = None

    @property
    def address(self) -> str:
        """Host or host:port."""
        return self._client.address

    def forget(self) -> None:
        """Ask anew who is at the address: a device that was away may come back updated, or another in its place."""
        self.identity = None
        self._config = None

    async def identify(self) -> Identity:
        """Return who answers at the address. Raises DeviceError."""
        if self.identity is None:
            self.identity = Identity.from_info(await self._client.get_open(_INFO_REQUEST))
        return self.identity

    async def read(self) -> Reading:
        """Return the current readings. Raises DeviceError."""
        identity = await self.identify()
        dialect = _dialect(identity)
        status = await self._get(dialect.status_request)
        answered = dialect.mac_from_status(status)
        if answered not in {None, identity.mac}:
            raise BadAnswerError("is another device than before")
        revision = dialect.revision_from_status(status)
        if self._config is None or revision != self._config_revision:
            self._config = await self._get(dialect.config_request)
            self._config_revision = revision
        return dialect.reading_from(identity, status, self._config)

    async def turn(self, output: Output, *, on: bool | None) -> str:
        """Turn an output on or off, None: the other way. Return what the device then says it is. Raises DeviceError."""
        dialect = _dialect(await self.identify())
        if on is None:
            on = await self.state(output) == "off"
        await self._get(dialect.request_to_turn(output, on=on))
        state = await self.state(output)
        if state != ("on" if on else "off"):
            raise DeviceError(f"took the command but still says it is {state}")
        return state

    async def move(self, output: Output, movement: str) -> str:
        """Make a cover ``open``, ``close`` or ``stop``; return what it then does. Raises DeviceError."""
        dialect = _dialect(await self.identify())
        await self._get(dialect.request_to_move(output, movement))
        return await self.state(output)

    async def state(self, output: Output) -> str:
        """Return an output's state. Raises DeviceError."""
        dialect = _dialect(await self.identify())
        state = dialect.state_from_answer(output, await self._get(dialect.request_for_state(output)))
        if state is None:
            raise BadAnswerError("does not tell its state")
        return state

    async def _get(self, request: Request) -> Mapping[str, Any]:
        identity = await self.identify()
        return await self._client.get(request, generation=identity.generation)
