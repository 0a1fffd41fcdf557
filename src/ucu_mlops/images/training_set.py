"""Which pictures a network learns from, which it is judged by, and what each shows.

labels given, verdicts → labels in force; groups, near-duplicates → splits
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import NotEnoughDataError, SchemaError
from ucu_mlops.images.duplicates import near_duplicates, number_by_first
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.checks import Allowed, check_numbers
from ucu_mlops.quality.hashing import derived_id, hash_share

LABEL_NEEDS = ("image_id", "label", "shown", "given_at")
HASH_BITS, TELLING = 64, 8  # bits that a hash has, and that must differ from all its others
SMALLEST = 2  # groups with a label: one to learn it from, one to choose its threshold by


@dataclass(frozen=True)
class SplitOptions:
    """How pictures are parted.

    Attributes:
        holdout_share: Share of groups that no version is ever trained on.
        holdout_salt: Salt of the hash that picks them; changing it voids every comparison.
        validation_share: Share of the positives of each label, in whole groups, by which the
            network's best epoch and the thresholds are chosen.
        duplicate_distance: Bits in which the hashes of near-duplicates differ at most, 0 to 7.
    """

    holdout_share: float
    holdout_salt: str
    validation_share: float
    duplicate_distance: int

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing."""
        share, distance = Allowed(least=0, below=1), Allowed(least=0, most=7, whole=True)
        check_numbers(
            self,
            "images.split",
            FILE,
            holdout_share=share,
            validation_share=share,
            duplicate_distance=distance,
        )


def labels_in_force(given: pd.DataFrame, label_set: LabelSet, known_by: date) -> pd.DataFrame:
    """Give what is known of each picture at the end of a day: the latest word counts.

    Args:
        given: One row per picture, label and giver: ``image_id``, ``label``, ``shown`` (bool),
            ``given_by``, ``given_at`` (timestamp, UTC).
        label_set: The labels wanted; others are left out.
        known_by: The day, meaning its end (UTC); what was said later is not known yet.

    Returns:
        One row per picture about which anything is known, by ``image_id`` (the index): one float
        column per label, 1.0 shown, 0.0 not shown, NaN unknown.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(LABEL_NEEDS) - set(given.columns)):
        raise SchemaError(f"image labels need {missing}; got {list(given.columns)}")
    end = pd.Timestamp(known_by, tz="UTC") + pd.Timedelta(days=1)
    said_at = pd.to_datetime(given["given_at"], utc=True)
    known = given.assign(given_at=said_at)[said_at.lt(end) & given["label"].isin(label_set.names)]
    # Of two words of one moment the one that a label is shown counts: to miss it costs more.
    last = known.sort_values(["given_at", "shown"]).drop_duplicates(
        ["image_id", "label"], keep="last"
    )
    wide = last.pivot_table(index="image_id", columns="label", values="shown", aggfunc="last")
    return wide.astype("float64").reindex(columns=list(label_set.names)).sort_index()


def labels_from_verdicts(counted: pd.DataFrame) -> pd.DataFrame:
    """Turn what moderators decided about pictures into labels given.

    Args:
        counted: One row per first-look case of this model, as
            :func:`ucu_mlops.review.verdicts.counted_verdicts` gives it: ``entity_id`` (the
            picture), ``label``, ``is_violation`` (boolean, null while open) and ``decided_at``
            (timestamp, UTC); others are ignored.

    Returns:
        One row per decided case: ``image_id``, ``label``, ``shown`` (bool), ``given_by``
        (``moderators``) and ``given_at`` (UTC).
    """
    decided = counted[counted["is_violation"].notna()]
    return pd.DataFrame(
        {
            "image_id": decided["entity_id"],
            "label": decided["label"],
            "shown": decided["is_violation"].astype(bool),
            "given_by": "moderators",
            "given_at": pd.to_datetime(decided["decided_at"], utc=True),
        }
    )


def build_image_training_set(
    index: pd.DataFrame,
    groups: pd.Series,
    labels: pd.DataFrame,
    label_set: LabelSet,
    options: SplitOptions,
) -> pd.DataFrame:
    """Part the labelled pictures that are stored, whole groups at a time.

    A group is what was given as one (a camera series, an uploader), with every near-duplicate.
    Held out is a group any of whose given names falls into the share, for good. Of the others,
    validation takes whole groups, each time the one nearest to what is wanted (of equals the first
    by its hash), until each label has its share of positives there, and leaves each label at least
    one group to learn from: where groups are few, little is taken. Groups that show no
    label come in by the same share of their pictures, if there are two: without them no threshold
    would meet the false alarms of every day.

    Args:
        index: A store's index.
        groups: The given group of each picture, by ``image_id``; empty where unknown.
        labels: As :func:`labels_in_force` gives them.
        label_set: The labels.
        options: The shares.

    Returns:
        One row per picture: ``image_id``, ``group`` (string), ``split`` (``train``,
        ``validation`` or ``holdout``), ``weight`` (1.0) and a float column per label.

    Raises:
        NotEnoughDataError: No picture is labelled and stored, or a label is shown by pictures of
            fewer than two groups that may be learnt from.
    """
    names = list(label_set.names)
    stored = index[index["image_id"].isin(labels.index)].sort_values("image_id", ignore_index=True)
    if stored.empty:
        raise NotEnoughDataError(
            f"none of the {len(index)} stored pictures has a label of {names}; "
            "label some, or look into the quarantine for the others"
        )
    shown = labels.loc[stored["image_id"], names].to_numpy(dtype=np.float64)
    given = groups.reindex(stored["image_id"]).fillna("").to_numpy(dtype=object)
    own = np.where(given == "", stored["image_id"].to_numpy(dtype=object), given)
    joined = _joined(own, _alike(stored, options.duplicate_distance))
    is_held_out = pd.Series(hash_share(own, options.holdout_salt) < options.holdout_share)
    held_out = is_held_out.groupby(joined).transform("any").to_numpy(dtype=bool)
    validating = _validation(joined, shown, held_out, label_set, options)
    split = np.select([held_out, validating], ["holdout", "validation"], "train")
    name = pd.Series(own).groupby(joined).transform("min")
    frame = pd.DataFrame({"image_id": stored["image_id"], "group": name.astype("str")})
    frame = frame.assign(split=pd.array(split, dtype="str"), weight=1.0)
    return frame.assign(**{label: shown[:, place] for place, label in enumerate(names)})


def training_identity(training_set: pd.DataFrame, label_set: LabelSet, as_of: date) -> str:
    """Identify who is labelled how and split where, under which label set."""
    content = pd.util.hash_pandas_object(training_set, index=False).to_numpy()
    return derived_id("images", as_of.isoformat(), label_set.version, content.tobytes().hex())


def _alike(stored: pd.DataFrame, distance: int) -> NDArray[np.int64]:
    """Number the clusters of near-duplicates; of pictures without edges only the same are alike.

    The hash of a bare wall or a blank page has hardly a bit set, or nearly all: it would link
    whatever is as bare.
    """
    hashes = stored["dhash"].to_numpy(dtype=np.uint64)
    bits = np.bitwise_count(hashes)
    bare = (bits < TELLING) | (bits > HASH_BITS - TELLING)
    same, _ = pd.factorize(stored["sha256"])
    cluster = np.asarray(same, dtype=np.int64)
    cluster[~bare] = near_duplicates(hashes[~bare], distance) + len(stored)
    return cluster


def _joined(own: NDArray[np.object_], cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join given groups that share a cluster, and clusters that share a group."""
    codes, _ = pd.factorize(own)
    joined = codes.astype(np.int64)
    while True:
        least = pd.Series(joined).groupby(cluster).transform("min")
        wider = least.groupby(joined).transform("min").to_numpy(dtype=np.int64)
        if (wider == joined).all():
            return number_by_first(joined)
        joined = wider


def _validation(
    joined: NDArray[np.int64],
    shown: NDArray[np.float64],
    held_out: NDArray[np.bool_],
    label_set: LabelSet,
    options: SplitOptions,
) -> NDArray[np.bool_]:
    """Choose whole groups to validate by; shape ``(n,)``."""
    free = np.unique(joined[~held_out])
    order = free[np.argsort(hash_share(free, "validation"), kind="stable")]
    positives: NDArray[np.float64] = np.stack(
        [
            np.bincount(joined, shown[:, place] == 1, joined.max() + 1).astype(np.float64)
            for place in range(shown.shape[1])
        ]
    )
    shows = positives > 0
    chosen: list[int] = []
    left = shows[:, free].sum(axis=1)  # groups to learn each label from
    for place in np.argsort(left, kind="stable"):
        having = order[shows[place][order]]
        if having.size < SMALLEST:
            raise NotEnoughDataError(
                f"label {label_set.names[place]!r} is shown in {having.size} of the groups that "
                f"may be learnt from, {SMALLEST} are needed; label more pictures, or leave it "
                "out of images.labels"
            )
        inside = positives[place][chosen].sum()
        wanted = options.validation_share * positives[place][free].sum() - inside
        while wanted > 0:
            open_to = having[~np.isin(having, chosen)]
            open_to = open_to[(left[:, None] - shows[:, open_to] > 0).all(axis=0)]
            distance = np.abs(positives[place][open_to] - wanted)
            # Not what would miss the share by more than stopping does, unless there is none yet.
            if not open_to.size or (inside > 0 and distance.min() >= wanted):
                break
            nearest = int(open_to[distance.argmin()])
            chosen.append(nearest)
            left -= shows[:, nearest]
            inside += positives[place][nearest]
            wanted -= positives[place][nearest]
    without = np.array([group for group in order if not positives[:, group].any()], dtype=np.int64)
    pictures = np.bincount(joined)[without]
    before = np.cumsum(pictures) - pictures
    chosen.extend(without[:-1][before[:-1] < options.validation_share * pictures.sum()].tolist())
    validating: NDArray[np.bool_] = np.isin(joined, sorted(chosen)) & ~held_out
    return validating
