"""Measure contestants in turn, each time in a fresh process, and compare what they computed.

contest → data → (ours, peer, peer) in turn, repeated → same results? → medians → ratios
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd

LIMIT_MB = 1000.0


@dataclass(frozen=True)
class Peer:
    """Somebody to be measured against.

    Attributes:
        name: As the table calls it.
        run: ``module:function``; it gets the folder of the data and returns a data frame.
        goal: How many times our time it must take at least.
        memory_goal: How many times our memory it must take at least; None if that is no goal.
        python: The interpreter of a peer that needs an environment of its own.
    """

    name: str
    run: str
    goal: float
    memory_goal: float | None = None
    python: str = sys.executable


@dataclass(frozen=True)
class Data:
    """What a contest is about.

    Attributes:
        name: Its folder, which says its size: another size is another folder.
        prepare: Stores it in the folder given; called once.
    """

    name: str
    prepare: Callable[[Path], None]


@dataclass(frozen=True)
class Contest:
    """One task, and who does it.

    Attributes:
        name: As the table calls it.
        data: What they all read.
        ours: ``module:function`` of the product, like a peer's.
        peers: Whom to measure against.
        keys: The columns that tell a result's rows apart.
        limit_mb: Our peak memory must stay below (megabytes); None if that is no goal.
        tenth: A tenth of the data, if the whole must cost us at most ten times as much.
        tolerance: How far results may lie apart.
    """

    name: str
    data: Data
    ours: str
    peers: Sequence[Peer]
    keys: Sequence[str]
    limit_mb: float | None = LIMIT_MB
    tenth: Data | None = None
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Measurement:
    """One process's run.

    Attributes:
        seconds: Wall time from opening the stored data to the finished result.
        peak_mb: The process's peak resident memory, imports included.
    """

    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: The contest.
        peer: Who, or what limit.
        ratio: The peer's median time by ours; for a limit, the limit by what we took.
        memory_ratio: The same of peak memory; None for a limit.
        goal: What ``ratio`` must reach.
        memory_goal: What ``memory_ratio`` must reach; None if that is no goal.
        holds: Whether it does.
        spread: Smallest and largest ratio of one repetition.
        ours: Our median, in seconds or megabytes.
        theirs: The peer's median, or the limit.
    """

    name: str
    peer: str
    ratio: float
    memory_ratio: float | None
    goal: float
    memory_goal: float | None
    holds: bool
    spread: tuple[float, float]
    ours: float
    theirs: float


def prepared(data: Data, root: Path) -> Path:
    """Return the folder of the data, filled; a half-filled one is begun again."""
    folder, beginning = root / data.name, root / f"{data.name}.partial"
    if not folder.exists():
        rmtree(beginning, ignore_errors=True)
        beginning.mkdir(parents=True)
        data.prepare(beginning)
        beginning.rename(folder)
    return folder


def measure(run: str, folder: Path, result: Path, python: str = sys.executable) -> Measurement:
    """Run a contestant in a process of its own, which writes its result as Parquet."""
    command = [python, "-m", "bench.contestant", run, str(folder), str(result)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def compete(contest: Contest, root: Path, repetitions: int) -> list[Figure]:
    """Measure a contest.

    Args:
        contest: What to measure.
        root: Where the folders of data are, or will be.
        repetitions: How often each runs; they take turns, so that a slow minute hits all.

    Returns:
        A figure for each peer, one for the memory limit, one for ten times the data.

    Raises:
        AssertionError: Somebody computed something else.
    """
    folder = prepared(contest.data, root)
    pythons = {contest.ours: sys.executable} | {peer.run: peer.python for peer in contest.peers}
    runs = list(pythons)
    taken: dict[str, list[Measurement]] = {run: [] for run in runs}
    with TemporaryDirectory() as results:
        for _ in range(repetitions):
            for number, run in enumerate(runs):
                result = Path(results) / f"{number}.parquet"
                taken[run].append(measure(run, folder, result, pythons[run]))
        tenths = _tenths(contest, root, repetitions, Path(results))
        found = [
            pd.read_parquet(Path(results) / f"{number}.parquet") for number in range(len(runs))
        ]
    for peer, theirs in zip(contest.peers, found[1:], strict=True):
        assert_same(found[0], theirs, contest, peer.name)
    ours = taken[contest.ours]
    figures = [_against(contest.name, peer, ours, taken[peer.run]) for peer in contest.peers]
    if contest.limit_mb is not None:
        name = f"{contest.limit_mb:.0f} MB"
        figures.append(limit(contest.name, name, contest.limit_mb, [each.peak_mb for each in ours]))
    if tenths:
        ten = 10.0 * median(tenths)
        figures.append(
            limit(contest.name, "10 times a tenth", ten, [each.seconds for each in ours])
        )
    return figures


def _tenths(contest: Contest, root: Path, repetitions: int, results: Path) -> list[float]:
    if contest.tenth is None:
        return []
    folder = prepared(contest.tenth, root)
    result = results / "tenth.parquet"
    return [measure(contest.ours, folder, result).seconds for _ in range(repetitions)]


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame, contest: Contest, peer: str) -> None:
    """Refuse to compare times of different results: same rows, same values."""
    both = [
        # Whole numbers with a null among them are one thing to Arrow and another to pandas.
        frame.sort_values(list(contest.keys), ignore_index=True).astype(
            dict.fromkeys(frame.select_dtypes("number").columns, "float64")
        )
        for frame in (ours, theirs)
    ]
    pd.testing.assert_frame_equal(
        both[0],
        both[1][list(both[0].columns)],
        check_dtype=False,
        rtol=contest.tolerance,
        atol=contest.tolerance,
        obj=f"{contest.name}, {peer}",
    )


def limit(name: str, what: str, allowed: float, taken: Sequence[float]) -> Figure:
    """Say how far below a limit we stay: the limit by what we took, to be at least 1."""
    ratio = allowed / median(taken)
    spread = (allowed / max(taken), allowed / min(taken))
    return Figure(name, what, ratio, None, 1.0, None, ratio >= 1.0, spread, median(taken), allowed)


def _against(
    name: str, peer: Peer, ours: Sequence[Measurement], theirs: Sequence[Measurement]
) -> Figure:
    mine, others = median(each.seconds for each in ours), median(each.seconds for each in theirs)
    memory = median(each.peak_mb for each in theirs) / median(each.peak_mb for each in ours)
    each_time = [b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True)]
    return Figure(
        name=name,
        peer=peer.name,
        ratio=others / mine,
        memory_ratio=memory,
        goal=peer.goal,
        memory_goal=peer.memory_goal,
        holds=others / mine >= peer.goal and memory >= (peer.memory_goal or 0.0),
        spread=(min(each_time), max(each_time)),
        ours=mine,
        theirs=others,
    )


def report(figures: Sequence[Figure], path: Path) -> str:
    """Write the figures as JSON and return them as a table for people."""
    path.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n")
    lines = [f"{'':<42}{'peer':<22}{'ratio':>7}  {'spread':<13}{'goal':>5}  {'memory':>7}  holds"]
    for each in figures:
        memory = "" if each.memory_ratio is None else f"{each.memory_ratio:.2f}"
        low, high = each.spread
        lines.append(
            f"{each.name:<42}{each.peer:<22}{each.ratio:>7.2f}  {f'{low:.2f}-{high:.2f}':<13}"
            f"{each.goal:>5.2f}  {memory:>7}  {'yes' if each.holds else 'NO'}"
        )
    kept = sum(each.holds for each in figures)
    return "\n".join([*lines, f"{kept} of {len(figures)} goals hold; details in {path}"])
