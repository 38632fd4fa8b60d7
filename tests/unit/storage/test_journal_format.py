"""Whatever happens to a file of the journal, what is read from it was written to it."""

from hypothesis import given
from hypothesis import strategies as st

from aetherlens.storage.journal_format import HEAD_BYTES, MAGIC, frame, scan

payloads = st.lists(st.binary(max_size=60) | st.just(MAGIC * 9), min_size=1, max_size=6)


def file_of(contents: list[bytes]) -> bytes:
    return b"".join(frame(7 + number, payload) for number, payload in enumerate(contents))


def read(data: bytes) -> list[bytes]:
    return [record.payload for record in scan(data).records]


@given(payloads)
def test_a_whole_file_is_read_in_order(contents: list[bytes]) -> None:
    found = scan(file_of(contents))
    assert [(one.sequence, one.payload) for one in found.records] == list(enumerate(contents, 7))
    assert found.damaged_bytes == 0
    assert found.records[-1].end == len(file_of(contents))


@given(payloads, st.data())
def test_a_file_cut_anywhere_yields_the_records_before_the_cut(contents: list[bytes], data: st.DataObject) -> None:
    whole = file_of(contents)
    cut = data.draw(st.integers(0, len(whole)))
    ends = [len(file_of(contents[: count + 1])) for count in range(len(contents))]
    kept = sum(end <= cut for end in ends)
    found = scan(whole[:cut])
    assert [one.payload for one in found.records] == contents[:kept]
    assert found.damaged_bytes == cut - len(file_of(contents[:kept]))


@given(payloads, st.data())
def test_a_flipped_bit_in_the_last_record_yields_the_records_before_it(
    contents: list[bytes], data: st.DataObject
) -> None:
    sound = file_of(contents[:-1])
    whole = bytearray(file_of(contents))
    bit = data.draw(st.integers(len(sound) * 8, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    assert read(bytes(whole)) == contents[:-1]


@given(payloads, st.data())
def test_a_flipped_bit_anywhere_costs_its_own_record_only(contents: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(file_of(contents))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    hit = next(count for count in range(len(contents)) if bit // 8 < len(file_of(contents[: count + 1])))
    assert read(bytes(whole)) == contents[:hit] + contents[hit + 1 :]


@given(payloads, st.binary(max_size=200))
def test_garbage_behind_the_records_is_passed_over(contents: list[bytes], garbage: bytes) -> None:
    found = scan(file_of(contents) + garbage)
    assert [one.payload for one in found.records] == contents
    assert found.damaged_bytes == len(garbage)


@given(st.binary(max_size=500))
def test_garbage_alone_holds_nothing(garbage: bytes) -> None:
    assert read(garbage) == []


def test_an_older_record_behind_a_newer_one_is_no_record() -> None:
    assert read(frame(2, b"two") + frame(1, b"one") + frame(3, b"three")) == [b"two", b"three"]


def test_a_file_of_zeroes_holds_nothing() -> None:
    assert scan(bytes(10_000)).damaged_bytes == 10_000
    assert len(frame(1, b"")) == HEAD_BYTES
