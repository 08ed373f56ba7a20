"""A reader of text: a glance at a small copy, and a thorough look only if that shows some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.errors import PictureError
from indexer.metadata.texts import tidied
from indexer.recognition.models import model_files

Pixels: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = NDArray[np.floating]

GLANCE_SIDE = 480  # pixels of the longer side at which is decided whether there is any text
READ_SIDE = 1600  # the longest side at which text is read
LEAST_SIDE = 640  # smaller pictures are enlarged to this: detection misses the smallest letters
GLANCE_SCORE = 0.4  # of a place in the small copy that may be text
MANY_PLACES = 6  # are text; fewer are read first, since leaves and windows may look like it
LEGIBLE = 0.5  # the mean probability of the letters of a line that may be one
BOX_SCORE = 0.5  # of a place that is text
LINE_SCORE = 0.8  # the mean probability of the letters of a line that counts
SIGN_SCORE = 0.97  # the same of a line of one letter or digit
_LONG = 3  # times as long as wide: read in pieces, since it would be scaled down too far
_OVERLAP = 0.2  # of the width: no line is cut in both of two pieces


class TextReader:
    """The opened models; reads one picture at a time, on one core."""

    def __init__(self) -> None:
        import_module("cv2").setNumThreads(1)
        self._crop = import_module("rapidocr.utils.process_img").get_rotate_crop_image
        engine = "EngineConfig.onnxruntime"
        self._engine: Any = import_module("rapidocr").RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_preprocess_img": False,  # which would scale once more
                "Global.text_score": LEGIBLE,
                "Det.limit_side_len": 32,
                f"{engine}.intra_op_num_threads": 1,
                f"{engine}.inter_op_num_threads": 1,
                **{f"{part}.model_path": str(file) for part, file in model_files().items()},
            }
        )

    def read(self, image: Image.Image, *, glance: bool = True) -> str:
        """The text in an upright RGB picture, line by line; empty if there is none.

        Without a `glance`, a picture is read whether a small copy of it shows text or not. Raises
        `PictureError` where the models fail.
        """
        pieces = list(_pieces(image))
        try:
            lines = [line for piece in pieces for line in self._lines(piece, glance=glance)]
        except MemoryError:
            raise
        except Exception as error:  # RapidOCR puts the runtime's whole trace into the message
            raise PictureError(f"its text cannot be read ({type(error).__name__})") from error
        return "\n".join(dict.fromkeys(lines)) if len(pieces) > 1 else "\n".join(lines)

    def _lines(self, image: Image.Image, *, glance: bool) -> list[str]:
        side = min(READ_SIDE, max(LEAST_SIDE, *image.size))
        pixels = _pixels(_scaled(image, side))
        glanced = self._glanced(image, pixels) if glance else []
        if glanced is None:
            return []
        found = self._engine(pixels, use_det=True, use_cls=True, use_rec=True, box_thresh=BOX_SCORE)
        every = zip(found.txts or (), found.scores or (), _boxes(found), strict=True)
        lines = [_Line(tidied(text), score, box) for text, score, box in every]
        # A single word in a large picture is found in the small copy only.
        lines += [one for one in glanced if not any(one.overlaps(line) for line in lines)]
        return [line.text for line in lines if line.counts]

    def _glanced(self, image: Image.Image, pixels: Pixels) -> list[_Line] | None:
        """The lines at the places of text in a small copy, unread if they are many.

        None if there is no such place, or none of a few can be read.
        """
        small = _pixels(_scaled(image, min(GLANCE_SIDE, max(image.size))))
        found = self._engine(
            small, use_det=True, use_cls=False, use_rec=False, box_thresh=GLANCE_SCORE
        )
        if len(found) > MANY_PLACES:
            return []
        scale = np.array(pixels.shape[1::-1]) / np.array(small.shape[1::-1])
        lines = [self._line_at(pixels, (box * scale).astype(np.float32)) for box in _boxes(found)]
        return [line for line in lines if line.score >= LEGIBLE] or None

    def _line_at(self, pixels: Pixels, box: Box) -> _Line:
        """The line at a place."""
        crop = self._crop(pixels, box.copy())
        found = self._engine(crop, use_det=False, use_cls=True, use_rec=True)
        return _Line(tidied(found.txts[0]), found.scores[0], box)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, the mean probability of its letters, and the corners (4, 2) of its place."""

    text: str
    score: float
    box: Box

    @property
    def counts(self) -> bool:
        """Whether it is surely read and has letters or digits."""
        signs = sum(map(str.isalnum, self.text))
        return signs > 0 and self.score >= (SIGN_SCORE if signs == 1 else LINE_SCORE)

    def overlaps(self, other: _Line) -> bool:
        """Whether the rectangles around both have points in common."""
        low = np.maximum(self.box.min(axis=0), other.box.min(axis=0))
        high = np.minimum(self.box.max(axis=0), other.box.max(axis=0))
        return bool((low < high).all())


def _boxes(found: Any) -> Sequence[Box]:
    """The corners (n, 4, 2) of what was found."""
    boxes = getattr(found, "boxes", None)
    return () if boxes is None else boxes


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
    """The picture with a longer side of `side` pixels."""
    width, height = (max(32, round(length * side / max(image.size))) for length in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _pixels(image: Image.Image) -> Pixels:
    """Pixels (height, width, 3) in the order blue, green, red, as OpenCV has them."""
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
