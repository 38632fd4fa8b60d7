"""The composition root: builds every part, starts and stops them in visible order. Only this file knows them all."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from aetherlens import __version__
from aetherlens.api.front import Front
from aetherlens.api.resources.devices import DevicesResource
from aetherlens.api.resources.history import HistoryResource
from aetherlens.api.resources.metrics import MetricsResource
from aetherlens.api.resources.plugins import PluginsResource
from aetherlens.api.resources.system import SystemResource
from aetherlens.api.routes import Resources
from aetherlens.api.server import ApiServer
from aetherlens.api.stream import StreamResource
from aetherlens.api.web_process import WebProcess
from aetherlens.collector.buffer import Buffer
from aetherlens.collector.devices import check_devices
from aetherlens.collector.errors import BackpressureError, UndecodableBatchError
from aetherlens.collector.intake import Intake, decode
from aetherlens.collector.journaled import JournaledStore
from aetherlens.collector.normalise import Normaliser
from aetherlens.lib.clock import to_us
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.lib.shared_files import shared_folder
from aetherlens.lib.unix_path import short_folder
from aetherlens.plugins.catalogue import InstalledPlugin, find_plugins
from aetherlens.plugins.configuration import PluginConfiguration, read_configurations
from aetherlens.plugins.errors import BadAnswerError, NotTakenError
from aetherlens.plugins.launcher import SubprocessLauncher
from aetherlens.plugins.manager import PluginManager
from aetherlens.plugins.push import IntakeServer
from aetherlens.plugins.supervisor import Supervisor
from aetherlens.processor.live import LiveState
from aetherlens.processor.subscribers import Subscribers
from aetherlens.scheduler.grid import Grid
from aetherlens.scheduler.periodic import PeriodicJob
from aetherlens.settings import Plugins, Settings, zone
from aetherlens.storage.aggregates import AggregateHistory
from aetherlens.storage.compaction import Compactor
from aetherlens.storage.devices import DeviceStore, ReportedDevice
from aetherlens.storage.disk_guard import DiskGuard
from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.history import History
from aetherlens.storage.journal import Journal
from aetherlens.storage.migrations import migrate
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, Target, connect, embedded, external
from aetherlens.storage.raw import RawSamples
from aetherlens.storage.raw_days import RawDays
from aetherlens.storage.retention import Level, Retention
from aetherlens.storage.rollups import Rollups
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk import Device

log = get_logger(__name__)

API_SOCKET = "api.sock"
WEB_SOCKET = "web.sock"
INTAKE_SOCKET = "intake.sock"
JOURNAL_FOLDER = "journal"

#: How long a plugin's batch waits for room in the buffer, in seconds, before its poll is given up.
PLUGIN_PATIENCE_S = 20.0
#: How often the core looks for days to compact, and how long one run may take, in seconds. A run that is cut off loses
#: nothing, and the next one goes on; the first after a long import has years of days before it.
COMPACTION_INTERVAL_S = 3600.0
COMPACTION_TIMEOUT_S = 3500.0
#: Current values are known from the start for series with a sample so recent.
CURRENT_LOOK_BACK = timedelta(days=1)
#: How often the aggregates are brought up to date, and how long that may take, in seconds.
ROLLUPS_EVERY_S = 60.0
ROLLUPS_TIMEOUT_S = 300.0


async def open_database(stack: AsyncExitStack, home: Path, settings: Settings) -> Database:
    """Start the embedded server where no other is named, connect, and bring the schema up to date.

    What was opened is closed with `stack`. Raises StorageError in words for the person who starts AetherLens.
    """
    target: Target
    if settings.database.url:
        target = external(settings.database.url)
    else:
        server = EmbeddedServer(home)
        stack.push_async_callback(server.stop)
        await server.start()
        target = embedded(home)
    database = await connect(target, settings.database.pool_size)
    stack.push_async_callback(database.close)
    await migrate(database)
    return database


class App:
    """The core. `start` brings it up, `stop` takes it down in the opposite order, also after half a start."""

    def __init__(self, home: Path, settings: Settings, plugin_files: Path, *, without: frozenset[str]) -> None:
        """`plugin_files` holds the owner's file per plugin; plugins in `without` are left out."""
        self._home = home
        self._settings = settings
        self._plugin_files = plugin_files
        self._without = without
        self._run_folder = home / "run"
        self._stack = AsyncExitStack()
        self._metrics = Metrics(__version__)

    async def start(self) -> str:
        """Bring everything up and return the address of the pages. Raises StorageError, OSError."""
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take everything down."""
        await self._stack.aclose()

    async def _start(self) -> str:
        settings, stack, metrics = self._settings, self._stack, self._metrics
        self._run_folder.mkdir(mode=0o700, exist_ok=True)
        database = await open_database(stack, self._home, settings)
        time_zone = zone(settings).key

        # storage
        partitions, registry = Partitions(database), SeriesRegistry(database)
        await asyncio.gather(partitions.load(), registry.load())
        segments = SegmentStore(database, metrics)
        devices, history = DeviceStore(database), History(database, segments)
        raw_days = RawDays(database, partitions, segments)
        retention = Retention([Level(name="raw", table=raw_days, keep_days=settings.storage.raw_days)])
        disk = DiskGuard(self._home, settings.storage.min_free_mb, metrics)
        journal = Journal(self._home / JOURNAL_FOLDER, settings.storage.journal_max_mb * 1024 * 1024, metrics)
        await journal.load()
        raw = RawSamples(database, segments)
        aggregates = AggregateHistory(database, raw, time_zone)
        rollups = Rollups(database, raw, time_zone)

        # processor
        live, subscribers = LiveState(registry), Subscribers(metrics)
        await _recall(live, history)

        # collector
        store = JournaledStore(
            SampleStore(database, partitions),
            journal,
            registry,
            metrics,
            on_settled=live.rename,
            on_replayed=live.update,
        )
        store.start()
        stack.push_async_callback(store.close)
        buffer = Buffer(
            store,
            metrics,
            flush_interval_s=settings.collector.flush_interval_seconds,
            flush_samples=settings.collector.flush_samples,
            capacity=settings.collector.buffer_samples,
        )
        buffer.start()
        stack.push_async_callback(buffer.close)
        normaliser = Normaliser(registry, settings.collector.max_future_seconds)
        listeners = [lambda batch: subscribers.publish(live.update(batch))]
        intake = Intake(normaliser, registry, buffer, metrics, listeners, disk.obstacle)

        # periodic work
        self._start_job(PeriodicJob("disk-guard", disk.check, metrics, interval_s=10, timeout_s=5))
        self._start_job(
            PeriodicJob("rollups", rollups.run, metrics, interval_s=ROLLUPS_EVERY_S, timeout_s=ROLLUPS_TIMEOUT_S)
        )
        self._start_job(PeriodicJob("retention", retention.run, metrics, interval_s=3600, timeout_s=600))
        if partitions.kind == "native":
            compactor = Compactor(
                database, partitions, segments, metrics, after_days=settings.storage.compact_after_days
            )
            self._start_job(
                PeriodicJob(
                    "compaction",
                    compactor.run,
                    metrics,
                    interval_s=COMPACTION_INTERVAL_S,
                    timeout_s=COMPACTION_TIMEOUT_S,
                )
            )

        # plugins
        bridge = _PluginBridge(intake, devices, registry)
        manager = self._plugin_manager(bridge)
        intake_server = IntakeServer(self._run_folder / INTAKE_SOCKET, manager.tokens, bridge.deliver)
        await intake_server.start()
        stack.push_async_callback(intake_server.stop)

        # api and pages
        front = Front(short_folder(self._run_folder) / WEB_SOCKET)
        stack.push_async_callback(front.close)
        resources = Resources(
            metrics=MetricsResource(intake, live, registry, devices),
            history=HistoryResource(registry, history, aggregates, raw),
            devices=DevicesResource(devices, registry, live),
            plugins=PluginsResource(manager),
            system=SystemResource(
                settings.home, time_zone, database, partitions, disk, journal, manager, live, metrics
            ),
            stream=StreamResource(subscribers, live),
            front=front,
        )
        address = await self._open_front_door(resources)
        stack.callback(subscribers.close)

        # Last up, first down: nothing new comes in while the rest stops.
        manager.start()
        stack.push_async_callback(manager.stop)
        return address

    def _start_job(self, job: PeriodicJob) -> None:
        job.start()
        self._stack.push_async_callback(job.stop)

    async def _open_front_door(self, resources: Resources) -> str:
        host, port = self._settings.server.host_and_port()
        server = ApiServer(resources, self._metrics, host=host, max_body_bytes=self._settings.server.max_body_bytes)
        self._stack.push_async_callback(server.stop)
        port = await server.start(port, self._run_folder / API_SOCKET)
        pages = WebProcess(self._run_folder, socket_name=WEB_SOCKET, api_socket_name=API_SOCKET)
        pages.start()
        self._stack.push_async_callback(pages.stop)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _plugin_manager(self, bridge: "_PluginBridge") -> PluginManager:
        settings = self._settings.plugins
        configurations = read_configurations(self._plugin_files)
        for plugin_id in self._without:
            configurations.pop(plugin_id, None)

        def make_supervisor(plugin: InstalledPlugin, configuration: PluginConfiguration) -> Supervisor:
            return Supervisor(
                plugin,
                configuration,
                SubprocessLauncher(),
                run_folder=self._run_folder,
                state_dir=self._home / "plugins" / plugin.manifest.id,
                intake_socket_name=INTAKE_SOCKET,
                timeout_s=settings.timeout_seconds,
                max_memory_bytes=settings.max_memory_mb * 1024 * 1024,
                deliver=bridge.deliver,
                report=bridge.report,
                schedule=lambda name, interval_s: Grid.for_job(name, interval_s).ticks(),
                metrics=self._metrics,
            )

        return PluginManager(find_plugins(plugin_paths(settings)), configurations, make_supervisor)


class _PluginBridge:
    """What plugins bring, on its way to the collector and to storage; their errors in the plugins' own terms."""

    def __init__(self, intake: Intake, devices: DeviceStore, registry: SeriesRegistry) -> None:
        self._intake = intake
        self._devices = devices
        self._registry = registry

    async def deliver(self, plugin_id: str, content_type: str, body: bytes, tick_us: int) -> int:
        """Take a batch. Raises BadAnswerError when nothing in it is good, NotTakenError when there is no room."""
        try:
            outcome = await self._intake.take(
                plugin_id, decode(body, content_type), tick_us, timeout_s=PLUGIN_PATIENCE_S
            )
        except UndecodableBatchError as error:
            raise BadAnswerError(str(error)) from error
        except (BackpressureError, DatabaseUnavailableError) as error:
            raise NotTakenError(str(error)) from error
        if outcome.rejections and not outcome.accepted:
            first = outcome.rejections[0]
            raise BadAnswerError(f"no metric of the answer is good; the first: {first.field}: {first.message}")
        return outcome.accepted

    async def report(self, plugin_id: str, devices: Sequence[Device]) -> None:
        """Store what is sound in a plugin's word on its devices. Raises NotTakenError while the database is away."""
        good, rejections = check_devices(devices)
        if rejections:
            first = rejections[0]
            log.warning(
                "devices_rejected", plugin=plugin_id, count=len(rejections), field=first.field, reason=first.message
            )
        if not good:
            return
        try:
            reported = [msgspec.convert(device, ReportedDevice, from_attributes=True) for device in good]
            await self._devices.report(plugin_id, reported)
            await self._registry.load()
        except DatabaseUnavailableError as error:
            raise NotTakenError(str(error)) from error


async def _recall(live: LiveState, history: History) -> None:
    """Fill the live state with what was stored last, so that current values survive a restart."""
    latest = await history.latest(datetime.now(UTC) - CURRENT_LOOK_BACK)
    if latest:
        ids, times, values = zip(*((one.series_id, to_us(one.ts), one.value) for one in latest), strict=True)
        live.update(SampleBatch.from_lists(ids, times, values))


def plugin_files(config_file: Path) -> Path:
    """Return the folder of the owner's plugin files: beside the configuration file."""
    return config_file.parent / "plugins"


def plugin_paths(settings: Plugins) -> list[Path]:
    """Return the folders searched for plugins."""
    return [Path(path) for path in settings.path] or [shared_folder("plugins")]
