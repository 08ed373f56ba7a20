"""A reader of text: a glance at a small copy, then all of the places that show some."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.errors import PictureError
from indexer.metadata.texts import tidied
from indexer.recognition.models import model_files
from indexer.recognition.regions import regions_of

Pixels: TypeAlias = NDArray[np.uint8]

GLANCE_SIDE = 480  # pixels of the longer side at which is decided whether there is any text
READ_SIDE = 1600  # the longest side at which text is read
LEAST_SIDE = 640  # smaller pictures are enlarged to this: detection misses the smallest letters
GLANCE_SCORE = 0.4  # of a place in the small copy that may be text
MANY_PLACES = 6  # more are a page, with smaller letters than the small copy shows
BOX_SCORE = 0.5  # of a place that is text
LINE_SCORE = 0.8  # the mean probability of the letters of a line that counts
SIGN_SCORE = 0.97  # the same of a line of one letter or digit
_LONG = 3  # times as long as wide: read in pieces, since it would be scaled down too far
_MOST_PIECES = 30  # of a picture; those of a mere line are longer
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
        boxes = self._places(image) if glance else None
        if boxes is not None and not len(boxes):
            return []
        pixels = _pixels(_scaled(image, min(READ_SIDE, max(LEAST_SIDE, *image.size))))
        if boxes is None or len(boxes) > MANY_PLACES:
            lines = self._every_line(pixels)
        else:
            lines = self._lines_around(pixels, boxes)
        return [line.text for line in lines if line.counts]

    def _places(self, image: Image.Image) -> NDArray[np.floating]:
        """The places in a small copy that may be text, as shares of width and height (n, 4, 2)."""
        small = _pixels(_scaled(image, min(GLANCE_SIDE, max(image.size))))
        found = self._engine(
            small, use_det=True, use_cls=False, use_rec=False, box_thresh=GLANCE_SCORE
        )
        boxes = np.array(found.boxes if len(found) else [], np.float64).reshape(-1, 4, 2)
        shares: NDArray[np.floating] = boxes / np.array(small.shape[1::-1])
        return shares

    def _lines_around(self, pixels: Pixels, boxes: NDArray[np.floating]) -> list[_Line]:
        """The lines in the regions of some places, which are shares of width and height."""
        height, width = pixels.shape[:2]
        lines: list[_Line] = []
        for left, top, right, bottom in regions_of(boxes * [width, height], width, height):
            lines += self._every_line(np.ascontiguousarray(pixels[top:bottom, left:right]))
        return lines

    def _every_line(self, pixels: Pixels) -> list[_Line]:
        """All lines, from the top."""
        found = self._engine(pixels, use_det=True, use_cls=True, use_rec=True, box_thresh=BOX_SCORE)
        texts = zip(found.txts or (), found.scores or (), strict=True)
        return [_Line(tidied(text), score) for text, score in texts]


class _Line(NamedTuple):
    """A line, and the mean probability of its letters."""

    text: str
    score: float

    @property
    def counts(self) -> bool:
        """Whether it is surely read and has letters or digits."""
        signs = sum(map(str.isalnum, self.text))
        return signs > 0 and self.score >= (SIGN_SCORE if signs == 1 else LINE_SCORE)


def _pieces(image: Image.Image) -> Iterator[Image.Image]:
    """The picture, or overlapping pieces of one that is very long."""
    short, long = sorted(image.size)
    if long <= _LONG * short:
        yield image
        return
    overlap, step = round(short * _OVERLAP), max(2 * short, long // _MOST_PIECES)
    for start in range(0, max(1, long - overlap), step):
        end = min(long, start + step + overlap)
        tall = image.height > image.width
        yield image.crop((0, start, short, end) if tall else (start, 0, end, short))


def _scaled(image: Image.Image, side: int) -> Image.Image:
    """The picture with a longer side of `side` pixels."""
    width, height = (max(32, round(length * side / max(image.size))) for length in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _pixels(image: Image.Image) -> Pixels:
    """Pixels (height, width, 3) in the order blue, green, red, as OpenCV has them."""
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
