"""`./build.sh bench [NAME …] [--json FILE]`: run the benchmarks, all or those named."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from benchmarks import ingest, kills, life, queries, segments
from benchmarks.report import Figure, table

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "ingest": ingest.run,
    "life": life.run,
    "kills": kills.run,
    "segments": segments.run,
    "queries": queries.run,
}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="build.sh bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name, run in BENCHMARKS.items():
        if not arguments.names or name in arguments.names:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures += runner.run(run())  # type: ignore[arg-type]
    print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps([figure.__dict__ for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
