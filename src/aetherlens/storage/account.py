"""The unprivileged account that runs the embedded server when the core runs as root. PostgreSQL refuses root."""

import os
import pwd
import subprocess
from pathlib import Path

import msgspec

from aetherlens.lib.process import require
from aetherlens.storage.errors import EmbeddedServerError

#: Accounts that are tried, best first. None is created: that is the administrator's to do.
_CANDIDATES = ("aetherlens", "postgres", "nobody")


class ServerAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """Whether the account may enter every folder on the way to `path`."""
        check = [
            require("setpriv"), f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "test", "-x", str(path),
        ]  # fmt: skip
        return subprocess.run(check, check=False, timeout=10).returncode == 0


def find_account(root: Path) -> ServerAccount | None:
    """Return the account for the server whose files lie in `root`; None when this process is no root and serves itself.

    Raises EmbeddedServerError when the files belong to somebody else or the machine has no account to use.
    """
    owner = root.stat().st_uid
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise EmbeddedServerError(
                f"{root} belongs to user {owner}, not to you; start AetherLens as that user, or as root if root made it"
            )
        return None
    if owner != 0:
        return _by_uid(owner)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedServerError("PostgreSQL does not run as root; make an account: useradd --system aetherlens")


def _by_uid(uid: int) -> ServerAccount:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise EmbeddedServerError(
            f"the database's files belong to user {uid}, which this machine does not know"
        ) from error
    return ServerAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
