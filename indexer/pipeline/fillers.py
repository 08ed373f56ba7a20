"""Fillers: texts on so many pictures that a device or a program wrote them, not a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from indexer.captions import Caption
from indexer.catalogue.lookup.captions import RepeatedCaption
from indexer.catalogue.values import REPEATED, SETTINGS
from indexer.library.library import Library
from indexer.pipeline.report import IndexReport

LEAST_PICTURES = 50  # with a caption: of fewer, many may well show the same
SHARE = 0.1  # of the pictures with a caption


def choose_fillers(library: Library, fillers: Sequence[str] | None) -> None:
    """Store the texts that are no captions from now on (None: as before)."""
    chosen = library.settings.fillers if fillers is None else tuple(filter(None, fillers))
    if chosen == library.settings.fillers:
        return
    settings = replace(library.settings, fillers=chosen)
    with library.writing() as batch:
        batch.settings.set(SETTINGS, settings.to_json())
        batch.pictures.read_metadata_again()


def without_fillers(captions: Iterable[Caption], fillers: Sequence[str]) -> tuple[Caption, ...]:
    """The captions without these texts, in small letters or capitals."""
    known = {filler.casefold() for filler in fillers}
    return tuple(caption for caption in captions if caption.text.casefold() not in known)


def note_repeated(library: Library, report: IndexReport, *, anew: bool) -> None:
    """Report probable fillers and store them; `anew`: count them again, since captions changed."""
    kept = library.catalogue.setting(REPEATED)
    if anew or kept is None:
        found = json.dumps(library.captions.repeated(LEAST_PICTURES, SHARE))
        if found != kept:
            with library.writing() as batch:
                batch.settings.set(REPEATED, found)
    report.repeated += repeated_captions(library)


def repeated_captions(library: Library) -> list[RepeatedCaption]:
    """The probable fillers that the last run found, the most frequent first."""
    return [
        RepeatedCaption(*each) for each in json.loads(library.catalogue.setting(REPEATED) or "[]")
    ]
