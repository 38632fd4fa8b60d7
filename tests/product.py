"""The whole product as its user starts it: a process of its own, a state folder of its own, a free port."""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
AETHERLENS = Path(sys.executable).with_name("aetherlens")


class Answer:
    """An HTTP answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class Product:
    """A running `aetherlens start`."""

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._log = (home.parent / f"{home.name}.log").open("ab")
        self.process = subprocess.Popen(
            [AETHERLENS, "start", *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ},
                "AETHERLENS_HOME": str(home),
                "AETHERLENS_BIND_ADDR": "127.0.0.1:0",
                "LOG_FORMAT": "json",
                **(environment or {}),
            },
        )
        self.address = ""

    def wait_until_ready(self, timeout_s: float = 60.0) -> "Product":
        """Return once the address is printed."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise TimeoutError(f"not ready after {timeout_s} s: {self.log()[-2000:]}")
        line = self.process.stdout.readline().decode()
        match = re.fullmatch(r"AetherLens is ready: (http://\S+)\n", line)
        if match is None:
            raise RuntimeError(f"did not start: {line!r} {self.log()[-2000:]}")
        self.address = match[1]
        return self

    def log(self) -> str:
        """Return everything logged on this state folder."""
        return (self.home.parent / f"{self.home.name}.log").read_text(errors="replace")

    def request(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Send a request; errors are answers too."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, method=method)
        if data is not None:
            request.add_header("content-type", "application/json")
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def get(self, path: str) -> Any:
        """Return the decoded answer of a GET that must succeed."""
        answer = self.request("GET", path)
        assert answer.status == 200, (path, answer.status, answer.body[:500])
        return answer.json()

    def plugin(self, plugin_id: str) -> dict[str, Any]:
        """Return what the API says of a plugin."""
        found: dict[str, Any] = next(one for one in self.get("/api/v1/plugins")["plugins"] if one["id"] == plugin_id)
        return found

    def family(self) -> list[psutil.Process]:
        """Return the core and all its descendants."""
        core = psutil.Process(self.process.pid)
        return [core, *core.children(recursive=True)]

    def database_pid(self) -> int:
        """Return the process id of the embedded server."""
        text = (self.home / "postgres" / "data" / "postmaster.pid").read_text()
        return int(text.split("\n", 1)[0])

    def stop(self, signum: signal.Signals = signal.SIGTERM, timeout_s: float = 30.0) -> int:
        """Send a signal and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        try:
            return self.process.wait(timeout_s)
        finally:
            self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()
            self._log.close()


@contextmanager
def running(home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Product]:
    """Start the product, wait until it is ready, and stop it at the end."""
    product = Product(home, *arguments, environment=environment)
    try:
        yield product.wait_until_ready()
    finally:
        product.stop()


def eventually(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Return the condition's first true value; what it raises meanwhile counts as not yet."""
    deadline = monotonic() + timeout_s
    while True:
        failure: Exception | None = None
        try:
            if value := condition():
                return value
        except (AssertionError, OSError, StopIteration, ValueError, psutil.Error) as error:
            failure = error
        if monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s") from failure
        sleep(0.05)
