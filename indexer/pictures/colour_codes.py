"""Colours told by code points (ITU-T H.273), as HDR pictures do: to sRGB.

HEIC and AVIF have them in a box `colr`, PNG in a chunk `cICP`. Perceptual quantisation (PQ, SMPTE
ST 2084) and hybrid log-gamma (HLG, ITU-R BT.2100) span more light than sRGB: what is brighter than
its white is pressed together, the rest stays as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BT709, _UNSPECIFIED, _BT2020, _P3_DCI, _P3 = 1, 2, 9, 11, 12
_PQ, _HLG = 16, 18
_WHITE = 203.0  # cd/m² of diffuse white (ITU-R BT.2408)
_KNEE = 0.75  # of white: darker light is left as it is
_ROWS = 256  # converted at a time
_HEAD = 1 << 16  # bytes in which a file tells its colours
_TO_BT709 = {  # linear light, from D65 to D65
    _BT2020: (
        (1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730),
    ),
    _P3: (
        (1.224940, -0.224940, 0.0),
        (-0.042057, 1.042057, 0.0),
        (-0.019638, -0.078636, 1.098274),
    ),
}
_TO_BT709[_P3_DCI] = _TO_BT709[_P3]


class ColourCodes(NamedTuple):
    """The code points of a picture's primaries and of its transfer function."""

    primaries: int
    transfer: int

    @property
    def differ(self) -> bool:
        """Whether pixels have to be converted to be sRGB."""
        return self.primaries in _TO_BT709 or self.transfer in (_PQ, _HLG)


def colour_codes(content: bytes) -> ColourCodes | None:
    """The code points that a file names; None if it names none."""
    head = content[:_HEAD]
    if head.startswith(b"\x89PNG"):
        place = head.find(b"cICP")
        codes = tuple(head[place + 4 : place + 6]) if place > 0 else ()
    else:
        place = head.find(b"colrnclx") if head[4:8] == b"ftyp" else -1
        numbers = head[place + 8 : place + 12] if place > 0 else b""
        codes = (
            int.from_bytes(numbers[:2], "big"),
            int.from_bytes(numbers[2:], "big"),
        )
    return ColourCodes(*codes) if len(codes) == 2 and place > 0 else None


def from_codes(image: Image.Image, codes: ColourCodes) -> Image.Image:
    """Convert RGB pixels, whose colours are told by code points, to sRGB."""
    pixels = np.asarray(image)
    light = _light_of(codes.transfer)
    matrix = np.array(_TO_BT709.get(codes.primaries, np.eye(3)), np.float32)
    peak = _peak(pixels, light, matrix)
    result = np.empty_like(pixels)
    for row in range(0, len(pixels), _ROWS):
        part = np.maximum(light[pixels[row : row + _ROWS]] @ matrix.T, 0.0)
        result[row : row + _ROWS] = _srgb(_pressed(part, peak))
    return Image.fromarray(result)


def _light_of(transfer: int) -> NDArray[np.float32]:
    """The light of each of the 256 values; 1 is diffuse white."""
    values = np.arange(256) / 255
    if transfer == _PQ:
        root = values ** (1 / 78.84375)
        quotient = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        light = quotient ** (1 / 0.1593017578125) * 10_000 / _WHITE
    elif transfer == _HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
        light = scene**1.2 * 1000 / _WHITE  # on a display of 1000 cd/m²
    else:
        light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _peak(
    pixels: NDArray[np.uint8], light: NDArray[np.float32], matrix: NDArray[np.float32]
) -> float:
    """The brightest light of a picture but for a thousandth, by a sample of its pixels."""
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / 100_000) ** 0.5))
    sample = light[pixels[::step, ::step].reshape(-1, 3)] @ matrix.T
    return max(1.0, float(np.quantile(sample.max(axis=1), 0.999)))


def _pressed(light: NDArray[np.float32], peak: float) -> NDArray[np.float32]:
    """Bring light of up to `peak` below 1; a pixel keeps its hue."""
    if peak <= 1.05:
        return light
    most = light.max(axis=-1, keepdims=True)
    room, over = 1 - _KNEE, np.maximum(most - _KNEE, 0)
    # x / (x + 1) with the slope of 1 at the knee, scaled so that the peak comes to 1
    end = (peak - _KNEE) / room
    curve = _KNEE + room * (over / room) * (1 + over / room / end**2) / (1 + over / room)
    wanted = np.where(most > _KNEE, curve, most)
    scaled: NDArray[np.float32] = light * (wanted / np.maximum(most, 1e-6))
    return scaled


def _srgb(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    light = np.clip(light, 0.0, 1.0)
    values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = np.rint(values * 255).astype(np.uint8)
    return rounded
