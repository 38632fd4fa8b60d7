"""A batch is decoded whole or refused whole, whatever the bytes are."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.collector.errors import UndecodableBatchError
from aetherlens.collector.intake import MAX_BATCH_METRICS, decode
from aetherlens_sdk import Metric

JSON, MSGPACK = "application/json", "application/msgpack"
METRICS = [Metric(device_id="a", metric_type="power", value=1.5), Metric(device_id="b", metric_type="power", value=2)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(msgspec.json.encode(METRICS), JSON), (msgspec.msgpack.encode(METRICS), MSGPACK), (b"\x90", ""), (b"[]", JSON)],
)
def test_both_encodings_are_understood(body: bytes, content_type: str) -> None:
    assert decode(body, content_type) in (METRICS, [])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", MSGPACK),
        (b"\xc1", MSGPACK),
        (b"<html>", MSGPACK),
        (msgspec.json.encode(METRICS), MSGPACK),
        (msgspec.msgpack.encode(METRICS), JSON),
        (msgspec.msgpack.encode(METRICS)[:-1], MSGPACK),
        (b"\x91\x81\xa9device_id\xa1\xff", MSGPACK),
        (b'[{"device_id":"\xff","metric_type":"power","value":1}]', JSON),
        (b'[{"device_id":"\\ud800","metric_type":"power","value":1}]', JSON),
        (b"\x91" * 100_000, MSGPACK),
        (b"[" * 100_000, JSON),
        (b"[{}]", JSON),
        (b'[{"device_id":"a","metric_type":"power","value":1e999}]', JSON),
        (b'[{"device_id":"a","metric_type":"power","value":1,"extra":1}]', JSON),
    ],
)
def test_anything_else_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(UndecodableBatchError, match="not a list of at most"):
        decode(body, content_type)


def test_a_list_too_long_is_refused_by_its_head() -> None:
    head = b"\xdd" + (1_000_000).to_bytes(4)
    with pytest.raises(UndecodableBatchError, match=f"length <= {MAX_BATCH_METRICS}"):
        decode(head, MSGPACK)


def test_a_json_list_too_long_is_refused() -> None:
    one = msgspec.json.encode(METRICS[0])
    with pytest.raises(UndecodableBatchError, match=f"length <= {MAX_BATCH_METRICS}"):
        decode(b"[" + b",".join([one] * (MAX_BATCH_METRICS + 1)) + b"]", JSON)


@given(st.binary(max_size=200), st.sampled_from([JSON, MSGPACK]))
def test_no_bytes_do_more_than_be_refused(body: bytes, content_type: str) -> None:
    try:
        assert isinstance(decode(body, content_type), list)
    except UndecodableBatchError:
        return
