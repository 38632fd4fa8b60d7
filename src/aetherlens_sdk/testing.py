"""Replays a plugin's recorded test cases against real sockets.

A case is a folder ``testcases/<case>/``:

    config.yaml     the plugin's configuration; ``{{device}}`` stands for host:port of the replayed device
    input.json      what the device answers (optional): {"answers": {"GET /status": {"status": 200, "body": {…}}}}
                    "now": "2026-06-21T12:00:00Z" sets the plugin's clock
    expected.json   the metrics `collect_metrics` must return, in any order
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import yaml

from aetherlens_sdk.metric import Metric
from aetherlens_sdk.plugin import BasePlugin, PluginContext


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One recorded answer of a device."""

    status: int = 200
    headers: dict[str, str] = {}
    body: Any = None


class Recording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a case's input.json holds."""

    #: "METHOD /path?query" → the answer.
    answers: dict[str, Answer] = {}
    #: The plugin's clock; None is the real one.
    now: datetime | None = None


def cases(plugin_folder: Path) -> list[Path]:
    """Return the folders of a plugin's test cases, sorted by name."""
    return sorted(path for path in (plugin_folder / "testcases").iterdir() if path.is_dir())


async def replay(plugin_class: type[BasePlugin], case: Path, state_dir: Path) -> list[Metric]:
    """Configure the plugin as the case says, collect once and return the metrics, sorted."""
    recording_file = case / "input.json"
    recording = (
        msgspec.json.decode(recording_file.read_bytes(), type=Recording) if recording_file.exists() else Recording()
    )
    with _device(recording.answers) as address:
        config = yaml.safe_load((case / "config.yaml").read_text().replace("{{device}}", address)) or {}
        now = recording.now
        context = (
            PluginContext(state_dir=state_dir)
            if now is None
            else PluginContext(state_dir=state_dir, now=lambda: now.astimezone(UTC))
        )
        plugin_class.validate_config(config)
        plugin = plugin_class(config, context)
        await plugin.start()
        try:
            return _sorted(await plugin.collect_metrics())
        finally:
            await plugin.close()


def expected(case: Path) -> list[Metric]:
    """Return the metrics that a case expects, sorted as `replay` sorts them."""
    return _sorted(msgspec.json.decode((case / "expected.json").read_bytes(), type=list[Metric]))


def _sorted(metrics: Sequence[Metric]) -> list[Metric]:
    return sorted(metrics, key=lambda metric: (metric.device_id, metric.metric_type, str(metric.timestamp)))


@contextmanager
def _device(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Serve recorded answers on a loopback port; yields host:port."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            answer = answers.get(f"{self.command} {self.path}", Answer(status=404, body={"message": "not recorded"}))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = msgspec.json.encode(answer.body)
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names http.server looks for

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
