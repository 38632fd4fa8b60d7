"""Answers every poll with a million metrics."""

import sys
from collections.abc import Sequence

import msgspec

from aetherlens_sdk import BasePlugin, Metric
from aetherlens_sdk.http import MSGPACK, Request, Response
from aetherlens_sdk.runner import Runner

ONE = msgspec.msgpack.encode(Metric(device_id="million", metric_type="power", value=1.0))
#: The head of a list of a million; so many of them that the core stops reading, and no more than memory allows.
BODY = b"\xdd" + (1_000_000).to_bytes(4) + ONE * (18_000_000 // len(ONE))
_answer = Runner.handle


async def _flood(self: Runner, request: Request) -> Response:
    if request.path == "/v1/collect":
        return Response(status=200, content_type=MSGPACK, body=BODY)
    return await _answer(self, request)


vars(sys.modules["__main__"])["Runner"].handle = _flood


class MillionPlugin(BasePlugin):
    """Never asked."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return []
