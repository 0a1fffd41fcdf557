"""What the network is trained on: pictures, what they show, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.errors import DataError, NotEnoughDataError
from ucu_mlops.images.preprocessing import check_pictures

# In a mask: whether a label lies in this cell is not known.
UNKNOWN = 255


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, one row per picture.

    Attributes:
        pixels: uint8, shape ``(n, side, side, channels)``, letterboxed.
        boxes: Content of each: top, left, height, width in pixels, shape ``(n, 4)``.
        labels: 1.0 shown, 0.0 not shown, NaN unknown, shape ``(n, n_labels)``.
        weight: How often a picture is drawn relative to the others, shape ``(n,)``.
        masks: Where a label lies: 1, 0 or ``UNKNOWN`` per cell of a square grid over the whole
            ``side``, uint8, shape ``(n, n_labels, cells, cells)``; None where nothing is known.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.int64]
    labels: NDArray[np.float32]
    weight: NDArray[np.float32]
    masks: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        check_pictures(self.pixels, self.boxes)
        n_pictures = len(self.pixels)
        if self.labels.ndim != 2 or len(self.labels) != n_pictures:  # noqa: PLR2004  # (n, n_labels)
            raise DataError(f"labels must have {n_pictures} rows, got shape {self.labels.shape}")
        if self.weight.shape != (n_pictures,) or not (self.weight >= 0).all():
            raise DataError(f"weight must be {n_pictures} numbers from 0, got {self.weight.shape}")
        if self.masks is not None and self.masks.shape[:2] != self.labels.shape:
            raise DataError(
                f"masks must begin with shape {self.labels.shape}, got {self.masks.shape}"
            )

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.pixels)

    @classmethod
    def joined(cls, *parts: Self, shares: tuple[float, ...]) -> Self:
        """Put parts together, each drawn as often as its share says.

        Args:
            parts: Pictures of one size; masks in all parts or in none.
            shares: Of each part in what is drawn.
        """
        weights = [
            part.weight * np.float32(share / max(float(part.weight.sum()), 1e-12))
            for part, share in zip(parts, shares, strict=True)
        ]
        masks = [part.masks for part in parts if part.masks is not None]
        return cls(
            pixels=np.concatenate([part.pixels for part in parts]),
            boxes=np.concatenate([part.boxes for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            weight=np.concatenate(weights),
            masks=np.concatenate(masks) if len(masks) == len(parts) else None,
        )


def known_masks(labels: NDArray[np.float32], cells: int) -> NDArray[np.uint8]:
    """Masks where only the labels are known: a label not shown lies nowhere.

    Args:
        labels: Shape ``(n, n_labels)``.
        cells: Cells per axis.

    Returns:
        0 where a picture does not show a label, ``UNKNOWN`` elsewhere, shape
        ``(n, n_labels, cells, cells)``.
    """
    plane: NDArray[np.uint8] = np.where(labels == 0.0, 0, UNKNOWN).astype(np.uint8)
    return np.broadcast_to(plane[:, :, None, None], (*plane.shape, cells, cells)).copy()


def polygon_mask(corners: NDArray[np.float32], side: int, cells: int) -> NDArray[np.uint8]:
    """Cells whose centre lies within a convex polygon.

    Args:
        corners: x and y in pixels, in order around it, shape ``(n_corners, 2)``.
        side: Pixels of the picture per axis.
        cells: Cells per axis.

    Returns:
        1 within, 0 without, shape ``(cells, cells)``.
    """
    centres = (np.arange(cells) + 0.5) * side / cells
    edges = np.roll(corners, -1, axis=0) - corners
    across = edges[:, 0, None, None] * (centres[None, :, None] - corners[:, 1, None, None])
    along = edges[:, 1, None, None] * (centres[None, None, :] - corners[:, 0, None, None])
    turns = across - along
    inside = (turns >= 0).all(axis=0) | (turns <= 0).all(axis=0)
    return np.asarray(inside, dtype=np.uint8)


def corner_masks(
    corners: Sequence[Sequence[tuple[int, NDArray[np.float32]]]],
    labels: NDArray[np.float32],
    side: int,
    cells: int,
) -> NDArray[np.uint8]:
    """Masks of pictures where some or all of the codes were located.

    Args:
        corners: For each picture, for each code located: position of its label, and its corners
            (x, y in pixels, in order around it), shape ``(4, 2)``.
        labels: Shape ``(n, n_labels)``; a label shown but nowhere located stays ``UNKNOWN``.
        side: Pixels of a picture per axis.
        cells: Cells per axis.

    Returns:
        Shape ``(n, n_labels, cells, cells)``.
    """
    masks = known_masks(labels, cells)
    for row, codes in enumerate(corners):
        for label in {label for label, _ in codes if labels[row, label] == 1.0}:
            placed = [polygon_mask(each, side, cells) for one, each in codes if one == label]
            union: NDArray[np.uint8] = np.maximum.reduce(placed)
            # A code smaller than a cell leaves no trace: where it lies stays unknown.
            if union.any():
                masks[row, label] = union
    return masks


def need_both_answers(labels: NDArray[np.float32], names: tuple[str, ...]) -> None:
    """Refuse to learn a label of which there is only one answer.

    Raises:
        NotEnoughDataError: A label without a picture that shows it, or without one that does not.
    """
    for index, name in enumerate(names):
        column = labels[:, index]
        for answer, words in ((1.0, "shows"), (0.0, "does not show")):
            if not (column == answer).any():
                raise NotEnoughDataError(
                    f"no training picture {words} label {name!r}; add some, or leave the label out "
                    "of images.labels"
                )
