"""Hits: the pictures of an answer, with what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.catalogue.lookup.words import WordLookup
from indexer.embedding import IMAGE, TEXT
from indexer.library.library import Library
from indexer.pictures.thumbnails import thumbnail_path
from search.query.terms import Query, Term
from search.words.unknown import Unknown


@dataclass(frozen=True, slots=True)
class TermShare:
    """A term of a query and what it adds to a score; what takes away adds less than nothing."""

    term: Term
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What picture and caption, and what the terms of the query, add to a score.

    Terms and marks sum up to the score. So do picture, caption and what is `taken_away`, where
    `exact` (`concat` and `mean`); a learned fusion mixes them, and theirs is what the score
    would lose without the one or the other. `caption` is None where the picture has none. `marks`
    is what pictures marked as right and wrong add beside the terms; None without any.
    """

    picture: float
    caption: float | None
    terms: tuple[TermShare, ...]
    exact: bool
    marks: float | None = None

    @property
    def taken_away(self) -> float | None:
        """What the terms that are taken away add, less than nothing; None without any."""
        shares = [part.share for part in self.terms if part.term.weight < 0]
        return sum(shares) if shares else None


Means = Mapping[str, NDArray[np.float32]]
Behind = tuple[float | None, float | None, float | None]  # by picture, by caption; agreement


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `score` is the fused cosine; the scores of picture and caption stand behind it.

    `caption_score` is None where the picture has no caption; `agreement` is the cosine of the two
    embeddings. `confidence` is the probability that this is what was asked for, None where nothing
    is known of it; a `doubtful` hit is one for which there is hardly any evidence. `tags` are
    those that hold of it with their probabilities, surest first;
    None where the library has no tag head. Pictures that were only asked for by tags have the
    least of the tags' probabilities as their score, and no `image_score`; those that were only
    asked for by `where`, or by words alone, have no score either. `words` are those of the query's
    words that were looked for and found; None where none were looked for. `explanation` is None
    unless it was asked for.
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
    agreement: float | None = None
    doubtful: bool = False
    like: tuple[PictureInfo, ...] = ()
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a query, best first, and how long they took.

    `next_offset`: where the next page begins; None where this one is the last. `unknown` are words
    that no caption, name, tag or list of words has: where nothing else is asked for, all hits are
    doubtful. `present` is the probability that what is asked for is in the library at all, among
    the hits or not; None where nothing is known of it.
    """

    query: Query
    hits: tuple[Hit, ...]
    elapsed_ms: float
    next_offset: int | None = None
    unknown: tuple[Unknown, ...] = ()
    present: float | None = None

    @property
    def likely(self) -> Answer:
        """The same answer without its doubtful hits; where no other is left, none follows either.

        What follows is less likely still: who goes on while there is a next page comes to an end.
        """
        hits = tuple(hit for hit in self.hits if not hit.doubtful)
        return replace(self, hits=hits, next_offset=self.next_offset if hits else None)


@dataclass(frozen=True, slots=True)
class Parts:
    """The query (dim,) whose products with picture and caption stand behind a score, and the means
    of both by modality.
    """

    q: NDArray[np.float32]
    means: Means

    def of(self, library: Library, ids: list[int]) -> dict[int, Behind]:
        """What stands behind the scores of pictures, from their stored embeddings, by id."""
        zero = np.zeros_like(self.q)
        found = library.embedded(ids)
        images = (found.v_i - self.means.get(IMAGE, zero)) @ self.q
        texts = (found.v_t - self.means.get(TEXT, zero)) @ self.q
        agreement = np.einsum("nd,nd->n", found.v_i, found.v_t)
        return {
            int(key): (float(i), float(t) if has else None, float(agreed) if has else None)
            for key, i, t, agreed, has in zip(
                found.ids, images, texts, agreement, found.has_caption, strict=True
            )
        }


def read_hits(
    library: Library,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    parts: Parts | None = None,
) -> tuple[Hit, ...]:
    """The hits of pictures (n,) with their scores (n,), in their order.

    A picture that went meanwhile is left out. `parts` is None where no embedding was asked for.
    """
    keys: list[int] = ids.tolist()
    pictures = library.catalogue.pictures(keys)
    behind = {} if parts is None else parts.of(library, keys)
    tags = _tags(library, keys)
    shown = [(key, s) for key, s in zip(keys, scores.tolist(), strict=True) if key in pictures]
    return tuple(
        _hit(
            rank,
            score,
            pictures[key],
            behind.get(key, (None if parts is None else 0.0, None, None)),
            library.thumbnails,
            None if tags is None else tags.get(key, {}),
        )
        for rank, (key, score) in enumerate(shown, start=1)
    )


def _tags(library: Library, ids: list[int]) -> dict[int, dict[str, float]] | None:
    """The tags of pictures; None where the library has no tag head."""
    tags = library.tags
    return tags.of(ids) if tags.heads(library.encoder_id) else None


def _hit(
    rank: int,
    score: float,
    picture: PictureInfo,
    parts: Behind,
    folder: Path,
    tags: Mapping[str, float] | None,
) -> Hit:
    return Hit(
        rank=rank,
        picture_id=picture.id,
        path=picture.path,
        score=None if np.isnan(score) else score,
        confidence=None,
        caption=picture.captions[0] if picture.captions else None,
        captions=picture.captions,
        image_score=parts[0],
        caption_score=parts[1],
        thumbnail=thumbnail_path(folder, picture.content_hash),
        tags=tags,
        agreement=parts[2],
    )


def with_words(lookup: WordLookup, hits: Sequence[Hit], words: Sequence[str]) -> tuple[Hit, ...]:
    """The hits, each with those of the words that its picture has."""
    found: Mapping[int, tuple[str, ...]] = lookup.found(words, [hit.picture_id for hit in hits])
    return tuple(replace(hit, words=found.get(hit.picture_id, ())) for hit in hits)
