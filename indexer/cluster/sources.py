"""Sources of pictures, as a user names them, and their pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyarrow.fs import FileType

from indexer.captions.named_columns import NamedColumns
from indexer.cluster.addresses import contents_of_list
from indexer.cluster.archives import contents_of_archive
from indexer.cluster.folders import contents_of_folder, count_folder
from indexer.cluster.pieces import Content, source_key
from indexer.cluster.places import Place, places_like, reason_of_storage
from indexer.cluster.tables import rows_of_table
from indexer.cluster.told import Told
from indexer.cluster.trees import tree_of
from indexer.errors import InputError
from indexer.kinds.signatures import HEAD_BYTES, UNKNOWN, kind_of

FOLDER, LIST, TABLE, ARCHIVE = "folder", "list", "table", "archive"
_BY_SUFFIX = {".parquet": TABLE, ".tar": ARCHIVE}
_WILD = "*?"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, a list of paths and addresses, a Parquet file, or a tar archive."""

    place: Place
    kind: str
    columns: str | None = None

    @property
    def key(self) -> str:
        """The beginning of the names of its shards."""
        return source_key(self.place.name)

    def contents(self, size: int, output: Place, told: Told) -> Iterator[Content]:
        """Its pieces of at most `size` pictures, in the same order each time. Raises OSError."""
        if self.kind == FOLDER:
            yield from contents_of_folder(self.place, tree_of(self.place, output), size, told)
        elif self.kind == TABLE:
            yield from rows_of_table(self.place, size, self.columns)
        elif self.kind == ARCHIVE:
            yield from contents_of_archive(self.place, size, told)
        else:
            yield from contents_of_list(self.place, size)

    def count(self, output: Place) -> Iterator[int]:
        """Yield numbers of pictures that add up to its own, as far as a listing tells.

        Opens no picture, so it ends long before the pictures are encoded. Raises OSError.
        """
        if self.kind == FOLDER:
            yield from count_folder(self.place, tree_of(self.place, output))
        else:
            contents = self.contents(1 << 20, output, Told(self.key))
            yield from (content.pictures for content in contents)


def sources_of(texts: Sequence[str], columns: str | None = None) -> list[Source]:
    """The sources that a user names, each once. Raises `InputError` for one that is not there.

    A name with `*` or `?` in its last part stands for all files that fit it. `columns` are those of
    Parquet files.
    """
    if columns:
        NamedColumns.parse(columns)  # raises
    places = [place for text in texts for place in _places(text)]
    return [_source(place, columns) for place in dict.fromkeys(places)]


def _places(text: str) -> list[Place]:
    place = Place.of(text)
    if not any(sign in place.base for sign in _WILD) or _is_there(place):
        return [place]
    try:
        found = list(places_like(place))
    except OSError as error:
        raise InputError(f"{text}: {reason_of_storage(error)}") from error
    if not found:
        raise InputError(f"{text}: no file fits this; check the name")
    return found


def _is_there(place: Place) -> bool:
    return place.is_local and place.path.exists()


def _source(place: Place, columns: str | None) -> Source:
    if place.is_on_web:
        raise InputError(
            f"{place}: a web server cannot be listed; put addresses into a list, one a line"
        )
    try:
        info = place.info()
        if info.type is FileType.Directory:
            return Source(place, FOLDER)
        if info.type is FileType.File:
            return Source(place, _kind(place), columns)
    except OSError as error:
        raise InputError(f"{place}: {reason_of_storage(error)}") from error
    raise InputError(f"{place}: no such file or folder; check the name")


def _kind(place: Place) -> str:
    """The kind of a file; raises `InputError` for one that is not text, and OSError."""
    if kind := _BY_SUFFIX.get(place.base[place.base.rfind(".") :].lower()):
        return kind
    with place.opened() as file:
        head = file.read(HEAD_BYTES)
    if kind_of(head) != UNKNOWN or b"\0" in head:
        raise InputError(
            f"{place}: neither a list nor a table of pictures; name a folder, a list of paths or "
            "addresses (one a line), a Parquet file or a tar archive"
        )
    return LIST
