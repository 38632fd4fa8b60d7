"""Acknowledged means durable: whatever is killed, and whenever."""

import os
from pathlib import Path

from kills import Killing

#: More of them run by `./build.sh bench kills`.
ROUNDS = int(os.environ.get("AETHERLENS_TEST_KILLS", "10"))
SEED = 20260621


def test_no_acknowledged_sample_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    tally = Killing(tmp_path / "home", SEED).run(ROUNDS)
    assert (tally.lost, tally.doubled_or_invented) == (0, 0)
    assert tally.acknowledged > 100 * ROUNDS
    assert tally.journaled_rounds >= ROUNDS // 5 * 2
