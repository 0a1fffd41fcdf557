"""What images look like from outside, day by day, so that monitoring sees when they change.

index of a shard, uploads, embeddings → one row per image and day, a column per fact → reference,
histograms, drift, as for any model's inputs
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import DataError, NotEnoughDataError, SchemaError
from ucu_mlops.quality.hashing import derived_id

NUMBERS = ("brightness", "longest_side", "aspect_ratio")
WORDS = ("format",)
NEEDED = {
    "index": ("image_id", "brightness", "width", "height", "format"),
    "uploads": ("image_id", "ingested_at"),
}
AXES = 4  # directions of the embedding that are watched

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EmbeddingAxes:
    """The directions in which a model's embeddings differ most, found once at its release.

    Attributes:
        mean: The usual embedding, shape ``(n_dimensions,)``.
        axes: Unit vectors, shape ``(AXES, n_dimensions)`` or fewer.
    """

    mean: Floats
    axes: Floats

    def project(self, embeddings: Floats) -> Floats:
        """Place embeddings on the axes, and say how far from them they lie.

        Args:
            embeddings: Shape ``(n, n_dimensions)``.

        Returns:
            Shape ``(n, n_axes + 1)``: the coordinates, then the distance that they leave: what is
            new to the model may lie in no direction that it knew.

        Raises:
            DataError: The embeddings have other dimensions.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self.mean.size:  # noqa: PLR2004
            raise DataError(
                f"embeddings of shape (n, {self.mean.size}) are needed, got {embeddings.shape}; "
                "they are another model's"
            )
        moved = embeddings - self.mean
        places = moved @ self.axes.T
        left = np.linalg.norm(moved - places @ self.axes, axis=1)
        return np.column_stack([places, left])

    def to_dict(self) -> dict[str, Any]:
        """Write the axes as a bundle's reference carries them."""
        return {"mean": self.mean.tolist(), "axes": self.axes.tolist()}

    @classmethod
    def from_dict(cls, written: dict[str, Any]) -> "EmbeddingAxes":
        """Read what :meth:`to_dict` wrote."""
        return cls(np.array(written["mean"], float), np.array(written["axes"], float))


def find_axes(embeddings: Floats) -> EmbeddingAxes:
    """Find the directions in which embeddings differ most: principal components.

    Args:
        embeddings: Of the reference's images, shape ``(n, n_dimensions)``.

    Raises:
        NotEnoughDataError: There are fewer than two images.
    """
    if len(embeddings) < 2:  # noqa: PLR2004
        raise NotEnoughDataError(
            f"the axes of embeddings need at least 2 images, got {len(embeddings)}"
        )
    mean = embeddings.mean(axis=0)
    _, _, rows = np.linalg.svd(embeddings - mean, full_matrices=False)
    axes = rows[:AXES]
    # A direction has no sign of its own; the same images must give the same axes everywhere.
    strongest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return EmbeddingAxes(mean, axes * np.sign(strongest)[:, None])


def image_facts(
    index: pd.DataFrame,
    uploads: pd.DataFrame,
    embeddings: Floats | None = None,
    axes: EmbeddingAxes | None = None,
) -> pd.DataFrame:
    """Describe images from outside, each on the day on which it became known.

    Args:
        index: One row per decoded image, as a shard's index: ``image_id``, ``brightness``
            (mean, 0..255), ``width``, ``height`` (of the original, pixels) and ``format``.
        uploads: One row per image: ``image_id`` and ``ingested_at`` (UTC).
        embeddings: The model's, in the order of ``index``; shape ``(n, n_dimensions)``.
        axes: The model's; needed with ``embeddings``.

    Returns:
        One row per image of ``index`` that was uploaded, in its order: ``entity_id`` (the image),
        ``as_of`` (date), ``brightness``, ``longest_side`` (log2 of pixels), ``aspect_ratio`` (log2
        of width by height), ``format``, and ``embedding_1`` … and ``embedding_rest`` where there
        are embeddings.

    Raises:
        DataError: There is not one embedding per image, or it is another model's.
        SchemaError: A column is missing.
    """
    for name, frame in (("index", index), ("uploads", uploads)):
        if missing := sorted(set(NEEDED[name]) - set(frame.columns)):
            raise SchemaError(f"image facts: {name} needs {missing}; got {list(frame.columns)}")
    facts = pd.DataFrame(
        {
            "entity_id": index["image_id"].to_numpy(),
            "brightness": index["brightness"].to_numpy(dtype=np.float64),
            "longest_side": np.log2(index[["width", "height"]].max(axis=1).to_numpy(np.float64)),
            "aspect_ratio": np.log2((index["width"] / index["height"]).to_numpy(np.float64)),
            "format": index["format"].astype("str").to_numpy(),
        }
    )
    if embeddings is not None and axes is not None:
        if len(embeddings) != len(index):
            raise DataError(f"{len(embeddings)} embeddings for {len(index)} images do not fit")
        facts[_embedding_names(len(axes.axes))] = axes.project(embeddings)
    days = uploads.set_index("image_id")["ingested_at"].dt.date.rename("as_of")
    return facts.join(days, on="entity_id", how="inner")[
        ["entity_id", "as_of", *facts.columns.drop("entity_id")]
    ]


def fact_specs(facts: pd.DataFrame) -> tuple[FeatureSpec, ...]:
    """Describe the facts as a bundle's features, for the reference and the drift of each day.

    Args:
        facts: As :func:`image_facts` gives them.
    """
    names = [name for name in facts.columns if name not in {"entity_id", "as_of"}]
    return tuple(
        FeatureSpec(
            name,
            "categorical" if name in WORDS else "numeric",
            "image_facts",
            derived_id("image_facts", name),
        )
        for name in names
    )


def _embedding_names(n_axes: int) -> list[str]:
    return [*(f"embedding_{place + 1}" for place in range(n_axes)), "embedding_rest"]
