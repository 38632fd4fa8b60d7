"""Sockets work in folders of any depth."""

import asyncio
from pathlib import Path

from aetherlens.lib.unix_path import short_folder
from unit.lib.helpers import folder_of_length


def test_a_short_path_stays_as_it_is() -> None:
    assert short_folder(Path("/tmp")) == Path("/tmp")


async def test_a_socket_in_a_deep_folder_can_be_opened_and_reached(tmp_path: Path) -> None:
    folder = folder_of_length(tmp_path, 300)
    short = short_folder(folder)
    assert len(str(short)) <= 70
    assert short.samefile(folder)
    greeted = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.set()
        writer.close()

    async with asyncio.timeout(5), await asyncio.start_unix_server(greet, short / "some.sock"):
        assert (folder / "some.sock").is_socket()
        _, writer = await asyncio.open_unix_connection(short / "some.sock")
        await greeted.wait()
        writer.close()
        await writer.wait_closed()


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    folder = folder_of_length(tmp_path, 200)
    assert short_folder(folder) == short_folder(folder)
