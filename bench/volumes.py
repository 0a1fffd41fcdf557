"""How often a feed is called broken that is not, and how often one that lost its events is.

::

    python -m bench.volumes --seed 301

Days of a feed are drawn with a weekly rhythm and a lognormal weather that all its events share;
each day after the first two weeks is compared with those, whole and after a loss.
"""

import argparse
import sys

import numpy as np

from ucu_mlops.monitoring.drift import DriftOptions
from ucu_mlops.monitoring.volume import least_rows

RHYTHM = np.array([1, 1, 1, 1.1, 1.2, 1.6, 1.4])
QUIET, DAYS = 14, 44
WEATHERS, SIZES, LEFT = (0.05, 0.1, 0.2, 0.3, 0.5), (20, 300, 20_000), (0.1, 0.25)
OPTIONS = DriftOptions()


def replay(weather: float, size: int, feeds: int, seed: int) -> tuple[int, int, list[int]]:
    """Watch feeds of one kind.

    Returns:
        Days watched; those called broken as they are; those called broken with each of ``LEFT``.
    """
    rng = np.random.default_rng(seed)
    days, false, seen = 0, 0, [0] * len(LEFT)
    for _ in range(feeds):
        rows = rng.poisson(rng.lognormal(0, weather, DAYS) * size * np.resize(RHYTHM, DAYS))
        for number in range(QUIET, DAYS):
            like = (np.arange(QUIET) - number) % 7
            least = least_rows(rows[:QUIET], like, OPTIONS)
            days += 1
            false += int(rows[number] < least)
            for place, left in enumerate(LEFT):
                seen[place] += int(int(rows[number] * left) < least)
    return days, false, seen


def main() -> None:
    """Print a row per weather and size."""
    parser = argparse.ArgumentParser(prog="python -m bench.volumes", description=__doc__)
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=301)
    asked = parser.parse_args()
    write = sys.stdout.write
    write(
        "weather  events a day    days  false faults  " + "  ".join(f"{x:.0%} left" for x in LEFT)
    )
    for weather in WEATHERS:
        for size in SIZES:
            days, false, seen = replay(weather, size, asked.feeds, asked.seed)
            shares = "  ".join(f"{each / days:8.3f}" for each in seen)
            write(f"\n{weather:7.2f}  {size:12,}  {days:6,}  {false:12,}  {shares}")
            sys.stdout.flush()
    write("\n")


if __name__ == "__main__":
    main()
