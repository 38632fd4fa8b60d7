"""`aetherlens import csv FILE --mapping MAPPING.yaml`: take the history of a CSV file into the database.

An import that was cut off continues where it stopped when it is started again; one that is done changes nothing.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from copy import copy
from pathlib import Path
from time import monotonic

import msgspec
import uvloop

from aetherlens import settings as settings_module
from aetherlens.cli.database import open_shared_database
from aetherlens.cli.import_summary import rate, summary
from aetherlens.cli.progress import Progress
from aetherlens.cli.setup import prepare
from aetherlens.collector.csv_import.convert import Converter
from aetherlens.collector.csv_import.lines import TextFile
from aetherlens.collector.csv_import.loop import Committer, CsvImport, ImportState
from aetherlens.collector.csv_import.mapping import CsvMapping, read_mapping
from aetherlens.collector.csv_import.rows import RowReader
from aetherlens.collector.csv_import.series import ready_series
from aetherlens.collector.errors import CollectorError
from aetherlens.lib.clock import SECOND_US, now_us
from aetherlens.lib.shared_files import shared_folder
from aetherlens.storage.devices import DeviceStore
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.imports import ImportKey, ImportStore
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database
from aetherlens.storage.samples import SampleStore
from aetherlens.storage.series import SeriesRegistry

KIND = "csv"


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is open, its header read, and what is to be done with it."""

    path: Path
    file: TextFile
    mapping: CsvMapping
    reader: RowReader
    #: Later times lie in the future, microseconds since 1970 UTC.
    latest_us: int
    #: Whether to begin with the first row whatever was done before.
    restart: bool


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    kinds = commands.add_parser("import", help="import history from a file").add_subparsers(
        title="kinds of files", required=True, metavar="KIND"
    )
    parser = kinds.add_parser(KIND, help="a CSV file, plain or gzip", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="the CSV file, plain or gzip")
    parser.add_argument("--mapping", type=Path, metavar="MAPPING.yaml", help="says what the file's columns are")
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, store nothing")
    parser.add_argument("--restart", action="store_true", help="go through all rows again, from the first")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    if arguments.mapping is None:
        reference = shared_folder("config") / "import" / "household.yaml"
        return _fail(
            f"say with --mapping MAPPING.yaml what the columns of {arguments.file} are; {reference} is a commented "
            "example, docs/import.md explains it"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly end, as by Ctrl-C
    try:
        mapping = read_mapping(arguments.mapping)
        with TextFile(arguments.file, mapping.encoding) as file:
            return _run(arguments, mapping, file)
    except CollectorError as error:
        return _fail(str(error))
    except DatabaseUnavailableError as error:
        return _fail(f"{error}; start the import again and it continues where it stopped")
    except KeyboardInterrupt:
        print("aetherlens: interrupted; start the import again and it continues where it stopped", file=sys.stderr)
        raise


def _run(arguments: argparse.Namespace, mapping: CsvMapping, file: TextFile) -> int:
    settings = settings_module.load(os.environ)
    job = _Job(
        path=arguments.file,
        file=file,
        mapping=mapping,
        reader=RowReader(file, mapping),
        latest_us=now_us() + int(settings.collector.max_future_seconds * SECOND_US),
        restart=arguments.restart,
    )

    async def work() -> int:
        if arguments.dry_run:
            return await _check(job)
        async with AsyncExitStack() as stack:
            return await _store(job, await open_shared_database(stack, prepare(demo=False)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


async def _check(job: _Job) -> int:
    """Do a dry run: no database, no state folder."""
    work, progress = _start(job, range(len(job.mapping.columns)), ImportState())
    began = monotonic()
    try:
        await work.check()
    finally:
        progress.close()
        print("\n".join([*work.told, *summary(work.state.tally, dry_run=True)]))
        print(rate(work.state.tally, monotonic() - began))
    return _status(job, work)


async def _store(job: _Job, database: Database) -> int:
    imports = ImportStore(database, KIND)
    key = ImportKey(file_sha256=job.file.fingerprint(), mapping_sha256=job.mapping.fingerprint())
    earlier = await imports.find(key)
    if earlier is not None and earlier.finished_at is not None and not job.restart:
        samples = ImportState.from_json(earlier.state).tally.samples
        print(
            f"{job.path}: all {samples:,} samples were imported on {earlier.finished_at:%Y-%m-%d at %H:%M} UTC; "
            "nothing to do (--restart goes through the file again)"
        )
        return 0
    partitions, registry = Partitions(database), SeriesRegistry(database)
    await partitions.load()
    series_ids = await ready_series(job.mapping, registry, DeviceStore(database))
    state = ImportState()
    if earlier is not None and not job.restart:
        state = ImportState.from_json(earlier.state)
        print(f"{job.path}: continues after line {state.last_line:,}", flush=True)
    name = job.path.name.encode(errors="replace").decode()
    committer = Committer(SampleStore(database, partitions), imports, key, name, again=earlier is not None)
    return await _import(job, series_ids, state, committer)


async def _import(job: _Job, series_ids: Sequence[int], state: ImportState, committer: Committer) -> int:
    work, progress = _start(job, series_ids, state)
    before = copy(state.tally)
    began = monotonic()
    try:
        await work.store(committer)
    finally:
        progress.close()
        print("\n".join(summary(work.state.tally, dry_run=False)))
        print(rate(work.state.tally, monotonic() - began, since=before))
    return _status(job, work)


def _start(job: _Job, series_ids: Sequence[int], state: ImportState) -> tuple[CsvImport, Progress]:
    progress = Progress(sys.stderr, job.file.size_bytes)
    work = CsvImport(
        job.reader,
        Converter(job.mapping, series_ids, job.latest_us),
        len(job.mapping.columns),
        state,
        lambda now, done_bytes: progress.update(done_bytes, now.tally.samples, now.last_line),
    )
    return work, progress


def _status(job: _Job, work: CsvImport) -> int:
    if work.state.tally.samples:
        return 0
    return _fail(f"{job.path} has {'no usable row' if work.state.tally.rows else 'no row'}")


def _fail(message: str) -> int:
    print(f"aetherlens: {message}", file=sys.stderr)
    return 1
