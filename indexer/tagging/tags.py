"""The tags of a library: its heads, and which tag holds of which picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session

from indexer.catalogue import chunks
from indexer.database import explained
from indexer.errors import InputError, LibraryDamaged, ModelError
from indexer.schema import NEVER, PRESENT, Picture, PictureTag, TagHeadRow, TagRow
from indexer.tagging.head import TagHead, fingerprint, parse_tag_head


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head as the catalogue has it; `tag_ids` by the names of its tags."""

    id: int
    name: str
    fingerprint: str
    tag_ids: dict[str, int]


class Tags:
    """Read access to the tags of one library; by an engine, or within a transaction."""

    def __init__(self, source: Engine | Connection, library: Path) -> None:
        self._source = source
        self._library = library
        self._loaded: dict[str, TagHead] = {}  # by fingerprint

    def heads(self, encoder_id: int) -> list[KnownHead]:
        """The heads that fit an encoder, by name."""
        h, t = TagHeadRow, TagRow
        query = (
            select(h.id, h.name, h.fingerprint, t.name, t.id)
            .join(t, t.head_id == h.id, isouter=True)
            .where(h.encoder_id == encoder_id)
        )
        found: dict[int, KnownHead] = {}
        with self._reading() as session:
            for key, name, mark, tag, tag_id in session.execute(query.order_by(h.name, t.id)):
                head = found.setdefault(key, KnownHead(key, name, mark, {}))
                if tag is not None:
                    head.tag_ids[tag] = tag_id
        return list(found.values())

    def loaded(self, encoder_id: int) -> list[tuple[KnownHead, TagHead]]:
        """The heads that fit an encoder, ready to predict; read once each."""
        heads = self.heads(encoder_id)
        for known in heads:
            if known.fingerprint not in self._loaded:
                self._loaded[known.fingerprint] = self.load(known)
        return [(known, self._loaded[known.fingerprint]) for known in heads]

    def load(self, known: KnownHead) -> TagHead:
        """The head itself. Raises `LibraryDamaged` when it is not what was adopted."""
        query = select(TagHeadRow.content).where(TagHeadRow.id == known.id)
        with self._reading() as session:
            content = session.scalar(query) or b""
        try:
            if fingerprint(content) == known.fingerprint:
                head = parse_tag_head(content, known.name)
                if set(head.facts.tags) == set(known.tag_ids):
                    return head
        except ModelError:
            pass
        raise LibraryDamaged(
            f"{self._library}: the tag head {known.name!r} is damaged; 'picfuse doctor --repair' "
            "takes it out, 'picfuse index --tags FILE' adopts it again"
        )

    def names(self, encoder_id: int) -> list[str]:
        """Every tag that can be asked for, sorted."""
        return sorted({tag for head in self.heads(encoder_id) for tag in head.tag_ids})

    def having(self, encoder_id: int, names: Sequence[str]) -> dict[int, float]:
        """The pictures of which all these tags hold, each with its least probability.

        Where two heads give a tag of one name, the surer one counts. Raises `InputError` for a
        tag that no head gives.
        """
        known = self.names(encoder_id)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(_unknown(unknown[0], known))
        found: dict[int, float] | None = None
        for name in dict.fromkeys(names):
            this = self._having(encoder_id, name)
            if found is not None:
                this = {key: min(p, found[key]) for key, p in this.items() if key in found}
            found = this
        return found or {}

    def _having(self, encoder_id: int, name: str) -> dict[int, float]:
        t, h, p = TagRow, TagHeadRow, PictureTag
        query = (
            select(p.picture_id, func.max(p.probability))
            .join(t, t.id == p.tag_id)
            .join(h, h.id == t.head_id)
            .where(t.name == name, h.encoder_id == encoder_id)
            .group_by(p.picture_id)
        )
        with self._reading() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def of(self, picture_ids: Sequence[int]) -> dict[int, dict[str, float]]:
        """The tags of pictures with their probabilities, surest first."""
        p = PictureTag
        found: dict[int, dict[str, float]] = {}
        with self._reading() as session:
            for part in chunks(picture_ids):
                query = select(p.picture_id, TagRow.name, p.probability).join(TagRow)
                query = query.where(p.picture_id.in_(part))
                order = query.order_by(p.picture_id, p.probability.desc(), TagRow.name)
                for key, name, probability in session.execute(order):
                    found.setdefault(key, {}).setdefault(name, probability)
        return found

    def by_head(self, picture_ids: Sequence[int]) -> dict[tuple[int, int], float]:
        """What is stored of pictures: probability by picture and number of the tag."""
        p = PictureTag
        found: dict[tuple[int, int], float] = {}
        with self._reading() as session:
            for part in chunks(picture_ids):
                query = select(p.picture_id, p.tag_id, p.probability)
                rows = session.execute(query.where(p.picture_id.in_(part)))
                found |= {(row[0], row[1]): row[2] for row in rows}
        return found

    def counts(self, encoder_id: int) -> dict[str, dict[str, int]]:
        """How many present pictures have each tag, by head and tag; most frequent first."""
        p = PictureTag
        query = select(p.tag_id, func.count()).join(Picture, Picture.id == p.picture_id)
        query = query.where(Picture.state == PRESENT).group_by(p.tag_id)
        with self._reading() as session:
            counted = {row[0]: row[1] for row in session.execute(query)}
        found = {}
        for head in self.heads(encoder_id):
            numbers = {tag: counted.get(key, 0) for tag, key in head.tag_ids.items()}
            found[head.name] = dict(sorted(numbers.items(), key=lambda item: (-item[1], item[0])))
        return found

    def taggable(self) -> list[int]:
        """Ids of all pictures that were read, the missing ones too: they may return."""
        query = select(Picture.id).where(
            Picture.reason.is_(None), Picture.content_hash.is_not(None)
        )
        with self._reading() as session:
            return list(session.scalars(query.order_by(Picture.id)))

    def settled(self) -> list[int]:
        """Ids of the present pictures that do not wait for the next run of indexing."""
        query = select(Picture.id).where(Picture.state == PRESENT, Picture.mtime_ns != NEVER)
        with self._reading() as session:
            return list(session.scalars(query.order_by(Picture.id)))

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with explained(self._library), Session(self._source) as session:
            yield session


def _unknown(name: str, known: Sequence[str]) -> str:
    if not known:
        return (
            f"no tag {name!r}: this library has no tags; 'picfuse train tags' makes a tag head, "
            "'picfuse index --tags FILE' adopts it"
        )
    return f"no tag {name!r}; there are {', '.join(known)}"
