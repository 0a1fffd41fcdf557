"""What drawn pictures can be told: labels, size, how much of what."""

from collections.abc import Sequence
from dataclasses import dataclass

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.simulation.options import check_range
from ucu_mlops.simulation.pictures.backgrounds import FAMILIES
from ucu_mlops.simulation.pictures.names import LABELS

_SMALLEST_SIDE, _LARGEST_SIDE = 32, 2_048


def check_names(name: str, given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the names as a tuple.

    Raises:
        ConfigurationError: None is given, one is given twice, or one is unknown.
    """
    names = tuple(given)
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        raise ConfigurationError(
            f"{name} must name some of {', '.join(known)}, each once; got {list(names)}"
        )
    return names


@dataclass(frozen=True)
class PictureOptions:
    """How pictures are drawn; equal options and seed, equal pictures.

    Attributes:
        labels: Names of the labels, in the order of the columns. Codes of other labels are drawn
            too, though fewer: a picture that shows only those is a negative.
        side: Width and height of a picture, pixels.
        channels: 1 (grey) or 3 (RGB).
        negatives: Share of pictures without any code.
        several: Share of the others that show more than one code.
        plain: Share of pictures that are no photographs but drawn as a screen shows them; their
            group is ``screen``.
        smallest: Shortest code, as a share of the picture's extent.
        new_look: Share of QR codes in the look that is the fashion after the shift.
        app_codes: Share of the other QR codes that are an app's, which no general reader decodes.
        families: Backgrounds to draw on; the family is a picture's group.
        variants: Backgrounds kept of each family; a picture shows a random part of one.
    """

    labels: tuple[str, ...] = LABELS
    side: int = 320
    channels: int = 1
    negatives: float = 0.3
    several: float = 0.12
    plain: float = 0.15
    smallest: float = 0.15
    new_look: float = 0.0
    app_codes: float = 0.0
    families: tuple[str, ...] = tuple(FAMILIES)
    variants: int = 16

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            ConfigurationError: A number out of range, an unknown label or family.
        """
        object.__setattr__(self, "labels", check_names("pictures.labels", self.labels, LABELS))
        families = check_names("pictures.families", self.families, tuple(FAMILIES))
        object.__setattr__(self, "families", families)
        check_range("pictures.side", self.side, _SMALLEST_SIDE, _LARGEST_SIDE)
        for name in ("negatives", "several", "plain", "new_look", "app_codes"):
            check_range(f"pictures.{name}", getattr(self, name), 0, 1)
        check_range("pictures.smallest", self.smallest, 0.05, 0.9)
        check_range("pictures.variants", self.variants, 1, 1_000)
        if self.channels not in {1, 3}:
            raise ConfigurationError(f"pictures.channels must be 1 or 3, got {self.channels}")
