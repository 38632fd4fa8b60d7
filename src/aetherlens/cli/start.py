"""`aetherlens start`: run the core until it is told to stop."""

import argparse
import asyncio
import resource
import signal

import uvloop

from aetherlens.app import App, plugin_files
from aetherlens.cli.setup import DEMO_PLUGIN, Setup, prepare
from aetherlens.lib.home_lock import HomeLock
from aetherlens.lib.logs import get_logger

log = get_logger(__name__)

MAX_OPEN_FILES = 65_536


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("start", help="run AetherLens", description="Run AetherLens until Ctrl-C or SIGTERM.")
    parser.add_argument("--no-demo", action="store_true", help="leave out the simulated home")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the core; return the exit status."""
    setup = prepare(demo=not arguments.no_demo)
    lock = HomeLock(setup.home)
    lock.acquire()
    raise_file_limit()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(setup, without=frozenset({DEMO_PLUGIN} if arguments.no_demo else ())))
    finally:
        lock.release()


def raise_file_limit() -> None:
    """Allow as many open files as the machine lets this process have: each client and each plugin needs some."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MAX_OPEN_FILES), hard))


async def _serve(setup: Setup, *, without: frozenset[str]) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stopping.set)
    app = App(setup.home, setup.settings, plugin_files(setup.config_file), without=without)
    try:
        starting = asyncio.ensure_future(app.start())
        stop_asked = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([starting, stop_asked], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
            return 0
        address = starting.result()
        print(f"AetherLens is ready: {address}", flush=True)
        await stop_asked
        log.info("stopping")
        return 0
    finally:
        await app.stop()
