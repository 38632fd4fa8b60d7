"""The core's API as the pages use it: a real HTTP server on a Unix socket and on TCP, in front of the real web process.

On TCP it stands where the core stands: `/api` is answered here, every other path is handed to the web process.
"""

import contextlib
import http.client
import json
import math
import queue
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

Json = dict[str, Any]

SAMPLE_EVERY = timedelta(seconds=5)
STEPS_S = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "1d": 86400}
#: How long the web process may take to start or to end, in seconds.
PROCESS_TIMEOUT_S = 20.0
#: A summer afternoon in Paris: 14:42 on the clock.
AFTERNOON = datetime(2026, 6, 17, 12, 42, tzinfo=UTC)


def timestamp(moment: datetime) -> str:
    """RFC 3339 as the core writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class FakeDevice:
    """A device, its newest power, and the curve that its history follows."""

    device_id: str
    name: str
    role: str | None
    #: W, signed as the core signs it.
    watts: float | None
    room: str | None = None
    #: Mean power in W of the 5 minutes from a moment on; None is a gap.
    curve: Callable[[datetime], float | None] = lambda moment: None
    model: str = "Plug S"
    #: When `watts` was measured; None is now.
    measured: datetime | None = None


@dataclass
class FakeCore:
    """State of the core that tests set, and hooks to make it fail."""

    devices: dict[str, FakeDevice] = field(default_factory=dict)
    plugins: list[Json] = field(default_factory=list)
    home: Json = field(default_factory=lambda: {"name": "My home", "time_zone": "Europe/Paris"})
    now: datetime = AFTERNOON
    #: Path → (status, problem): these requests are refused.
    refusals: dict[str, tuple[int, Json]] = field(default_factory=dict)
    #: Path → raw body that is sent instead of the right answer.
    garbage: dict[str, bytes] = field(default_factory=dict)
    #: While clear, no request is answered.
    awake: threading.Event = field(default_factory=threading.Event)
    #: Every request: method, path with query, headers.
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    #: Whether new event streams are refused with 503.
    refuses_streams: bool = False
    web_socket: Path | None = None
    url: str = ""

    def __post_init__(self) -> None:
        self.awake.set()
        self._streams: set[queue.SimpleQueue[bytes | None]] = set()
        self._streams_changed = threading.Condition()

    def add(self, *devices: FakeDevice) -> "FakeCore":
        """Make devices known."""
        self.devices.update({device.device_id: device for device in devices})
        return self

    # What tests do to the stream

    def publish(self, **watts: float) -> None:
        """Set new powers, by device id, and send them to all streams as one event."""
        samples = []
        for device_id, value in watts.items():
            self.devices[device_id].watts = value
            self.devices[device_id].measured = None
            samples.append({"device_id": device_id, "metric_type": "power", "value": value, "unit": "W"})
        stamped = [{**sample, "timestamp": timestamp(self.now)} for sample in samples]
        self._send(f"event: metrics\ndata: {json.dumps({'metrics': stamped})}\n\n".encode())

    def break_streams(self) -> None:
        """Cut every open event stream."""
        self._send(None)

    def await_streams(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until exactly `count` streams are open."""
        with self._streams_changed:
            if not self._streams_changed.wait_for(lambda: len(self._streams) == count, timeout_s):
                raise TimeoutError(f"{len(self._streams)} streams are open, not {count}")

    def _send(self, event: bytes | None) -> None:
        with self._streams_changed:
            for stream in self._streams:
                stream.put(event)

    @contextlib.contextmanager
    def stream(self) -> Iterator["queue.SimpleQueue[bytes | None]"]:
        """One event stream, open until its queue yields None."""
        events: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        with self._streams_changed:
            self._streams.add(events)
            self._streams_changed.notify_all()
        try:
            yield events
        finally:
            with self._streams_changed:
                self._streams.discard(events)
                self._streams_changed.notify_all()

    # What the core answers

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Json]:
        """Status and body of one API request."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        if url.path in self.refusals:
            return self.refusals[url.path]
        if method == "PATCH" and url.path.startswith("/api/v1/devices/"):
            return self._change(unquote(url.path.removeprefix("/api/v1/devices/")), json.loads(body))
        resources: dict[str, Callable[[Mapping[str, str]], tuple[int, Json]]] = {
            "/api/v1/system": self._system,
            "/api/v1/devices": self._list,
            "/api/v1/metrics/current": self._current,
            "/api/v1/metrics/history": self._history,
            "/api/v1/plugins": lambda query: (200, {"plugins": self.plugins}),
        }
        if method != "GET" or url.path not in resources:
            return _problem(404, f"no resource {url.path}")
        return resources[url.path](query)

    def _system(self, query: Mapping[str, str]) -> tuple[int, Json]:
        return 200, {"version": "0.1.0", "home": self.home, "time": timestamp(self.now)}

    def _list(self, query: Mapping[str, str]) -> tuple[int, Json]:
        start, limit = int(query.get("cursor", "0")), int(query.get("limit", "100"))
        devices = list(self.devices.values())
        following = start + limit
        return 200, {
            "devices": [self._device(device) for device in devices[start:following]],
            "next_cursor": str(following) if following < len(devices) else None,
        }

    def _device(self, device: FakeDevice) -> Json:
        seen = timestamp(device.measured or self.now)
        return {
            "device_id": device.device_id,
            "name": device.name,
            "device_type": "smart_plug",
            "role": device.role,
            "room": device.room,
            "plugin_id": "shelly",
            "manufacturer": "Shelly",
            "model": device.model,
            "firmware": "1.4.4",
            "address": "192.168.1.40",
            "controllable": False,
            "first_seen": timestamp(self.now - timedelta(days=30)),
            "last_seen": seen if device.watts is not None else None,
            "metrics": [{"metric_type": "power", "unit": "W"}],
        }

    def _change(self, device_id: str, changes: Json) -> tuple[int, Json]:
        device = self.devices.get(device_id)
        if device is None:
            return _problem(404, f"no device {device_id}")
        for name, value in changes.items():
            if len(value or "") > 100:
                return _problem(422, "Expected `str` of length <= 100", field=name, hint="Shorten it.")
        for name, value in changes.items():
            setattr(device, name, value or (f"Shelly {device_id}" if name == "name" else None))
        return 200, self._device(device)

    def _current(self, query: Mapping[str, str]) -> tuple[int, Json]:
        return 200, {
            "metrics": [
                {
                    "device_id": device.device_id,
                    "device_name": device.name,
                    "room": device.room,
                    "role": device.role,
                    "metric_type": "power",
                    "value": device.watts,
                    "unit": "W",
                    "timestamp": timestamp(device.measured or self.now),
                }
                for device in self.devices.values()
                if device.watts is not None
            ]
        }

    def _history(self, query: Mapping[str, str]) -> tuple[int, Json]:
        device = self.devices.get(query["device_id"])
        if device is None:
            return _problem(404, "no such series")
        step = timedelta(seconds=STEPS_S[query["resolution"]])
        start, end = datetime.fromisoformat(query["start"]), datetime.fromisoformat(query["end"])
        points = []
        moment = start
        while moment < end:
            value = device.curve(moment)
            if value is not None:
                span = min(step, self.now - moment)
                points.append({"timestamp": timestamp(moment), "value": value, "count": max(1, span // SAMPLE_EVERY)})
            moment += step
        head = {name: query[name] for name in ("device_id", "metric_type", "start", "end", "resolution")}
        return 200, {**head, "unit": "W", "points": points}

    # Serving

    def fetch(self, path: str) -> http.client.HTTPResponse:
        """GET a path as a browser would, at `url`; the answer is read in full."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response
        finally:
            connection.close()

    @contextlib.contextmanager
    def serving(self, folder: Path) -> Iterator[Path]:
        """Serve the API on a Unix socket in `folder`, yielded, and on TCP at `url`."""
        handler = type("Handler", (_Handler,), {"core": self})
        api_socket = folder / "api.sock"
        servers = [_UnixServer(str(api_socket), handler), _TcpServer(("127.0.0.1", 0), handler)]
        self.url = f"http://127.0.0.1:{servers[1].server_address[1]}"
        threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in servers]
        for thread in threads:
            thread.start()
        try:
            yield api_socket
        finally:
            self.awake.set()
            self.refuses_streams = True
            self.break_streams()
            for server, thread in zip(servers, threads, strict=True):
                server.shutdown()
                thread.join()
                server.server_close()

    @contextlib.contextmanager
    def serving_pages(self, folder: Path) -> Iterator["subprocess.Popen[str]"]:
        """Serve the API and, at `url`, the pages of a real web process, which is yielded."""
        with self.serving(folder) as api_socket, web_process(folder / "web.sock", api_socket) as process:
            self.web_socket = folder / "web.sock"
            yield process


@contextlib.contextmanager
def web_process(web_socket: Path, api_socket: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run `python -m aetherlens_web` until the end of the block; it serves when the block begins."""
    arguments = ["--socket", str(web_socket), "--api-socket", str(api_socket)]
    command = [sys.executable, "-m", "aetherlens_web", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                assert selector.select(PROCESS_TIMEOUT_S), "the web process does not start"
            assert process.stdout.readline().startswith("web_ready")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PROCESS_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


class _TcpServer(ThreadingHTTPServer):
    daemon_threads = False


class _UnixServer(ThreadingUnixStreamServer):
    daemon_threads = False
    request_queue_size = 64


class _WebConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


class _Handler(BaseHTTPRequestHandler):
    core: FakeCore

    def handle(self) -> None:
        # Browsers leave when they like.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def address_string(self) -> str:
        return "client"

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def do_PATCH(self) -> None:
        self._respond()

    def _respond(self) -> None:
        core = self.core
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        core.seen.append((self.command, self.path, dict(self.headers.items())))
        core.awake.wait(30)
        path = urlsplit(self.path).path
        if not path.startswith("/api/"):
            self._hand_over(body)
        elif path in core.garbage:
            self._write(200, "application/json", core.garbage[path])
        elif path == "/api/v1/events" and not core.refuses_streams:
            self._stream()
        elif path == "/api/v1/events":
            self._write(503, "application/problem+json", b"{}")
        else:
            status, answer = core.answer(self.command, self.path, body)
            kind = "application/json" if status < 400 else "application/problem+json"
            self._write(status, kind, json.dumps(answer).encode())

    def _write(self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(b": here\n\n")
        with self.core.stream() as events:
            while (event := events.get()) is not None:
                self.wfile.write(event)

    def _hand_over(self, body: bytes) -> None:
        if self.core.web_socket is None:
            self._write(503, "text/plain", b"no pages here")
            return
        connection = _WebConnection(self.core.web_socket)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body=body or None, headers=headers)
            response = connection.getresponse()
            kept = {"Connection", "Date", "Content-Type", "Content-Length"}
            passed = {name: value for name, value in response.getheaders() if name not in kept}
            self._write(response.status, response.headers["Content-Type"], response.read(), passed)
        finally:
            connection.close()


def _problem(status: int, detail: str, **more: str) -> tuple[int, Json]:
    about = {"type": "about:blank", "title": http.client.responses[status], "status": status}
    return status, {**about, "detail": detail, **more}


def plugin(plugin_id: str, name: str, state: str = "running", reason: str | None = None) -> Json:
    """A plugin as the API lists it."""
    last_success = timestamp(AFTERNOON - timedelta(minutes=4))
    about = {"id": plugin_id, "name": name, "version": "1.0.0", "restarts": 0, "last_success": last_success}
    return {**about, "state": state, "reason": reason}


def typical_home() -> FakeCore:
    """A home with everything: grid, sun, battery, a car, and some devices, on a summer afternoon."""
    zone = ZoneInfo("Europe/Paris")

    def hour_of(moment: datetime) -> float:
        local = moment.astimezone(zone)
        return local.hour + local.minute / 60

    def solar(moment: datetime) -> float | None:
        hour = hour_of(moment)
        # The inverter was away for half an hour: a gap.
        if 10.5 <= hour < 11:
            return None
        height = math.sin(math.pi * (hour - 6) / 15.5) if 6 <= hour <= 21.5 else 0.0
        cloud = 1 - 0.35 * max(0.0, math.sin(hour * 9)) * max(0.0, math.sin(hour * 2.3))
        return round(4200 * math.pow(max(0.0, height), 1.4) * cloud, 1)

    def use(moment: datetime) -> float:
        hour = hour_of(moment)
        fridge = 90 * (math.sin(hour * 11) > 0.2)
        breakfast = 1900 * math.exp(-(((hour - 7.3) / 0.5) ** 2))
        lunch = 2300 * math.exp(-(((hour - 12.4) / 0.45) ** 2))
        car = 2500 if 13.2 <= hour < 16 else 0
        return 280 + fridge + breakfast + lunch + car + 60 * math.sin(hour * 17)

    def battery(moment: datetime) -> float:
        surplus = use(moment) - (solar(moment) or 0)
        return round(max(-1500.0, min(900.0, surplus)) * (0.6 if surplus < 0 else 0.8), 1)

    def grid(moment: datetime) -> float:
        return round(use(moment) - (solar(moment) or 0) - battery(moment), 1)

    return FakeCore(plugins=[plugin("shelly", "Shelly")]).add(
        FakeDevice("meter", "Grid meter", "grid", -412.0, "Cellar", grid, "Pro 3EM"),
        FakeDevice("roof", "Roof", "solar", 3710.0, None, solar, "IQ8"),
        FakeDevice("cells", "Wall battery", "battery", -560.0, "Cellar", battery, "Powerwall 2"),
        FakeDevice("wallbox", "Wallbox", "ev_charger", 1840.0, "Garage", model="Wallbox"),
        FakeDevice("heatpump", "Heat pump", "load", 420.0, "Cellar", model="Pro 1PM"),
        FakeDevice("fridge", "Fridge", "load", 86.0, "Kitchen"),
        FakeDevice("washer", "Washing machine", "load", 212.0, "Bathroom", measured=AFTERNOON - timedelta(minutes=4)),
        FakeDevice("desk", "Desk", None, 64.0, "Office"),
        FakeDevice("tv", "Television", "load", 0.0, "Living room"),
    )
