"""A reader of text: a quick look at a small copy, and only if that shows some, a thorough one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from PIL import Image

from indexer.errors import PictureError
from indexer.metadata.texts import tidied
from indexer.recognition.models import model_files

GLANCE_SIDE = 480  # pixels of the longer side at which is decided whether there is any text
READ_SIDE = 1600  # the longest side at which text is read
LEAST_SIDE = 960  # smaller pictures are enlarged to this: detection misses the smallest letters
GLANCE_SCORE = 0.4  # of a place in the small copy that may be text
BOX_SCORE = 0.5  # of a place that is text
LINE_SCORE = 0.8  # the mean probability of the letters of a line
_LONG = 3  # times as long as wide: read in pieces, since it would be scaled down too far
_OVERLAP = 0.2  # of the width: no line is cut in both of two pieces


class TextReader:
    """The opened models; reads one picture at a time, on one core."""

    def __init__(self) -> None:
        import_module("cv2").setNumThreads(1)
        engine = "EngineConfig.onnxruntime"
        self._engine: Any = import_module("rapidocr").RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_preprocess_img": False,  # which would scale once more
                "Global.text_score": LINE_SCORE,
                "Det.limit_side_len": 32,
                "Rec.rec_batch_num": 6,
                f"{engine}.intra_op_num_threads": 1,
                f"{engine}.inter_op_num_threads": 1,
                **{f"{part}.model_path": str(file) for part, file in model_files().items()},
            }
        )

    def read(self, image: Image.Image) -> str:
        """The text in an upright RGB picture, line by line; empty if there is none.

        Raises `PictureError` where the models fail.
        """
        pieces = list(_pieces(image))
        try:
            shown = [piece for piece in pieces if self._shows_text(piece)]
            lines = [line for piece in shown for line in self._lines(piece)]
        except MemoryError:
            raise
        except Exception as error:  # RapidOCR puts the runtime's whole trace into the message
            raise PictureError(f"its text cannot be read ({type(error).__name__})") from error
        return "\n".join(dict.fromkeys(lines)) if len(pieces) > 1 else "\n".join(lines)

    def _shows_text(self, image: Image.Image) -> bool:
        small = _pixels(_scaled(image, GLANCE_SIDE))
        found = self._engine(small, use_cls=False, use_rec=False, box_thresh=GLANCE_SCORE)
        return len(found) > 0

    def _lines(self, image: Image.Image) -> list[str]:
        side = min(READ_SIDE, max(LEAST_SIDE, *image.size))
        pixels = _pixels(_scaled(image, side))
        found = self._engine(pixels, use_cls=True, use_rec=True, box_thresh=BOX_SCORE)
        return _legible(found.txts or ())


def _legible(lines: Sequence[str]) -> list[str]:
    """The tidied lines that have letters or digits."""
    return [tidy for tidy in map(tidied, lines) if any(map(str.isalnum, tidy))]


def _pieces(image: Image.Image) -> Iterator[Image.Image]:
    """The picture, or overlapping pieces of one that is very long."""
    short, long = sorted(image.size)
    if long <= _LONG * short:
        yield image
        return
    length, step = round(short * (2 + _OVERLAP)), 2 * short
    for start in range(0, max(1, long - round(short * _OVERLAP)), step):
        end = min(long, start + length)
        tall = image.height > image.width
        yield image.crop((0, start, short, end) if tall else (start, 0, end, short))


def _scaled(image: Image.Image, side: int) -> Image.Image:
    """The picture with a longer side of `side` pixels; the small look only scales down."""
    factor = side / max(image.size)
    if side == GLANCE_SIDE and factor >= 1:
        return image
    width, height = (max(32, round(length * factor)) for length in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _pixels(image: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pixels (height, width, 3) in the order blue, green, red, as OpenCV has them."""
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
