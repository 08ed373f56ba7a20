"""A calibration: the lines of one encoder and fusion, as a library or a file keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from indexer.confidence.line import Line, Lines
from indexer.embedding import same_space

LONG = 8  # words from which a query is as telling as a caption
BUILT_IN = Path(__file__).parent / "built-in.json"  # made by benchmarks/confidence.py --write


@dataclass(frozen=True, slots=True)
class Calibration:
    """Lines by what a score is made from, for a word that asks and for a whole sentence.

    A kind that could not be fitted has none. `made_with` is the encoder and the fusion that the
    scores are of; `captioned` how many pictures had a caption when it was fitted, and `asked` how
    many captions asked.
    """

    lines: Mapping[str, tuple[Lines, Lines]]
    made_with: str = ""
    captioned: int = 0
    asked: int = 0

    def lines_for(self, kind: str, words: int) -> Lines | None:
        """The lines for a query of so many words: between those of words and of sentences."""
        if kind not in self.lines:
            return None
        word, sentence = self.lines[kind]
        return word.towards(sentence, min(max(words - 1, 0) / (LONG - 1), 1))

    def beside(self, shipped: Calibration) -> Calibration:
        """This calibration, with the shipped lines of the kinds that it has none of."""
        return replace(self, lines={**shipped.lines, **self.lines})

    def to_json(self) -> str:
        """The calibration as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Calibration | None:
        """The calibration that `to_json` wrote; None for what another version may have written."""
        try:
            return cls.of(json.loads(text))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None

    @classmethod
    def of(cls, found: dict[str, Any]) -> Calibration:
        """The calibration of what JSON gives."""
        lines = {
            kind: (_lines(pair[0]), _lines(pair[1]))
            for kind, pair in found["lines"].items()  # word and sentence
        }
        return cls(**{**found, "lines": lines})


def _lines(found: dict[str, Any]) -> Lines:
    return Lines(_line(found["hit"]), _line(found["answer"]))


def _line(found: dict[str, Any]) -> Line:
    return Line(**{**found, "slopes": tuple(found["slopes"])})


@cache
def shipped() -> dict[str, Any]:
    """What is shipped: the `encoder`'s fingerprint, and by fusion what `Calibration.of` reads."""
    found: dict[str, Any] = json.loads(BUILT_IN.read_text(encoding="utf-8"))
    return found


def built_in(fingerprint: str, fusion: str) -> Calibration | None:
    """The shipped calibration for an encoder and a fusion by its name; None where there is none."""
    found = shipped()
    if not same_space(fingerprint, found["encoder"]) or fusion not in found["fusions"]:
        return None
    return Calibration.of(found["fusions"][fusion])
