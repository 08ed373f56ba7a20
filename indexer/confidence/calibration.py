"""Calibrations: the lines of one encoder and fusion, as stored in a library or a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from indexer.confidence.line import Line, Lines
from indexer.embedding import same_space

FEW_WORDS, LONG = 3, 8  # most words of a short query, and least of one like a whole caption
LinesByLength: TypeAlias = tuple[Lines, Lines, Lines]  # of a word, of a few, of a sentence
BUILT_IN = Path(__file__).parent / "built-in.json"  # made by benchmarks/confidence.py --write


@dataclass(frozen=True, slots=True)
class Calibration:
    """Lines by kind of score, for a query of one word, of two or three, and for a sentence.

    A kind that could not be fitted has none. `made_with` names the encoder and the fusion of the
    scores; `captioned` counts the pictures with a caption at the time of fitting, and `asked` the
    captions that served as queries. `estimated_from` counts the pictures of lines that were
    estimated without captions; 0 for others.
    """

    lines: Mapping[str, LinesByLength]
    made_with: str = ""
    captioned: int = 0
    asked: int = 0
    estimated_from: int = 0

    def lines_for(self, kind: str, words: int) -> Lines | None:
        """Lines for a query of this many words; from four on, between those of few and sentences.

        None if this kind could not be fitted.
        """
        if kind not in self.lines:
            return None
        word, few, sentence = self.lines[kind]
        if words <= 1:
            return word
        return few.towards(sentence, min(max(words - FEW_WORDS, 0) / (LONG - FEW_WORDS), 1))

    def beside(self, shipped: Calibration) -> Calibration:
        """Return this calibration with the shipped lines for kinds that it lacks."""
        return replace(self, lines={**shipped.lines, **self.lines})

    def to_json(self) -> str:
        """Serialise the calibration as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Calibration | None:
        """Parse a calibration that `to_json` wrote; None if another version wrote it."""
        try:
            return cls.of(json.loads(text))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Calibration:
        """Make a calibration from parsed JSON."""
        lines = {
            kind: (_lines(word), _lines(few), _lines(sentence))
            for kind, (word, few, sentence) in facts["lines"].items()
        }
        return cls(**{**facts, "lines": lines})


def _lines(facts: dict[str, Any]) -> Lines:
    return Lines(_line(facts["hit"]), _line(facts["answer"]))


def _line(facts: dict[str, Any]) -> Line:
    return Line(**{**facts, "slopes": tuple(facts["slopes"])})


@cache
def shipped() -> dict[str, Any]:
    """The shipped calibrations: the `encoder`'s fingerprint and, by fusion, `Calibration.of`."""
    facts: dict[str, Any] = json.loads(BUILT_IN.read_text(encoding="utf-8"))
    return facts


def built_in(fingerprint: str, fusion: str) -> Calibration | None:
    """The shipped calibration for an encoder's fingerprint and a fusion's name; None if none is."""
    facts = shipped()
    if not same_space(fingerprint, facts["encoder"]) or fusion not in facts["fusions"]:
        return None
    return Calibration.of(facts["fusions"][fusion])
