"""The description of a pair of graphs: `model.json` in its folder.

    {"dim": 512, "image_size": 224, "mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28],
     "resize": "shortest", "interpolation": "bicubic", "context_length": 77}

`resize` is one of those of `ImageTransform`, `fill` its grey (0). `mean` and `std` (of values from
0 to 1) are needed if the image graph takes floats; one that takes bytes does this itself. `image`,
`text` and `tokenizer` name the files, if they are not `image.onnx`, `text.onnx` and
`tokenizer.json`. `pad` is the token after a text (0). `any_length`: the text graph needs no padding
at the end. `cleaning`, `words` and `blank` are those of `KeptTokenizer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.encoders.open_clip.tokenizer import CLEANING
from indexer.errors import ModelError
from indexer.pictures.transform import ImageTransform

DESCRIPTION = "model.json"
FILES = ("image", "text", "tokenizer")  # fields that name a file
WEIGHTS = ("{}.data", "{}_data", "{}.weights")  # beside a graph that keeps its weights apart
RESIZING = ("squash", "shortest", "longest")
INTERPOLATION = ("bicubic", "bilinear")
MOST = {"dim": 16_384, "image_size": 2048, "context_length": 4096}
MOST_CHANNEL = 1e6  # a mean or deviation: far more than any model has
DEFAULTS: dict[str, Any] = {
    "mean": None,
    "std": None,
    "resize": "shortest",
    "interpolation": "bicubic",
    "fill": 0,
    "image": "image.onnx",
    "text": "text.onnx",
    "tokenizer": "tokenizer.json",
    "pad": 0,
    "any_length": False,
    "cleaning": "",
    "words": None,
    "blank": None,
}


@dataclass(frozen=True, slots=True)
class Description:
    """A pair of graphs in `folder`, as described by its fields."""

    folder: Path
    fields: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Description:
        """Read the description of a folder.

        Raises `ModelError` that names the file that is missing or the field that is wrong.
        """
        path = folder / DESCRIPTION
        found = cls(folder, DEFAULTS | _stored(path))
        _check_fields(path, found.fields)
        for name in FILES:
            if not found.file(name).is_file():
                raise ModelError(
                    f"{found.file(name)}: no such file; put it there, or name another one in "
                    f"{name!r} of {path}"
                )
        return found

    def file(self, name: str) -> Path:
        """The file that a field names."""
        return self.folder / str(self.fields[name])

    @property
    def files(self) -> list[Path]:
        """All files that the embeddings depend on, the description first."""
        named = [self.file(name) for name in FILES]
        apart = [
            path.with_name(form.format(name))
            for path in named[:2]
            for form in WEIGHTS
            for name in (path.name, path.stem)
        ]
        return [self.folder / DESCRIPTION, *named, *(p for p in apart if p.is_file())]

    @property
    def transform(self) -> ImageTransform:
        """The preparation of pictures, without normalisation."""
        own = self.fields
        return ImageTransform(own["image_size"], own["resize"], own["interpolation"], own["fill"])


def _stored(path: Path) -> dict[str, Any]:
    """The fields in a file. Raises `ModelError`."""
    try:
        stored = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); 'onnx:FOLDER' takes a folder with "
            "image.onnx, text.onnx, tokenizer.json and model.json (docs/install.md)"
        ) from error
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error}); write it again") from error
    if not isinstance(stored, dict):
        raise ModelError(f"{path}: not an object of fields (docs/install.md lists them)")
    return stored


def _check_fields(path: Path, fields: Mapping[str, Any]) -> None:
    """Raise `ModelError` for a field that is missing or wrong."""
    for name, (fits, wanted) in _RULES.items():
        if name not in fields:
            raise ModelError(f"{path}: has no field {name!r}; add it: {wanted}")
        if not fits(fields[name]):
            raise ModelError(f"{path}: {name!r} is {fields[name]!r}; it has to be {wanted}")
    if (fields["mean"] is None) != (fields["std"] is None):
        raise ModelError(f"{path}: has only one of 'mean' and 'std'; add the other")


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _is_channels(value: Any) -> bool:
    return value is None or (
        isinstance(value, list)
        and len(value) == 3
        and all(type(v) in (int, float) and abs(v) <= MOST_CHANNEL for v in value)  # no NaN
    )


def _is_file_name(value: Any) -> bool:
    """Whether this is the name of a file inside the folder."""
    inside = isinstance(value, str) and not Path(value).is_absolute() and "\0" not in value
    return inside and value != "" and ".." not in Path(value).parts


def _one_of(values: tuple[Any, ...]) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in values, f"one of {', '.join(map(str, values))}"


_FILE = (_is_file_name, "the name of a file in this folder")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **{name: (_whole(1, most), f"a number from 1 to {most}") for name, most in MOST.items()},
    "mean": (_is_channels, "three numbers, of red, green and blue"),
    "std": (
        lambda v: _is_channels(v) and (v is None or min(v) > 0),
        "three numbers above 0, of red, green and blue",
    ),
    "resize": _one_of(RESIZING),
    "interpolation": _one_of(INTERPOLATION),
    "fill": (_whole(0, 255), "a number from 0 to 255"),
    **dict.fromkeys(FILES, _FILE),
    "pad": (_whole(0, 2**31 - 1), "the number of a token"),
    "any_length": _one_of((True, False)),
    "cleaning": _one_of(("", *CLEANING)),
    "words": (lambda v: v is None or isinstance(v, str), "a regular expression"),
    "blank": (lambda v: v is None or _whole(0, 2**31 - 1)(v), "the number of a token"),
}
