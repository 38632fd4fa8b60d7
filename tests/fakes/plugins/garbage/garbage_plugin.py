"""Answers polls with bytes that are no batch, one kind after the other."""

import itertools
import sys
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric
from aetherlens_sdk.http import MSGPACK, Request, Response
from aetherlens_sdk.runner import Runner

KINDS = itertools.cycle(
    [
        b"",
        b"\xc1",
        b"<html>busy</html>",
        b"\x91\x81\xa9device_id\xa1\xff",
        b"\x91" * 100_000,
        b"\x82\xa1a\x01\xa1b\x02",
    ]
)
_answer = Runner.handle


async def _garble(self: Runner, request: Request) -> Response:
    if request.path == "/v1/collect":
        return Response(status=200, content_type=MSGPACK, body=next(KINDS))
    return await _answer(self, request)


vars(sys.modules["__main__"])["Runner"].handle = _garble


class GarbagePlugin(BasePlugin):
    """Never asked."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return []
