"""What a check found."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One line of the doctor's report."""

    #: ``fail``: AetherLens does not work like this. ``warn``: it does, but the owner should know.
    status: Literal["ok", "warn", "fail"]
    subject: str
    detail: str
    #: What to do about it.
    hint: str = ""

    def line(self) -> str:
        """Return it for people."""
        return f"{self.status:<5} {self.subject:<13} {self.detail}{f'; {self.hint}' if self.hint else ''}"
