"""One page of the worst mistakes of each label, with the pictures, to look at before a release.

probabilities, labels, reader, thresholds → the most confident misses and false alarms → HTML
"""

import base64
import html
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.images.evaluation import Judged
from ucu_mlops.images.labels import ImageLabel, LabelSet
from ucu_mlops.images.policy import follow_policy
from ucu_mlops.images.thresholds import LabelThreshold, check_rows

SHOWN = 12  # misses, and as many false alarms, per label
SIDE = 200  # of a picture on the page, pixels
QUALITY = 80
STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2rem auto;
padding:0 1rem;color:#1c2733}h1{margin-bottom:.2rem}h2{margin-top:2.4rem}h3{margin:1.2rem 0 .4rem}
p{max-width:75ch}.pictures{display:flex;flex-wrap:wrap;gap:.8rem}
figure{margin:0;width:200px;background:#f3f5f8;border-radius:8px;overflow:hidden}
figure img{display:block;width:200px;height:200px;object-fit:contain;background:#0b1016}
figcaption{padding:.4rem .6rem;font-size:12px;overflow-wrap:anywhere}
figcaption b{font-size:15px;font-variant-numeric:tabular-nums}small{color:#5b6776}
table{border-collapse:collapse;font-size:13px}td,th{border-bottom:1px solid #dde3ea;
padding:.35rem .8rem;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Mistake:
    """A picture that a label's deciding row got wrong.

    Attributes:
        place: Row of the picture.
        probability: What the network said.
        threshold: Of the deciding row; null where the reader decides alone.
        read: Whether the reader found the label.
        missed: Whether it shows the label; else it was a false alarm.
    """

    place: int
    probability: float
    threshold: float | None
    read: bool
    missed: bool


def find_mistakes(
    judged: Judged, thresholds: Sequence[LabelThreshold], label_set: LabelSet
) -> dict[str, list[Mistake]]:
    """Find what the policy's row of each label got wrong, the most confident mistakes first.

    Args:
        judged: The pictures.
        thresholds: The model's, one per label, in order.
        label_set: The labels.

    Returns:
        By label: the misses from the lowest probability up, then the false alarms from the
        highest down (what the reader found wrongly first).

    Raises:
        DataError: Shapes differ, or values are no probabilities or labels.
    """
    scores, truth, reader = check_rows(
        judged.probabilities, judged.labels, judged.reader, label_set
    )
    given = follow_policy(scores, reader, thresholds, label_set)
    return {
        label.name: list(
            _mistakes_of(
                given[:, place],
                truth[:, place],
                scores[:, place],
                reader[:, place],
                _deciding_threshold(label, thresholds[place]),
            )
        )
        for place, label in enumerate(label_set.labels)
    }


def draw_mistakes_page(
    mistakes: dict[str, list[Mistake]],
    image_ids: Sequence[str],
    pixels_of: Callable[[Sequence[str]], Pixels],
    evaluation: dict[str, Any],
    title: str,
) -> str:
    """Draw the worst mistakes.

    Args:
        mistakes: As :func:`find_mistakes` gives them.
        image_ids: The identifier of each picture, in the order of the rows.
        pixels_of: Gives the pixels of the identifiers asked for, uint8, shape
            ``(n, height, width, channels)`` with 1 or 3 channels.
        evaluation: As :func:`ucu_mlops.images.evaluation.evaluate` gives it.
        title: What the page is about: model, version, pictures.

    Returns:
        A whole HTML document, which needs nothing from elsewhere.
    """
    sections = [f"<h1>{html.escape(title)}</h1>", _summary(evaluation)]
    for label, found in mistakes.items():
        sections.append(f"<h2>{html.escape(label)}</h2>")
        for words, kind in (("missed", True), ("false alarms", False)):
            own = [each for each in found if each.missed == kind]
            sections.append(f"<h3>{len(own)} {words}{_first(len(own))}</h3>")
            shown = own[:SHOWN]
            pictures = pixels_of([image_ids[each.place] for each in shown]) if shown else ()
            cards = [
                _card(each, image_ids[each.place], picture)
                for each, picture in zip(shown, pictures, strict=True)
            ]
            sections.append(f"<div class=pictures>{''.join(cards)}</div>")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><body>{''.join(sections)}</body></html>\n"
    )


def _mistakes_of(
    given: NDArray[np.bool_],
    truth: NDArray[np.float64],
    scores: NDArray[np.float64],
    reader: NDArray[np.bool_],
    threshold: float | None,
) -> Iterator[Mistake]:
    missed = np.flatnonzero(~given & (truth == 1))
    alarms = np.flatnonzero(given & (truth == 0))
    for place in missed[np.argsort(scores[missed], kind="stable")]:
        yield Mistake(int(place), float(scores[place]), threshold, bool(reader[place]), missed=True)
    confident = np.lexsort((-scores[alarms], ~reader[alarms]))
    for place in alarms[confident]:
        yield Mistake(
            int(place), float(scores[place]), threshold, bool(reader[place]), missed=False
        )


def _deciding_threshold(label: ImageLabel, threshold: LabelThreshold) -> float | None:
    points = {"network": threshold.network, "union": threshold.union}
    return points[label.decides].threshold if label.decides in points else None


def _summary(evaluation: dict[str, Any]) -> str:
    head = "".join(
        f"<th{' class=n' if words in {'precision', 'recall', 'F1', 'images'} else ''}>{words}</th>"
        for words in ("label", "decides", "precision", "recall", "F1", "images")
    )
    rows = []
    for name, by_row in evaluation["per_label"].items():
        row = evaluation["decides"][name]
        figures = "".join(
            f"<td class=n>{_number(by_row[row][each])}</td>"
            for each in ("precision", "recall", "f1")
        )
        rows.append(
            f"<tr><td>{html.escape(name)}</td><td>{row}</td>{figures}"
            f"<td class=n>{by_row[row]['support']}</td></tr>"
        )
    free = evaluation["code_free"]
    return (
        f"<table><tr>{head}</tr>{''.join(rows)}</table>"
        f"<p>Of {free['pictures']} pictures without any label the network flags "
        f"{free['flagged_network']}, the union {free['flagged_union']}.</p>"
        f"<ul>{''.join(f'<li>{html.escape(each)}</li>' for each in evaluation['unmet'])}</ul>"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _first(n: int) -> str:
    return f", the {SHOWN} worst" if n > SHOWN else ""


def _card(mistake: Mistake, image_id: str, pixels: Pixels) -> str:
    against = "" if mistake.threshold is None else f", threshold {mistake.threshold:.3f}"
    reader = "reader found it" if mistake.read else "reader found nothing"
    return (
        f'<figure><img alt="{html.escape(image_id)}" src="{_data_uri(pixels)}">'
        f"<figcaption><b>{mistake.probability:.3f}</b>{against}<br>"
        f"{reader}<br><small>{html.escape(image_id)}</small></figcaption></figure>"
    )


def _data_uri(pixels: Pixels) -> str:
    from PIL import Image  # noqa: PLC0415 (an extra)

    picture = Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((2 * SIDE, 2 * SIDE))  # twice, for sharp screens
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
