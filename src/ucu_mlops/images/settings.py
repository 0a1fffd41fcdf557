"""Settings that travel with a network, in its bundle: how it is fed, and how often it looks."""

from dataclasses import dataclass

from ucu_mlops.quality.checks import (
    COUNT,
    SHARE,
    Allowed,
    check_choices,
    check_numbers,
    refuse,
)

FILE = "images.yml"
GREY, COLOUR = 1, 3


@dataclass(frozen=True)
class PreprocessingSettings:
    """How a picture becomes the network's input.

    Attributes:
        side: Width and height of the input, in pixels.
        channels: 1 (grey) or 3 (red, green, blue).
        mean: Subtracted from each channel scaled to 0..1.
        std: Divided by, per channel.
        fit: ``letterbox`` (aspect kept, centred, padding 0) or ``stretch``, as ViT's own processor.
    """

    side: int = 128
    channels: int = GREY
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    fit: str = "letterbox"

    def __post_init__(self) -> None:
        """Refuse settings under which no picture becomes an input."""
        section = "images.model.preprocessing"
        check_numbers(self, section, FILE, side=COUNT)
        check_choices(self, section, FILE, channels=(GREY, COLOUR), fit=("letterbox", "stretch"))
        for name, each in (("mean", SHARE), ("std", Allowed(above=0, most=1))):
            value = getattr(self, name)
            # A bundle and the configuration keep lists.
            right = isinstance(value, list | tuple) and len(value) == self.channels
            if not right or not all(map(each.holds, value)):
                refuse(section, name, FILE, f"a list of {self.channels}, each {each}", value)
            object.__setattr__(self, name, tuple(value))


@dataclass(frozen=True)
class LookOptions:
    """The second look: what the first found is looked at again, closer.

    Attributes:
        looks: 1 or 2.
        fired: A token's probability from which it is part of what was found.
        margin: Added around it on each side, as a share of its size.
        smallest: Least share of the longer side that a second look shows.
        weight: Weight of the second look's answer; the first has the rest.
    """

    looks: int = 2
    fired: float = 0.3
    margin: float = 0.15
    smallest: float = 0.2
    weight: float = 0.7

    def __post_init__(self) -> None:
        """Refuse looks that are none."""
        section, margin = "images.model.looks", Allowed(least=0, most=2)
        check_choices(self, section, FILE, looks=(1, 2))
        check_numbers(self, section, FILE, fired=SHARE, margin=margin, smallest=SHARE, weight=SHARE)
