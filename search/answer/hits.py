"""Hits: the pictures of an answer, with what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.catalogue.lookup.words import WordLookup, any_of
from indexer.embedding import IMAGE, TEXT
from indexer.library.searchable import Searchable
from indexer.pictures.thumbnails import thumbnail_path
from search.query.terms import Query, Term
from search.words.unknown import Unknown

FoundBy = Literal["meaning", "words", "name", "filter"]
Means = Mapping[str, NDArray[np.float32]]
Scores = tuple[float | None, float | None]  # by picture, by caption


@dataclass(frozen=True, slots=True)
class TermShare:
    """A term of a query and what it adds to a score; a negative term adds less than nothing."""

    term: Term
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The amounts that picture and caption, and the terms of the query, add to a score.

    Terms and marks sum up to the score. If `exact` (`concat` and `mean`), so do picture, caption
    and `taken_away`; a learned fusion mixes picture and caption, and their numbers are what the
    score would lose without the one or the other. `caption` is None for a picture without a
    caption. `marks` is the amount that pictures marked as right and wrong add beside the terms,
    None without marks. `text` is the amount by which the text in the picture raises it among the
    hits, beside its score; None if it does not.
    """

    picture: float
    caption: float | None
    terms: tuple[TermShare, ...]
    exact: bool
    marks: float | None = None
    text: float | None = None

    @property
    def taken_away(self) -> float | None:
        """Sum of what negative terms add, less than nothing; None without any."""
        shares = [part.share for part in self.terms if part.term.weight < 0]
        return sum(shares) if shares else None


@dataclass(frozen=True, slots=True)
class Hit:
    """One picture of an answer.

    `found_by` says what `score` is: found by "meaning", the fused cosine; by "filter", the lowest
    probability of the named tags, None without tags; by "words", or the "name" of its file, None.
    Of a hit by meaning, `image_score` and `caption_score` are the cosines of picture and caption
    with the query, the latter None for a picture that has none. `confidence` is the probability
    that this is what was searched for, None if it is not known; a `doubtful` hit is one with hardly
    any evidence. `tags` are those that the picture has with their probabilities, surest first; None
    if the library has no tag head. `metadata` is what the picture says of itself, by the names in
    docs/metadata.md; unknown fields are left out. `words` are the words of the query that were
    looked up and found; None if none were looked up. `folded` are the pictures that are nearly the
    same as this one. `explanation` is None unless it was asked for. `excerpt` is the part of the
    text in the picture that has words of the query; None if it has none.
    """

    rank: int
    picture_id: int
    path: Path
    score: float | None
    confidence: float | None
    caption: str | None
    captions: tuple[str, ...]
    image_score: float | None
    caption_score: float | None
    thumbnail: Path
    tags: Mapping[str, float] | None = None
    words: tuple[str, ...] | None = None
    doubtful: bool = False
    folded: tuple[PictureInfo, ...] = ()
    explanation: Explanation | None = None
    found_by: FoundBy = "meaning"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    excerpt: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a query, best first, and how long they took.

    `next_offset`: where the next page begins; None on the last page. `unknown` are the words of
    the query that no caption, name, tag or list of words has; if a query has no other words, all
    hits are doubtful. `probability_present` is the probability that the library has what was
    searched for, among these hits or not; None if it is not known. `suggestion` is the query with
    the words that were probably meant by unknown ones, in the grammar of `Query.parse`; None if
    there are none. `left_out` are ends of texts that are too long for the encoder. `unread_by` is
    the encoder that cannot read the script of the query, so that its words alone were searched.
    """

    query: Query
    hits: tuple[Hit, ...]
    elapsed_ms: float
    next_offset: int | None = None
    unknown: tuple[Unknown, ...] = ()
    probability_present: float | None = None
    suggestion: str | None = None
    left_out: tuple[str, ...] = ()
    unread_by: str | None = None

    def without_doubtful(self) -> Answer:
        """The same answer without its doubtful hits.

        If no hit is left, no page follows either: its hits would be less likely still. A loop over
        pages therefore ends.
        """
        hits = tuple(hit for hit in self.hits if not hit.doubtful)
        return replace(self, hits=hits, next_offset=self.next_offset if hits else None)

    def confident(self, least: float) -> Answer:
        """The same answer with the hits that have at least this confidence, none of them doubtful.

        A hit without a confidence stays unless it is doubtful: it was found by its name. Pages end
        as in `without_doubtful`.
        """
        hits = tuple(
            replace(hit, doubtful=False)
            for hit in self.hits
            if (not hit.doubtful if hit.confidence is None else hit.confidence >= least)
        )
        return replace(self, hits=hits, next_offset=self.next_offset if hits else None)


@dataclass(frozen=True, slots=True)
class QueryRow:
    """The centred row `q` (dim,) of a query, and the means of pictures and captions by modality."""

    q: NDArray[np.float32]
    means: Means

    def scores_of(self, library: Searchable, ids: list[int]) -> dict[int, Scores]:
        """The scores of picture and caption, by id."""
        zero = np.zeros_like(self.q)
        rows = library.embedded(ids)
        images = (rows.v_i - self.means.get(IMAGE, zero)) @ self.q
        texts = (rows.v_t - self.means.get(TEXT, zero)) @ self.q
        return {
            int(key): (float(i), float(t) if has else None)
            for key, i, t, has in zip(rows.ids, images, texts, rows.has_caption, strict=True)
        }


def read_hits(
    library: Searchable,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    query: QueryRow | None = None,
    *,
    found_by: FoundBy = "meaning",
) -> tuple[Hit, ...]:
    """The hits of pictures (n,) with their scores (n,; NaN for none), in their order.

    Pictures that have gone meanwhile are left out. `query` is None unless hits are found by
    meaning.
    """
    keys: list[int] = ids.tolist()
    pictures = library.catalogue.pictures(keys)
    by_id = {} if query is None else query.scores_of(library, keys)
    missing: Scores = (None if query is None else 0.0, None)
    tags = _tags(library, keys)
    metadata = library.facts.of(keys)
    present = [(key, s) for key, s in zip(keys, scores.tolist(), strict=True) if key in pictures]
    return tuple(
        _hit(
            rank,
            score,
            pictures[key],
            by_id.get(key, missing),
            library.thumbnails,
            None if tags is None else tags.get(key, {}),
            found_by,
            metadata.get(key, {}),
        )
        for rank, (key, score) in enumerate(present, start=1)
    )


def _tags(library: Searchable, ids: list[int]) -> dict[int, dict[str, float]] | None:
    """The tags of pictures by id; None if the library has no tag head."""
    tags = library.tags
    return tags.of(ids) if tags.heads(library.encoder_id) else None


def _hit(
    rank: int,
    score: float,
    picture: PictureInfo,
    scores: Scores,
    thumbnails: Path,
    tags: Mapping[str, float] | None,
    found_by: FoundBy,
    metadata: Mapping[str, Any],
) -> Hit:
    image_score, caption_score = scores
    return Hit(
        rank=rank,
        picture_id=picture.id,
        path=picture.path,
        score=None if np.isnan(score) else score,
        confidence=None,
        caption=picture.captions[0] if picture.captions else None,
        captions=picture.captions,
        image_score=image_score,
        caption_score=caption_score,
        thumbnail=thumbnail_path(thumbnails, picture.content_hash),
        tags=tags,
        found_by=found_by,
        metadata=metadata,
    )


def with_words(lookup: WordLookup, hits: Sequence[Hit], words: Sequence[str]) -> tuple[Hit, ...]:
    """The hits, each with those of the words that its picture has."""
    return with_names(lookup, hits, {word: any_of([word]) for word in words})


def with_names(
    lookup: WordLookup, hits: Sequence[Hit], names: Mapping[str, str]
) -> tuple[Hit, ...]:
    """The hits, each with those of the names that its picture has, by their full-text queries."""
    by_id = lookup.found_by(names, [hit.picture_id for hit in hits])
    return tuple(replace(hit, words=by_id.get(hit.picture_id, ())) for hit in hits)


def all_doubtful(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits of a query that asks for nothing: doubtful, without a confidence."""
    return tuple(replace(hit, confidence=None, doubtful=True) for hit in hits)
