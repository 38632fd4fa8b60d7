"""The journal keeps what it took, in order and within its bounds, whatever happens to its disk."""

import asyncio
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aetherlens.lib.metrics import Metrics
from aetherlens.storage.errors import JournalFullError, StorageError
from aetherlens.storage.journal import Journal
from aetherlens.storage.journal_format import HEAD_BYTES

MB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


async def opened(folder: Path, max_bytes: int = MB, file_bytes: int = MB) -> Journal:
    journal = Journal(folder, max_bytes, Metrics("test"), file_bytes=file_bytes)
    await journal.load()
    return journal


async def emptied(journal: Journal) -> list[bytes]:
    """Take everything out, file by file."""
    payloads: list[bytes] = []
    while (file := await journal.oldest()) is not None:
        assert file.payloads is not None
        payloads += file.payloads
        await journal.drop(file)
    return payloads


async def filled(journal: Journal, size: int) -> tuple[list[bytes], str]:
    """Append records of `size` bytes until one is refused; return those that were taken and the refusal."""
    taken: list[bytes] = []
    while len(taken) < 100:
        payload = bytes([len(taken)]) * size
        try:
            await journal.append(payload)
        except JournalFullError as error:
            return taken, str(error)
        taken.append(payload)
    raise AssertionError("nothing was refused")


async def test_a_new_journal_is_empty_and_makes_no_file(folder: Path) -> None:
    journal = await opened(folder)
    assert journal.empty
    assert await journal.oldest() is None
    await journal.close()
    assert list(folder.iterdir()) == []


async def test_what_is_appended_comes_out_in_order_and_leaves_nothing(folder: Path) -> None:
    journal = await opened(folder)
    contents = [b"%d" % number for number in range(100)]
    for payload in contents:
        await journal.append(payload)
    assert journal.state().records == 100
    assert journal.state().bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert await emptied(journal) == contents
    assert journal.empty
    assert (journal.state().bytes, list(folder.iterdir())) == (0, [])


async def test_files_have_a_bounded_size_and_are_private(folder: Path) -> None:
    journal = await opened(folder, file_bytes=1000)
    contents = [bytes([number]) * 300 for number in range(10)]
    for payload in contents:
        await journal.append(payload)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert len(sizes) == 4
    assert max(sizes) <= 1000
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert await emptied(journal) == contents


async def test_a_record_larger_than_a_file_has_one_of_its_own(folder: Path) -> None:
    journal = await opened(folder, file_bytes=100)
    await journal.append(bytes(50))
    await journal.append(bytes(5000))
    await journal.append(bytes(50))
    assert len(list(folder.iterdir())) == 3
    assert [len(payload) for payload in await emptied(journal)] == [50, 5000, 50]


async def test_a_file_that_is_read_is_appended_to_no_more(folder: Path) -> None:
    journal = await opened(folder)
    await journal.append(b"first")
    file = await journal.oldest()
    assert file is not None
    await journal.append(b"second")
    assert list(file.payloads or ()) == [b"first"]
    assert await journal.oldest() is file
    await journal.drop(file)
    assert not journal.empty
    assert await emptied(journal) == [b"second"]


async def test_a_full_journal_takes_nothing_and_loses_nothing(folder: Path) -> None:
    journal = await opened(folder, max_bytes=1000, file_bytes=400)
    taken, refusal = await filled(journal, 85)
    assert refusal == "the database is away and the journal full: 981 of 1000 bytes"
    assert len(taken) == 1000 // (85 + HEAD_BYTES)
    file = await journal.oldest()
    assert file is not None
    oldest = list(file.payloads or ())
    await journal.drop(file)
    await journal.append(b"there is room again")
    assert oldest + await emptied(journal) == [*taken, b"there is room again"]


async def test_the_next_start_finds_everything_and_goes_on_behind_it(folder: Path) -> None:
    first = await opened(folder, file_bytes=100)
    for number in range(5):
        await first.append(b"%d" % number * 50)
    await first.close()
    second = await opened(folder, file_bytes=100)
    assert not second.empty
    assert second.state().records == 5
    await second.append(b"after")
    assert await emptied(second) == [*(b"%d" % number * 50 for number in range(5)), b"after"]


async def test_a_torn_tail_is_cut_and_the_rest_is_kept(folder: Path) -> None:
    first = await opened(folder)
    for payload in (b"one", b"two", b"three"):
        await first.append(payload)
    await first.close()
    (file,) = folder.iterdir()
    os.truncate(file, file.stat().st_size - 2)
    second = await opened(folder)
    await second.append(b"four")
    assert await emptied(second) == [b"one", b"two", b"four"]


async def test_a_file_of_garbage_is_not_fatal(folder: Path) -> None:
    folder.mkdir()
    (folder / "00000003.journal").write_bytes(os.urandom(5000))
    (folder / "00000004.journal").touch()
    (folder / "notes.txt").write_text("not ours")
    journal = await opened(folder)
    await journal.append(b"good")
    assert await emptied(journal) == [b"good"]
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


async def test_a_folder_that_cannot_be_used_is_told(folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(StorageError, match="the journal in"):
        await opened(folder)


async def test_an_append_that_is_given_up_is_done_as_a_whole(folder: Path) -> None:
    journal = await opened(folder)
    given_up = asyncio.ensure_future(journal.append(bytes(100_000)))
    await asyncio.sleep(0)
    given_up.cancel()
    await journal.append(b"next")
    assert [len(payload) for payload in await emptied(journal)] == [100_000, 4]


async def test_a_sync_that_fails_takes_nothing_and_the_next_record_begins_a_new_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await opened(folder)
    await journal.append(b"before")
    with monkeypatch.context() as broken:

        def fail(descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        broken.setattr(os, "fdatasync", fail)
        for _ in range(3):
            with pytest.raises(JournalFullError, match="cannot be written: Input/output error"):
                await journal.append(b"lost")
    await journal.append(b"after")
    assert len(list(folder.iterdir())) == 2
    assert await emptied(journal) == [b"before", b"after"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


async def test_a_full_disk_takes_nothing_and_loses_nothing(small_disk: Path) -> None:
    journal = await opened(small_disk / "journal", max_bytes=100 * MB, file_bytes=64 * 1024)
    taken, refusal = await filled(journal, 10_000)
    assert refusal == "the journal cannot be written: No space left on device"
    assert 15 < len(taken) < 27
    with pytest.raises(JournalFullError):
        await journal.append(bytes(60_000))
    file = await journal.oldest()
    assert file is not None
    oldest = list(file.payloads or ())
    await journal.drop(file)
    await journal.append(b"there is room again")
    await journal.close()
    again = await opened(small_disk / "journal")
    assert oldest + await emptied(again) == [*taken, b"there is room again"]
