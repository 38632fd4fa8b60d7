"""Logs are an event and fields, on standard error, whoever logs."""

import json
import subprocess

import pytest

from unit.lib.helpers import BOUND_S, python

SPEAKER = """
import logging, sys
from aetherlens.lib import logs
log = logs.get_logger("some.module")
logs.configure({level!r}, {log_format!r})
log.debug("detail_seen")
log.info("house_entered", door="front", count=3)
logging.getLogger("a.library").warning("old style %s", "words")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("sum_failed", part="left")
"""


def spoken(level: str, log_format: str) -> str:
    """Return what a process with such logs writes to standard error; nothing may come on standard output."""
    done = subprocess.run(
        python(SPEAKER.format(level=level, log_format=log_format)), capture_output=True, text=True, timeout=BOUND_S
    )
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def test_json_lines_carry_event_fields_level_and_time() -> None:
    lines = [json.loads(line) for line in spoken("info", "json").splitlines()]
    assert [line["event"] for line in lines] == ["house_entered", "old style words", "sum_failed"]
    entered, old, failed = lines
    assert (entered["door"], entered["count"], entered["level"], entered["logger"]) == (
        "front", 3, "info", "some.module",
    )  # fmt: skip
    assert entered["timestamp"].endswith("Z")
    assert (old["level"], old["logger"]) == ("warning", "a.library")
    assert failed["part"] == "left"
    assert "ZeroDivisionError" in failed["exception"]


def test_the_console_shows_the_same_to_people() -> None:
    text = spoken("info", "console")
    assert "house_entered" in text
    assert "door=front" in text
    assert "old style words" in text
    assert "ZeroDivisionError" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(("level", "events"), [("debug", 4), ("warning", 2), ("error", 1)])
def test_the_level_decides_what_is_written(level: str, events: int) -> None:
    assert len(spoken(level, "json").splitlines()) == events
