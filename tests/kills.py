"""Kill the core, its database, or both, at random moments, under writes whose answers are remembered."""

import os
import random
import signal
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from time import sleep
from typing import Literal

from product import Answer, Product, eventually

Kind = Literal["core", "database", "both", "database away", "core while the database is away"]
KINDS: tuple[Kind, ...] = ("core", "database", "both", "database away", "core while the database is away")

WRITERS = 4
MAX_BATCH = 20

Name = tuple[str, str]


@dataclass(kw_only=True)
class Tally:
    """What came of it all."""

    rounds: int
    #: Samples that were answered with 201.
    acknowledged: int
    #: Acknowledged samples that are not stored with their value.
    lost: int
    #: Stored samples that are there twice, or were never sent.
    doubled_or_invented: int
    #: Rounds in which samples were answered by the journal.
    journaled_rounds: int


class Writer(threading.Thread):
    """Sends samples with times and values of its own, one request after the other."""

    def __init__(self, number: int, killing: "Killing") -> None:
        super().__init__(name=f"writer-{number}")
        self._killing = killing
        self._random = random.Random(number)
        self._count = 0
        #: Series → how many milliseconds after the start its samples lie; the value is the same number.
        self.sent: dict[Name, set[int]] = defaultdict(set)
        self.acknowledged: dict[Name, set[int]] = defaultdict(set)

    def run(self) -> None:
        """Send until the end."""
        while not self._killing.over.is_set():
            size = self._random.randint(1, MAX_BATCH)
            times = range(self._count, self._count + size)
            self._count += size
            # now and then a series that nobody has seen before
            metric_type = "power" if self._random.random() < 0.9 else f"own_{self._count // 500}"
            series = self.name, metric_type
            self.sent[series].update(times)
            if self._answered(series, times):
                self.acknowledged[series].update(times)
            else:
                self._killing.over.wait(0.05)

    def _answered(self, series: Name, times: range) -> bool:
        items = [
            {
                "device_id": series[0], "metric_type": series[1], "value": float(time),
                "timestamp": (self._killing.start + timedelta(milliseconds=time)).isoformat(),
            }
            for time in times
        ]  # fmt: skip
        with suppress(OSError, HTTPException):
            return self._killing.product.request("POST", "/api/v1/metrics", items).status == 201
        return False


def _holds(health: Answer) -> int:
    """Return how many records wait in the journal."""
    records: int = health.json()["journal"]["records"]
    return records


class Killing:
    """One home that is killed again and again."""

    def __init__(self, home: Path, seed: int) -> None:
        self.start = (datetime.now(UTC) - timedelta(hours=12)).replace(microsecond=0)
        self.over = threading.Event()
        self._home = home
        self._random = random.Random(seed)
        self._journaled_rounds = 0
        self.product = Product(home, "--no-demo").wait_until_ready()

    def run(self, rounds: int) -> Tally:
        """Do so many rounds, wait until all is stored, and compare."""
        writers = [Writer(number, self) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for number in range(rounds):
                sleep(self._random.uniform(0.05, 1.0))
                self._round(KINDS[number % len(KINDS)])
                eventually(lambda: self.product.request("GET", "/health").status == 200, 60)
        finally:
            self.over.set()
            for writer in writers:
                writer.join(60)
        try:
            eventually(lambda: not _holds(self.product.request("GET", "/health")), 60)
            return self._compare(rounds, writers)
        finally:
            self.product.stop()

    def _round(self, kind: Kind) -> None:
        match kind:
            case "core":
                self._restart_core()
            case "database":
                self._kill_database()
            case "both":
                self._kill_database()
                self._restart_core()
            case "database away":
                self._keep_database_away()
                self._let_database_back()
            case "core while the database is away":
                self._keep_database_away()
                self._restart_core()

    def _restart_core(self) -> None:
        self.product.stop(signal.SIGKILL)
        self.product = Product(self._home, "--no-demo").wait_until_ready()

    def _kill_database(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.product.database_pid(), signal.SIGKILL)

    def _keep_database_away(self) -> None:
        """Kill the server and take away what it needs to start, until the core has turned to its journal."""
        self._conf.rename(self._conf.with_suffix(".away"))
        self._kill_database()
        eventually(lambda: (health := self.product.request("GET", "/health")).status == 503 and _holds(health), 30)
        self._journaled_rounds += 1
        sleep(self._random.uniform(0.0, 0.5))

    def _let_database_back(self) -> None:
        self._conf.with_suffix(".away").rename(self._conf)

    @property
    def _conf(self) -> Path:
        return self._home / "postgres" / "postgresql.conf"

    def _compare(self, rounds: int, writers: list[Writer]) -> Tally:
        tally = Tally(
            rounds=rounds, acknowledged=0, lost=0, doubled_or_invented=0, journaled_rounds=self._journaled_rounds
        )
        for writer in writers:
            for series, sent in writer.sent.items():
                stored = self._stored(series)
                good = {time for time, value in stored if value == time} & sent
                tally.acknowledged += len(writer.acknowledged[series])
                tally.lost += len(writer.acknowledged[series] - good)
                tally.doubled_or_invented += len(stored) - len(good)
        return tally

    def _stored(self, series: Name) -> list[tuple[int, float]]:
        """Return milliseconds after the start and value of each sample that the product has."""
        start = (self.start - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/api/v1/metrics/history?device_id={series[0]}&metric_type={series[1]}&start={start}"
        answer = self.product.request("GET", path)
        if answer.status == 404:  # nothing of it was ever taken
            return []
        points = answer.json()["points"]
        return [
            ((datetime.fromisoformat(one["timestamp"]) - self.start) // timedelta(milliseconds=1), one["value"])
            for one in points
        ]
