"""Captions among the facts that a picture carries, or that a sidecar says."""

from collections.abc import Iterable

from PIL import Image

from indexer.captions.caption import Caption, captions_of, united
from indexer.metadata.carried import carried_facts
from indexer.metadata.fact import Fact
from indexer.metadata.order import SIDECAR

_OWN_SOURCES = {"comment": "comment", "prompt": "prompt"}  # fields that are sources of their own
_FIELDS = ("description", "title", "headline", "alternative", "keywords", *_OWN_SOURCES)
_FORMATS = {SIDECAR: "xmp"}


def embedded_captions(image: Image.Image) -> tuple[Caption, ...]:
    """Return the captions in an opened picture's metadata; damaged metadata gives none."""
    return captions_among(carried_facts(image))


def captions_among(facts: Iterable[Fact]) -> tuple[Caption, ...]:
    """Return the captions among facts, in their order."""
    said = [fact for fact in facts if fact.field in _FIELDS]
    return united(*(captions_of([f.value], _source(f)) for f in said))


def _source(fact: Fact) -> str:
    return _OWN_SOURCES.get(fact.field) or _FORMATS.get(fact.source, fact.source)
