"""Unix socket paths have at most 107 bytes; folders may be deeper than that."""

import os
from functools import cache
from pathlib import Path

#: Longest folder path that leaves room for a socket's name.
_MAX_FOLDER_BYTES = 70


@cache
def short_folder(folder: Path) -> Path:
    """Return a path of `folder` that is short enough to hold sockets, for use inside this process alone.

    Where the folder's own path is too long, it is one through an open descriptor of the folder, kept open from then on.
    """
    if len(os.fsencode(folder)) <= _MAX_FOLDER_BYTES:
        return folder
    return Path(f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}")
