"""Tokenizers of open_clip that run without open_clip, stored beside the exported towers."""

from __future__ import annotations

import html
import json
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _brief(model: str) -> str:
    """Write the merges of a model as strings, which are read in four fifths of the time."""
    content = json.loads(model)
    merges = content["model"].get("merges", [])
    if not any(" " in piece for merge in merges for piece in merge):
        merges[:] = map(" ".join, merges)
    return json.dumps(content)


def _spaced(text: str) -> str:
    """Repair broken encodings and entities, and collapse white space.

    Printable ASCII without entities is never broken, so most queries do not need ftfy, which takes
    a tenth of a second to import.
    """
    if not (text.isascii() and text.isprintable() and "&" not in text):
        text = html.unescape(html.unescape(import_module("ftfy").fix_text(text)))
    return " ".join(text.split())


def _plain(text: str) -> str:
    """Reduce a text to lower-case words without punctuation."""
    return " ".join(_spaced(text).replace("_", " ").translate(_NO_PUNCTUATION).lower().split())


CLEANING: dict[str, Callable[[str], str]] = {  # by their names in open_clip
    "lower": lambda text: _spaced(text).lower(),
    "whitespace": _spaced,
    "canonicalize": _plain,
}


@dataclass(frozen=True)
class KeptTokenizer:
    """Turns texts into int64 tokens (n, length).

    `cleaning` names the function that cleans a text first; empty for none. `words` is a pattern
    that splits it, None if the tokenizer splits it itself. `model` is the tokenizer as JSON of
    `tokenizers`, with its truncation and padding. The token `blank` becomes 0.
    """

    cleaning: str
    words: str | None
    model: str
    blank: int | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of `write`. Raises `OSError`, `ValueError` or `TypeError` if damaged."""
        facts, _, model = path.read_text("utf-8").partition("\n")
        tokenizer = cls(model=model, **json.loads(facts))
        tokenizer._tokenizer  # noqa: B018 - opens the model, to find damage now
        return tokenizer

    def write(self, path: Path) -> None:
        """Write two lines of JSON: the facts and the model."""
        facts = asdict(self)
        model = _brief(facts.pop("model"))
        path.write_text(f"{json.dumps(facts)}\n{model}", "utf-8")

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokenise one or more texts."""
        encoded = self._tokenizer.encode_batch_fast(
            [self._prepared(text) for text in texts], is_pretokenized=self.words is not None
        )
        tokens = np.array([one.ids for one in encoded], np.int64)
        return tokens if self.blank is None else np.where(tokens == self.blank, 0, tokens)

    def unread(self, text: str) -> str:
        """The end of a text, cleaned, that is cut off; empty if nothing is."""
        prepared = self._prepared(text)
        (encoded,) = self._tokenizer.encode_batch(
            [prepared], is_pretokenized=self.words is not None
        )
        if not encoded.overflowing:
            return ""
        if isinstance(prepared, str):
            return prepared[max((end for _, end in encoded.offsets), default=0) :].strip()
        read = max((word for word in encoded.word_ids if word is not None), default=-1)
        return " ".join(prepared[read + 1 :])

    def _prepared(self, text: str) -> str | list[str]:
        # Texts of the command line may hold surrogates.
        valid = text.encode("utf-8", "replace").decode()
        cleaned = CLEANING[self.cleaning](valid) if self.cleaning else valid
        if self.words is None:
            return cleaned
        pattern = self._ascii_pattern if cleaned.isascii() else self._pattern
        words: list[str] = pattern.findall(cleaned)
        return words

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        try:
            return Tokenizer.from_str(self.model)
        except Exception as error:  # `tokenizers` raises nothing more precise
            raise ValueError(f"no tokenizer ({error})") from error

    @cached_property
    def _pattern(self) -> Any:
        """The pattern in `regex`, which supports its character classes; `re` does not."""
        regex = import_module("regex")
        return regex.compile(self.words, regex.IGNORECASE)

    @cached_property
    def _ascii_pattern(self) -> Any:
        """The pattern for ASCII texts, which avoids importing `regex`."""
        plain = (self.words or "").replace(r"\p{L}", "A-Za-z").replace(r"\p{N}", "0-9")
        return self._pattern if "\\p" in plain else re.compile(plain, re.IGNORECASE | re.ASCII)
