"""``python -m bench``: measure everything, print the table, write the results.

Contests are what each module's ``contests(scale)`` gives; a scale of 1 is what the goals are about.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

from bench import decoding, drift, features, finetuning, scoring, training_set
from bench.harness import Figure, compete, report

MODULES = (features, training_set, scoring, drift, decoding, finetuning)


def arguments(given: Sequence[str] | None = None) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the goals' size")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "ucu-mlops-bench")
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results.json"))
    parser.add_argument("--only", default="", help="contests whose name has this in it")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = arguments(given)
    figures: list[Figure] = []
    for module in MODULES:
        for contest in module.contests(options.scale):
            if options.only in contest.name:
                figures += compete(contest, options.data, options.repetitions)
    print(report(figures, options.results))  # noqa: T201


if __name__ == "__main__":
    main()
