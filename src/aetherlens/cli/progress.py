"""Progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""

from time import monotonic
from typing import TextIO

_BAR_WIDTH = 24
_BAR_EVERY_S = 0.2
_LINE_EVERY_S = 5.0


class Progress:
    """Shows how far a long work on a file has come."""

    def __init__(self, stream: TextIO, total_bytes: int) -> None:
        """`total_bytes` is the file's size."""
        self._stream = stream
        self._total_bytes = max(1, total_bytes)
        self._terminal = stream.isatty()
        self._shown_at: float | None = None
        #: Bytes, samples and time of the first call, from where the rates are counted.
        self._first: tuple[int, int, float] | None = None

    def update(self, done_bytes: int, samples: int, line: int) -> None:
        """Show it when the last time is long enough ago."""
        now = monotonic()
        if self._first is None:
            self._first = (done_bytes, samples, now)
        if self._shown_at is not None and now - self._shown_at < (_BAR_EVERY_S if self._terminal else _LINE_EVERY_S):
            return
        self._shown_at = now
        share = min(1.0, done_bytes / self._total_bytes)
        text = f"{share:4.0%}  line {line:,}  {samples:,} samples{self._speed(done_bytes, samples, now)}"
        if self._terminal:
            bar = "#" * round(share * _BAR_WIDTH)
            self._stream.write(f"\r[{bar:{_BAR_WIDTH}}] {text}\x1b[K")
        else:
            self._stream.write(f"{text.strip()}\n")
        self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._terminal and self._shown_at is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _speed(self, done_bytes: int, samples: int, now: float) -> str:
        assert self._first is not None
        first_bytes, first_samples, since = self._first
        elapsed = now - since
        if elapsed <= 0 or done_bytes <= first_bytes:
            return ""
        left_s = round((self._total_bytes - done_bytes) * elapsed / (done_bytes - first_bytes))
        return f"  {(samples - first_samples) / elapsed:,.0f}/s  {left_s // 60}:{left_s % 60:02} left"
