"""The life of one plugin: started, configured, polled, and started again when it dies."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic, perf_counter
from typing import Literal, Protocol

import msgspec

from aetherlens.lib import tasks
from aetherlens.lib.clock import now_us
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.lib.process import MissingToolError
from aetherlens.lib.retry import backoff
from aetherlens.lib.unix_path import short_folder
from aetherlens.plugins.catalogue import InstalledPlugin
from aetherlens.plugins.client import HealthAnswer, PluginClient
from aetherlens.plugins.configuration import PluginConfiguration, check
from aetherlens.plugins.errors import (
    BadAnswerError,
    BadConfigurationError,
    FatalFailureError,
    NotTakenError,
    PluginFailure,
)
from aetherlens.plugins.launcher import Launcher, LaunchOrder, RunningPlugin, resident_bytes
from aetherlens_sdk import Device

log = get_logger(__name__)

#: How long a plugin may take from its start until it answers.
START_TIMEOUT_S = 30.0
#: Waiting times before a restart: the first, and the longest.
RESTART_FIRST_S = 0.5
RESTART_CAP_S = 60.0
#: A process that lived so long starts with a clean record when it dies.
STABLE_AFTER_S = 120.0
#: Polls in a row without an answer until the process counts as hung and is started anew.
HANGS_UNTIL_RESTART = 3
#: Time between two looks for devices.
DISCOVER_INTERVAL_S = 600.0

State = Literal["disabled", "starting", "running", "failing", "stopped", "blocked"]


class Tick(Protocol):
    """One point of a schedule."""

    @property
    def at_us(self) -> int:
        """Microseconds since 1970 UTC."""

    @property
    def missed(self) -> int:
        """Points passed over before it."""


#: (plugin id, content type, body, tick in µs) → number of metrics taken. Raises BadAnswerError, NotTakenError.
Deliver = Callable[[str, str, bytes, int], Awaitable[int]]
#: (plugin id, devices): store what the plugin says of its devices.
Report = Callable[[str, Sequence[Device]], Awaitable[None]]
#: (job name, interval in s) → the points of its schedule.
Schedule = Callable[[str, float], AsyncIterator[Tick]]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a plugin right now."""

    state: State
    #: Why it is not running, for people.
    reason: str | None
    restarts: int
    pid: int | None
    memory_bytes: int | None
    #: Time of the last poll that brought metrics, microseconds since 1970 UTC.
    last_success_us: int | None
    #: Devices that do not answer the plugin: id or address → reason.
    devices_away: dict[str, str]


class Supervisor:
    """Keeps one plugin alive."""

    def __init__(
        self,
        plugin: InstalledPlugin,
        configuration: PluginConfiguration,
        launcher: Launcher,
        *,
        run_folder: Path,
        state_dir: Path,
        intake_socket_name: str,
        timeout_s: float,
        max_memory_bytes: int,
        deliver: Deliver,
        report: Report,
        schedule: Schedule,
        metrics: Metrics,
    ) -> None:
        self.plugin = plugin
        self.configuration = configuration
        #: What the plugin's process shows when it pushes metrics; new with each start of the core.
        self.token = secrets.token_urlsafe(32)
        self._id = plugin.manifest.id
        self._launcher = launcher
        self._run_folder = run_folder
        self._state_dir = state_dir
        self._intake_socket_name = intake_socket_name
        self._timeout_s = timeout_s
        self._max_memory_bytes = max_memory_bytes
        self._deliver = deliver
        self._report = report
        self._schedule = schedule
        self._metrics = metrics
        self._state: State = "stopped"
        self._reason: str | None = None
        self._restarts = 0
        self._process: RunningPlugin | None = None
        self._last_success_us: int | None = None
        self._devices_away: dict[str, str] = {}
        self._hangs = 0
        self._life: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the plugin's life."""
        self._life = tasks.start(self._live(), f"plugin-{self._id}")

    async def stop(self) -> None:
        """End it."""
        await tasks.stop(self._life)
        self._enter("stopped", None)

    def status(self) -> Status:
        """Return how it goes."""
        pid = self._process.pid if self._process is not None else None
        return Status(
            state=self._state,
            reason=self._reason,
            restarts=self._restarts,
            pid=pid,
            memory_bytes=resident_bytes(pid) if pid is not None else None,
            last_success_us=self._last_success_us,
            devices_away=self._devices_away,
        )

    def _enter(self, state: State, reason: str | None) -> None:
        if (state, reason) != (self._state, self._reason):
            write = log.warning if state in {"failing", "blocked"} else log.info
            write("plugin_state", plugin=self._id, state=state, reason=reason)
        self._state, self._reason = state, reason
        self._metrics.plugin_up.labels(self._id).set(state == "running")

    async def _live(self) -> None:
        """Start the process and start it again until the task is cancelled or the configuration is refused."""
        waits = backoff(RESTART_FIRST_S, RESTART_CAP_S)
        while True:
            began = monotonic()
            try:
                check(self.plugin.manifest, self.configuration.config)
                await self._run_process()
            except BadConfigurationError as error:
                self._enter("blocked", str(error))
                return
            except (PluginFailure, OSError, MissingToolError) as error:
                self._enter("failing", str(error))
            except Exception as error:  # a fault of the core's own must not end the plugin for good
                log.exception("plugin_supervision_failed", plugin=self._id)
                self._enter("failing", f"an error in AetherLens: {type(error).__name__}")
            if monotonic() - began > STABLE_AFTER_S:
                waits = backoff(RESTART_FIRST_S, RESTART_CAP_S)
            delay = next(waits)
            log.info("plugin_restarts", plugin=self._id, in_s=round(delay, 2))
            await asyncio.sleep(delay)
            self._restarts += 1
            self._metrics.plugin_restarts.labels(self._id).inc()

    async def _run_process(self) -> None:
        """Run the plugin's process once, from start to end. Returns never; raises PluginFailure when it ended."""
        if self._state != "failing":
            self._enter("starting", None)
        socket_name = f"{self._id}.sock"
        (self._run_folder / socket_name).unlink(missing_ok=True)
        self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = process = await self._launcher.launch(
            LaunchOrder(
                plugin_id=self._id,
                folder=self.plugin.folder,
                entrypoint=self.plugin.manifest.runtime.entrypoint,
                socket_folder=self._run_folder,
                socket_name=socket_name,
                intake_socket_name=self._intake_socket_name,
                state_dir=self._state_dir,
                token=self.token,
                max_memory_bytes=self._max_memory_bytes,
            )
        )
        client = PluginClient(short_folder(self._run_folder) / socket_name, self._timeout_s)
        work = asyncio.create_task(self._work(client), name=f"work-{self._id}")
        exit_status = asyncio.create_task(process.wait(), name=f"wait-{self._id}")
        try:
            await asyncio.wait([work, exit_status], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            raise PluginFailure(f"the process ended with status {exit_status.result()}")
        finally:
            for task in (work, exit_status):
                task.cancel()
            await asyncio.gather(work, exit_status, return_exceptions=True)
            await client.close()
            await process.stop()
            self._process = None

    async def _work(self, client: PluginClient) -> None:
        """Configure the plugin, then poll it and look for devices until something ends it."""
        await self._wait_until_it_answers(client)
        await client.configure(self.configuration.config)
        self._hangs = 0
        discovery = tasks.start(self._discover(client), f"discover-{self._id}")
        try:
            interval_s = self.configuration.interval_seconds or self.plugin.manifest.interval_seconds
            async for tick in self._schedule(self._id, interval_s):
                if tick.missed:
                    self._metrics.plugin_polls_missed.labels(self._id).inc(tick.missed)
                await self._poll(client, tick.at_us)
        finally:
            await tasks.stop(discovery)

    async def _wait_until_it_answers(self, client: PluginClient) -> None:
        deadline = monotonic() + START_TIMEOUT_S
        while True:
            try:
                await client.health(timeout_s=self._timeout_s)
            except PluginFailure as error:
                if monotonic() > deadline:
                    raise PluginFailure(f"did not answer within {START_TIMEOUT_S:g} s of its start: {error}") from error
                await asyncio.sleep(0.05)
            else:
                return

    async def _poll(self, client: PluginClient, tick_us: int) -> None:
        """Poll once. Raises FatalFailureError or BadConfigurationError, which end the process."""
        started = perf_counter()
        try:
            content_type, body = await client.collect()
            await self._deliver(self._id, content_type, body, tick_us)
        except (FatalFailureError, BadConfigurationError):
            self._metrics.plugin_polls.labels(self._id, "failed").inc()
            raise
        except NotTakenError as error:
            # Not the plugin's fault, and its state says so: the samples of this tick are missing.
            self._metrics.plugin_polls.labels(self._id, "not_taken").inc()
            log.warning("poll_not_taken", plugin=self._id, reason=str(error))
        except PluginFailure as error:
            self._metrics.plugin_polls.labels(self._id, "failed").inc()
            self._enter("failing", str(error))
            await self._note_failure(client, error)
        else:
            self._hangs = 0
            self._last_success_us = now_us()
            self._metrics.plugin_polls.labels(self._id, "succeeded").inc()
            self._metrics.plugin_poll_duration.labels(self._id).observe(perf_counter() - started)
            await self._ask_health(client)

    async def _note_failure(self, client: PluginClient, error: PluginFailure) -> None:
        """After a poll that failed, find out whether the process hangs."""
        if isinstance(error, BadAnswerError):
            return
        try:
            await client.health(timeout_s=min(self._timeout_s, 2.0))
            self._hangs = 0
        except PluginFailure as failure:
            self._hangs += 1
            if self._hangs >= HANGS_UNTIL_RESTART:
                raise FatalFailureError(f"hangs: {error}") from failure

    async def _ask_health(self, client: PluginClient) -> None:
        """Take the plugin's own judgement into its state."""
        try:
            health = await client.health(timeout_s=min(self._timeout_s, 2.0))
        except PluginFailure:
            health = HealthAnswer()
        self._devices_away = health.devices
        if health.status == "failing":
            self._enter("failing", health.reason)
        else:
            self._enter("running", health.reason)

    async def _discover(self, client: PluginClient) -> None:
        """Ask for devices now and then, where the plugin can find any."""
        if "device.discover" not in self.plugin.manifest.capabilities:
            return
        while True:
            with contextlib.suppress(NotTakenError):
                try:
                    await self._report(self._id, await client.discover())
                except PluginFailure as error:
                    log.warning("discovery_failed", plugin=self._id, reason=str(error))
            await asyncio.sleep(DISCOVER_INTERVAL_S)
