"""Start-up time and idle memory of the whole product with the simulated home."""

import asyncio
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import psutil

from benchmarks.report import Figure
from product import ROOT, Product, eventually

#: How long the product idles before its memory is read.
IDLE_S = 30.0


def part_of(process: psutil.Process) -> str:
    """Say which part of the product a process is."""
    line = " ".join(process.cmdline())
    for text, part in (
        ("aetherlens_sdk.runner", "plugin"),
        ("aetherlens_web", "web"),
        ("postgres", "database"),
        ("aetherlens start", "core"),
    ):
        if text in line:
            return part
    return "other"


def memory(product: Product) -> dict[str, tuple[float, float]]:
    """Return resident and proportional memory of each part in MB."""
    totals: dict[str, tuple[float, float]] = {}
    for process in product.family():
        info = process.memory_full_info()
        part = part_of(process)
        rss, pss = totals.get(part, (0.0, 0.0))
        totals[part] = (rss + info.rss / 2**20, pss + info.pss / 2**20)
    return totals


def script_start(home: Path) -> float:
    """Return the seconds from `./build.sh run` to the line that says ready, in an installed environment."""
    started = monotonic()
    process = subprocess.Popen(
        [ROOT / "build.sh", "run"],
        env={
            "PATH": os.environ["PATH"],
            "AETHERLENS_HOME": str(home),
            "AETHERLENS_BIND_ADDR": "127.0.0.1:0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    took = monotonic() - started
    process.terminate()
    process.communicate(timeout=30)
    assert line.startswith("AetherLens is ready"), line
    return took


def measure(folder: Path) -> list[Figure]:
    """Start, wait, measure, stop."""
    home = folder / "home"
    first_started = monotonic()
    product = Product(home).wait_until_ready()
    first = monotonic() - first_started
    eventually(lambda: product.get("/api/v1/metrics/current")["metrics"])
    first_data = monotonic() - first_started
    eventually(lambda: product.request("GET", "/").status == 200)
    sleep(IDLE_S)
    used = memory(product)
    product.stop()
    second = script_start(home)
    figures = [
        Figure(benchmark="life", name="first start until ready", value=first, unit="s"),
        Figure(benchmark="life", name="first start until first data", value=first_data, unit="s", mark="≤ 10"),
        Figure(benchmark="life", name="./build.sh run, second start", value=second, unit="s", mark="≤ 5"),
    ]
    marks = {"core": "≤ 100", "plugin": "≤ 45", "web": "≤ 60"}
    for part, (rss, pss) in sorted(used.items()):
        figures.append(
            Figure(benchmark="life", name=f"{part}, resident", value=rss, unit="MB", mark=marks.get(part, ""))
        )
        figures.append(Figure(benchmark="life", name=f"{part}, proportional", value=pss, unit="MB"))
    return figures


async def run() -> list[Figure]:
    """Measure in a thread: nothing here is asynchronous."""
    with TemporaryDirectory() as name:
        return await asyncio.to_thread(measure, Path(name))
