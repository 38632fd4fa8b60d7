"""Lines come out of any file in blocks, and no file needs much memory."""

import gzip
import random
from pathlib import Path

import pytest

from aetherlens.collector.csv_import.lines import BLOCK_BYTES, MAX_LINE_CHARACTERS, TOO_LONG, TextFile
from aetherlens.collector.errors import UnusableFileError


def lines(path: Path, encoding: str = "utf-8") -> list[str]:
    with TextFile(path, encoding) as file:
        return [line for block in file.blocks() for line in block]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "file.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a,b\n1,2\n", ["a,b", "1,2"]),
        (b"a,b\n1,2", ["a,b", "1,2"]),
        (b"a,b\r\n1,2\r\n", ["a,b", "1,2"]),
        (b"a,b\r\n1,2\r", ["a,b", "1,2"]),
        (b"\xef\xbb\xbfa\n1\n", ["a", "1"]),
        (b"a\n\n\n1\n", ["a", "", "", "1"]),
        (b"a\n\x00\xff\n", ["a", "\0�"]),
        ("a\x852\u2028\n".encode(), ["a\x852\u2028"]),
    ],
)
def test_lines_end_where_lines_end(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    assert lines(write(tmp_path, content)) == expected


def test_a_gzip_file_is_known_by_its_content(tmp_path: Path) -> None:
    assert lines(write(tmp_path, gzip.compress(b"a\n1\n"))) == ["a", "1"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_at_the_edge_of_a_block_are_line_ends(tmp_path: Path, end: str) -> None:
    for length in range(BLOCK_BYTES - 3, BLOCK_BYTES + 2):
        before = ["x" * 1000] * 200
        fill = "é" + "y" * (length - len(end.join([*before, ""])) - 2)
        texts = [*before, fill[:60_000], "last"]
        assert lines(write(tmp_path, end.join(texts).encode())) == texts


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "cp1252", "iso-8859-15", "cp1250"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    texts = ["température", "1", "ü" * 200, ""] * 400
    assert lines(write(tmp_path, "\r\n".join(texts).encode(encoding)), encoding) == texts[:-1]


def test_utf_16_that_nobody_announced_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match="encoding: utf-16"):
        lines(write(tmp_path, "a\n1\n".encode("utf-16")))


@pytest.mark.parametrize("size", [MAX_LINE_CHARACTERS + 1, 3 * BLOCK_BYTES, 20_000_000])
def test_a_huge_line_is_given_up_and_the_next_one_read(tmp_path: Path, size: int) -> None:
    huge = b"x" * size
    assert lines(write(tmp_path, gzip.compress(b"a\n" + huge + b"\n1\n" + huge, 1))) == ["a", TOO_LONG, "1", TOO_LONG]
    assert lines(write(tmp_path, gzip.compress(huge + b"\n1\n", 1))) == [TOO_LONG, "1"]


def test_the_longest_line_is_read(tmp_path: Path) -> None:
    text = "x" * MAX_LINE_CHARACTERS
    assert lines(write(tmp_path, f"a\n{text}\n{text}".encode())) == ["a", text, text]


def test_binary_junk_is_lines_like_any_other(tmp_path: Path) -> None:
    junk = random.Random(1).randbytes(1_000_000)
    assert len(lines(write(tmp_path, b"a\n" + junk))) > 100


def test_a_damaged_gzip_file_gives_what_comes_before_the_damage(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"{number * 7919 % 10007}\n" for number in range(400_000)).encode())
    for damaged in (whole[: len(whole) // 2], whole[:-4] + b"zzzz"):
        seen: list[str] = []
        with TextFile(write(tmp_path, damaged), "utf-8") as file, pytest.raises(UnusableFileError, match="is damaged"):
            seen.extend(line for block in file.blocks() for line in block)
        assert len(seen) > 100_000
        assert seen[:3] == ["0", "7919", "5831"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match="No such file"):
        TextFile(tmp_path / "missing.csv", "utf-8")
    with pytest.raises(UnusableFileError, match="is not a file"):
        TextFile(tmp_path, "utf-8")


def test_the_fingerprint_is_that_of_the_whole_file(tmp_path: Path) -> None:
    content = bytearray(b"a\n" + b"1\n" * 2_000_000)
    with TextFile(write(tmp_path, bytes(content)), "utf-8") as file:
        before = file.fingerprint()
    content[2_000_000] = ord("2")
    with TextFile(write(tmp_path, bytes(content)), "utf-8") as file:
        assert file.fingerprint() != before
