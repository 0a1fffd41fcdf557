"""A day's scoring or release that was killed anywhere and run again is the day's."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KILLS = 3  # `make torture` kills 200 times


def torture(driver, folder):
    ran = subprocess.run(
        [sys.executable, str(HERE / driver), str(folder), str(KILLS), "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in ran.stdout.splitlines() if line.startswith("kill ")]
    assert (ran.returncode, len(told)) == (0, KILLS), ran.stdout[-2000:] + ran.stderr[-2000:]
    assert ran.stdout.endswith(f"{KILLS} kills, 0 complaints\n")


def test_scoring_survives_kills_at_random_moments(tmp_path):
    """Inputs, scores and queue are all old or all new after each kill, and right after a rerun."""
    torture("torture.py", tmp_path)


def test_a_release_survives_kills_at_random_moments(tmp_path):
    """There is always one champion, which loads, and no case is lost or there twice."""
    torture("release.py", tmp_path)
