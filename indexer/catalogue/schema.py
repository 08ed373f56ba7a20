"""The tables of a library: folders, pictures, captions, embeddings, tags, albums, settings.

Those of contents are in `indexer/catalogue/content_tables.py`.

SQLite is the truth; the vector index is a cache of it. Paths are bytes, relative to their
folder. Embeddings are float16 and keyed by content (hash of the picture's bytes or of the
caption's text) and encoder, so that a moved or copied picture keeps its own.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from indexer.catalogue.content_tables import Base, ComparisonRow, ReadingRow

__all__ = [
    "AlbumMember", "AlbumPicture", "AlbumRow", "Base", "CaptionRow", "ComparisonRow",
    "EmbeddingRow", "EncoderRow", "FactRow", "FolderRow", "PassedOverRow", "PictureRow",
    "PictureTag", "ReadingRow", "SegmentRow", "SettingRow", "StaleWords", "TagHeadRow", "TagRow",
]  # fmt: skip


class FolderRow(Base):
    """A folder that the user named; its pictures are found below it.

    `exclude` and `include` (patterns) and `caption_files` (paths) are JSON lists, with `columns`
    the options that the user gave for later runs too. `captions_digest` covers all that its
    captions depend on, once these are stored; `captions_told` (JSON) is the report on their files.
    """

    __tablename__ = "folders"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    exclude: Mapped[str] = mapped_column(default="[]")
    caption_files: Mapped[str] = mapped_column(default="[]")
    include: Mapped[str] = mapped_column(default="[]", server_default="[]")
    columns: Mapped[str | None]
    captions_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    captions_told: Mapped[str | None]


class PassedOverRow(Base):
    """A file or folder that is not indexed: its kind, and why if that needs words.

    `size` and `mtime_ns` are those of a file whose first bytes were read to learn its kind; 0 for
    others.
    """

    __tablename__ = "passed_over"
    __table_args__ = (UniqueConstraint("folder_id", "relative"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folders.id", ondelete="CASCADE"))
    relative: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str]
    reason: Mapped[str]
    size: Mapped[int]
    mtime_ns: Mapped[int]


class PictureRow(Base):
    """A picture file. `revision` is the generation of the library that last touched its row.

    `state`: present (searched), missing (not found by the last run; kept, since an unplugged disk
    is not a deletion), failed (`reason` says why; tried again when it changes) or undecoded
    (`reason` names the decoder that is not installed; tried again once it is). One that is present
    without a `format` has to be decoded again for its metadata. From `taken` to `rating`, the
    columns hold the values that won (`indexer/metadata/order.py`). `metadata_version` is that of
    the readers of metadata that read the picture: another one reads it again. `pixels_hash` is that
    of the pixels given to an encoder: it stays the same when only metadata change.
    """

    __tablename__ = "pictures"
    __table_args__ = (
        UniqueConstraint("folder_id", "relative"),
        Index("pictures_by_content", "content_hash"),
        Index("pictures_by_revision", "revision"),
        Index("pictures_by_size", "size"),  # bytes that are known already have a known size
        Index("pictures_by_pixels", "pixels_hash"),
        {"sqlite_autoincrement": True},  # an id is never used twice: the vector index knows it
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folders.id", ondelete="CASCADE"))
    relative: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    pixels_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    width: Mapped[int | None]
    height: Mapped[int | None]
    format: Mapped[str | None]
    taken: Mapped[str | None]
    taken_last: Mapped[str | None]
    taken_source: Mapped[str | None]
    camera: Mapped[str | None]
    lens: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    place_source: Mapped[str | None]
    rating: Mapped[int | None]
    metadata_version: Mapped[int | None]
    perceptual_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str]
    reason: Mapped[str | None]
    revision: Mapped[int]


class CaptionRow(Base):
    """A caption of a picture, in the order of its sources."""

    __tablename__ = "captions"
    __table_args__ = (Index("captions_by_picture", "picture_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    picture_id: Mapped[int] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"))
    position: Mapped[int]
    text: Mapped[str]
    text_hash: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[str]
    embedded: Mapped[bool]  # carried by the picture itself: read again only with the picture


class FactRow(Base):
    """A fact that a source says of a picture, in the order of its sources.

    `origin`: carried by the picture itself; beside it, in a sidecar; or derived from its place.
    """

    __tablename__ = "facts"
    __table_args__ = (
        Index("facts_by_picture", "picture_id"),
        Index("facts_by_origin", "origin", "field"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    picture_id: Mapped[int] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"))
    position: Mapped[int]
    field: Mapped[str]
    value: Mapped[str]
    source: Mapped[str]
    origin: Mapped[str]


class EncoderRow(Base):
    """An encoder that made embeddings of this library.

    `golden_image` and `golden_text` are its embeddings of the test picture and sentence of
    `indexer/encoders/golden.py` when it was first used here; it must still give the same.
    """

    __tablename__ = "encoders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    dim: Mapped[int]
    golden_image: Mapped[bytes | None] = mapped_column(LargeBinary)
    golden_text: Mapped[bytes | None] = mapped_column(LargeBinary)


class EmbeddingRow(Base):
    """A unit row of `dim` float16 values: of a picture's bytes or of a caption's text."""

    __tablename__ = "embeddings"
    __table_args__ = (UniqueConstraint("encoder_id", "modality", "hash"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoders.id", ondelete="CASCADE"))
    modality: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class TagHeadRow(Base):
    """A tag head by its name, with the whole file that it came from.

    It fits the embeddings of one encoder, and is unused while the library has another.
    `fingerprint` is the SHA-256 of `content`, as hexadecimal.
    """

    __tablename__ = "tag_heads"
    __table_args__ = (UniqueConstraint("encoder_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoders.id", ondelete="CASCADE"))
    name: Mapped[str]
    fingerprint: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class TagRow(Base):
    """A tag that a head can give."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("head_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    head_id: Mapped[int] = mapped_column(ForeignKey("tag_heads.id", ondelete="CASCADE"))
    name: Mapped[str]


class PictureTag(Base):
    """A tag of a picture: its probability reaches the threshold of the tag."""

    __tablename__ = "picture_tags"
    __table_args__ = (
        UniqueConstraint("picture_id", "tag_id"),
        Index("picture_tags_by_tag", "tag_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    picture_id: Mapped[int] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"))
    probability: Mapped[float]


class AlbumRow(Base):
    """An album: a named query, or pictures that somebody picked.

    `kind`: search, picked or favourites (one at most). `asked` is the query as JSON
    (`indexer/catalogue/lookup/albums.py`), empty if pictures were picked. `cover` is the content
    of the picture chosen to stand for the others.
    """

    __tablename__ = "albums"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    asked: Mapped[str]
    kind: Mapped[str] = mapped_column(default="search", server_default="search")
    cover: Mapped[bytes | None] = mapped_column(LargeBinary)


class AlbumMember(Base):
    """A picture that was picked for an album, by its content and its id at that time.

    `indexer/catalogue/lookup/picked.py` says which picture that is now, if it is there.
    """

    __tablename__ = "album_members"
    __table_args__ = (
        UniqueConstraint("album_id", "content_hash"),
        Index("album_members_by_content", "content_hash"),
        Index("album_members_by_picture", "picture_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    album_id: Mapped[int] = mapped_column(ForeignKey("albums.id", ondelete="CASCADE"))
    position: Mapped[int]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    picture_id: Mapped[int]


class AlbumPicture(Base):
    """A picture in an album's query, kept so that the album works when the file is gone.

    `vector` is the embedding of the encoder whose fingerprint is `encoder`: both stay when the
    library forgets the picture, or that encoder. `path` is where the file was; None for bytes.
    """

    __tablename__ = "album_pictures"
    __table_args__ = (UniqueConstraint("album_id", "content_hash"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    album_id: Mapped[int] = mapped_column(ForeignKey("albums.id", ondelete="CASCADE"))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    path: Mapped[bytes | None] = mapped_column(LargeBinary)
    encoder: Mapped[str]
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class SegmentRow(Base):
    """A file of the vector index; the setting "vectors" names the encoder and fusion of all.

    `keys` (int64) are the keys of its rows; one that is out of date is `GONE`.
    """

    __tablename__ = "segments"
    position: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str]
    checksum: Mapped[str]
    keys: Mapped[bytes] = mapped_column(LargeBinary)


class SettingRow(Base):
    """A named value of the library: its settings, its generation, its vectors."""

    __tablename__ = "settings"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class StaleWords(Base):
    """A picture whose row in the index of words is rebuilt before the transaction ends.

    The index itself, `words`, is a virtual table: see `indexer/catalogue/word_index.py`.
    """

    __tablename__ = "stale_words"
    picture_id: Mapped[int] = mapped_column(primary_key=True)
