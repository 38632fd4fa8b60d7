"""What an import shows: a bar on a terminal, lines elsewhere, and a summary that adds up."""

import io

from aetherlens.cli.import_summary import rate, summary
from aetherlens.cli.progress import Progress
from aetherlens.collector.csv_import.tally import Tally


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_is_taken_away() -> None:
    terminal = Terminal()
    progress = Progress(terminal, 1000)
    progress.update(500, 12_000, 4_001)
    progress.update(501, 12_001, 4_002)
    assert terminal.getvalue() == "\r[############            ]  50%  line 4,001  12,000 samples\x1b[K"
    progress.close()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_log_gets_its_first_line_at_once_and_then_few() -> None:
    log = io.StringIO()
    progress = Progress(log, 1000)
    for done in range(1, 1001):
        progress.update(done, done, done)
    progress.close()
    assert log.getvalue() == "0%  line 1  1 samples\n"


def test_an_empty_file_divides_nothing_by_zero() -> None:
    log = io.StringIO()
    Progress(log, 0).update(0, 0, 1)
    assert log.getvalue().startswith("0%")


def test_the_summary_tells_every_count() -> None:
    tally = Tally(rows=1200, samples=1000, stored=990, empty=7, first_us=0, last_us=1_000_000)
    tally.reject("not finite", 2, [(5, "inf"), (6, "nan")])
    assert summary(tally, dry_run=False) == [
        "         1,200 rows read",
        "           990 samples stored, new or with another value than before",
        "            10 were there already with the same value",
        "             7 cells without a value",
        "             2 rejected",
        "               2 not finite",
        "                 line 5: 'inf'",
        "                 line 6: 'nan'",
        "from 1970-01-01T00:00:00+00:00 to 1970-01-01T00:00:01+00:00",
    ]
    assert "         1,000 samples would be stored; this is a dry run, nothing was" in summary(tally, dry_run=True)


def test_the_rate_counts_this_run_alone() -> None:
    assert rate(Tally(rows=300, samples=3000), 2.0, Tally(rows=100, samples=1000)) == (
        "2.00 s: 100 rows/s, 1,000 values/s"
    )
