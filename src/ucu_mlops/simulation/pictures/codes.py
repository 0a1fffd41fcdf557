"""Random machine-readable codes, as small pictures of their modules."""

import string
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import segno
import zxingcpp
from numpy.typing import NDArray

from ucu_mlops.simulation.pictures.chance import chance, log_uniform, pick

QUIET = 4  # modules around a QR code
_Format = zxingcpp.BarcodeFormat
_ALPHANUMERIC = string.digits + string.ascii_uppercase
_TEXT = string.ascii_letters + string.digits + "/.:-_?=&"


@dataclass(frozen=True)
class Code:
    """One code, undistorted.

    Attributes:
        label: The label that it is an instance of.
        kind: Its symbology.
        modules: Shape (rows, columns), 0 where printed and 255 where not, without quiet zone;
            one row where every row is the same.
        quiet: Width of the quiet zone that the symbology asks for, in modules.
        text: What stands under a linear code; "" for the others.
        scale: Pixels of ``modules`` for each module.
        look: ``usual`` or ``new``.
    """

    label: str
    kind: str
    modules: NDArray[np.uint8]
    quiet: int
    text: str = ""
    scale: int = 1
    look: str = "usual"

    @property
    def columns(self) -> float:
        """How many modules it is wide."""
        return float(self.modules.shape[1] / self.scale)


def draw_code(rng: np.random.Generator, label: str) -> Code:
    """Draw a code with random content, symbology, size and error level."""
    kinds = {"qr_code": _QR, "matrix_code": _MATRIX, "linear_barcode": _LINEAR}[label]
    return pick(rng, kinds)(rng)


def random_content(rng: np.random.Generator, shortest: int, longest: int) -> str:
    """Return letters as links have them, behind ``https://`` in half of the cases."""
    content = _letters(rng, _TEXT, _length(rng, shortest, longest))
    return "https://" + content if chance(rng, 0.5) else content


def _letters(rng: np.random.Generator, alphabet: str, n: int) -> str:
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), n))


def _length(rng: np.random.Generator, low: float, high: float) -> int:
    return round(log_uniform(rng, low, high))


def _qr_code(rng: np.random.Generator) -> Code:
    content = random_content(rng, 8, 60)
    version = None if chance(rng, 0.6) else int(rng.integers(5, 16))
    # A given mask saves trying all eight, which is most of the work.
    code = segno.make_qr(
        content,
        error=pick(rng, "LMQH") if version is None else "L",
        version=version,
        mask=int(rng.integers(8)),
        boost_error=chance(rng, 0.5),
    )
    return Code("qr_code", "QRCode", _printed(np.array(code.matrix)), QUIET)


def _dense_qr_code(rng: np.random.Generator) -> Code:
    content = _letters(rng, _TEXT, _length(rng, 100, 2_900))
    code = segno.make_qr(content, error="L", mask=int(rng.integers(8)), boost_error=False)
    return Code("qr_code", "QRCode", _printed(np.array(code.matrix)), QUIET)


def _micro_qr_code(rng: np.random.Generator) -> Code:
    content = _letters(rng, _ALPHANUMERIC, int(rng.integers(4, 20)))
    code = segno.make_micro(content, error="L", mask=int(rng.integers(4)))
    return Code("qr_code", "MicroQRCode", _printed(np.array(code.matrix)), 2)


def _printed(matrix: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.where(matrix == 1, 0, 255).astype(np.uint8)


def _written(content: str, symbology: _Format, **options: str) -> NDArray[np.uint8]:
    barcode = zxingcpp.create_barcode(content, symbology, **options)
    return np.array(zxingcpp.write_barcode_to_image(barcode, add_quiet_zones=False))


def _matrix(
    symbology: _Format, shortest: int, longest: int, quiet: int, alphabet: str = _TEXT
) -> Callable[[np.random.Generator], Code]:
    """Return how to draw a symbology with this many letters."""

    def draw(rng: np.random.Generator) -> Code:
        content = _letters(rng, alphabet, _length(rng, shortest, longest))
        modules = _written(content, symbology)
        return Code("matrix_code", symbology.name, modules, quiet)

    return draw


def _linear(
    symbology: _Format, shortest: int, longest: int, alphabet: str = string.digits
) -> Callable[[np.random.Generator], Code]:
    """Return how to draw a symbology with this many letters."""

    def draw(rng: np.random.Generator) -> Code:
        content = _letters(rng, alphabet, int(rng.integers(shortest, longest + 1)))
        return _bars(content, symbology)

    return draw


def _bars(content: str, symbology: _Format) -> Code:
    drawn = _written(content, symbology)
    middle = drawn[len(drawn) // 2]
    columns = np.flatnonzero(middle == 0)  # some symbologies begin with a space
    bars = middle[columns[0] : columns[-1] + 1]
    return Code("linear_barcode", symbology.name, bars[None, :], 10, content)


def _itf(rng: np.random.Generator) -> Code:
    return _bars(_letters(rng, string.digits, 2 * int(rng.integers(3, 9))), _Format.ITF)


def _upce(rng: np.random.Generator) -> Code:
    # Lower last digits and zeros may be shorthands that the symbology forbids.
    return _bars(f"0{_letters(rng, '123456789', 5)}{pick(rng, '56789')}", _Format.UPCE)


def _codabar(rng: np.random.Generator) -> Code:
    digits = _letters(rng, string.digits, int(rng.integers(5, 15)))
    return _bars(f"{pick(rng, 'ABCD')}{digits}{pick(rng, 'ABCD')}", _Format.Codabar)


def _stacked(rng: np.random.Generator) -> Code:
    content = _letters(rng, string.digits, 13)
    if chance(rng, 0.5):
        modules = _written(content, _Format.DataBarStk)
    else:
        gtin = zxingcpp.create_barcode(content, _Format.DataBarOmni).text[-14:]
        more = _letters(rng, _ALPHANUMERIC, int(rng.integers(4, 16)))
        modules = _written(f"[01]{gtin}[10]{more}", _Format.DataBarExpStk)
    return Code("linear_barcode", "DataBarStacked", modules, 2, content)


def _data_bar(rng: np.random.Generator) -> Code:
    if chance(rng, 0.4):
        return _bars(f"[10]{_letters(rng, _ALPHANUMERIC, 10)}", _Format.DataBarExp)
    content = _letters(rng, string.digits, 13)
    return _bars("0" + content[1:], pick(rng, (_Format.DataBarOmni, _Format.DataBarLtd)))


# Named several times where it is met more often.
_QR = (_qr_code, _qr_code, _qr_code, _qr_code, _dense_qr_code, _micro_qr_code)
_MATRIX = (
    _matrix(_Format.Aztec, 4, 500, 1),
    _matrix(_Format.Aztec, 10, 120, 1),
    _matrix(_Format.DataMatrix, 3, 600, 1),
    _matrix(_Format.DataMatrix, 3, 60, 1),
    _matrix(_Format.DataMatrix, 10, 200, 1),
    _matrix(_Format.DataMatrix, 10, 200, 1),
    _matrix(_Format.Aztec, 20, 300, 1),
    _matrix(_Format.PDF417, 5, 300, 2),
    _matrix(_Format.PDF417, 5, 60, 2),
    _matrix(_Format.CompactPDF417, 5, 60, 2),
    _matrix(_Format.MicroPDF417, 4, 40, 1),
    _matrix(_Format.MaxiCode, 5, 60, 5, _ALPHANUMERIC),
)
_LINEAR = (
    _linear(_Format.EAN13, 12, 12),
    _linear(_Format.EAN13, 12, 12),
    _linear(_Format.UPCA, 11, 11),
    _linear(_Format.UPCA, 11, 11),
    _linear(_Format.EAN8, 7, 7),
    _linear(_Format.Code128, 5, 24, _ALPHANUMERIC),
    _linear(_Format.Code128, 5, 24),
    _linear(_Format.Code39, 4, 16, _ALPHANUMERIC),
    _linear(_Format.Code93, 4, 16, _ALPHANUMERIC),
    _upce,
    _itf,
    _codabar,
    _stacked,
    _data_bar,
)
