"""A day's scoring that was killed anywhere and run again is the day's scoring."""

import subprocess
import sys
from pathlib import Path

DRIVER = Path(__file__).with_name("torture.py")
KILLS = 3  # `make torture` kills 50 times


def test_scoring_survives_kills_at_random_moments(tmp_path):
    """Inputs, scores and queue are all old or all new after each kill, and right after a rerun."""
    ran = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path), str(KILLS), "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in ran.stdout.splitlines() if line.startswith("kill ")]
    assert (ran.returncode, len(told)) == (0, KILLS), ran.stdout[-2000:] + ran.stderr[-2000:]
    assert ran.stdout.endswith(f"{KILLS} kills, 0 complaints\n")
