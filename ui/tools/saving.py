"""The tool that saves: an album is a search under a name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from indexer.errors import InputError
from search.albums import album_pictures, save_album
from search.query.terms import Query
from search.searcher import Searcher
from ui.service.questions import query_in_words
from ui.service.served import Libraries
from ui.tools.looking import Name, Where, Words
from ui.tools.results import AlbumLine

MOST = 1000


class Saving:
    """The tool over libraries that may be written to."""

    def __init__(self, libraries: Libraries) -> None:
        self._libraries = libraries

    def save_album(
        self,
        name: Annotated[str, Field(min_length=1, max_length=200)],
        query: Words = "",
        where: Where = None,
        tags: Annotated[list[str], Field(description="Tags that all pictures have.")] = [],  # noqa: B006
        k: Annotated[int, Field(ge=1, le=MOST, description="Most pictures it holds.")] = 50,
        library: Name = None,
    ) -> AlbumLine:
        """Save a search under a name; the album also finds pictures that are added later.

        An existing album is never replaced.
        """
        asked = query_in_words(query) if query.strip() else Query(())
        served = self._libraries.named(library)
        with served.asking() as searcher, served.writer() as opened:
            opened.use_encoder(searcher.library.encoder)
            if " ".join(name.split()) in opened.albums.names():
                raise InputError(f"album {name!r} already exists; choose another name")
            album = save_album(opened, name, asked, k=k, where=where, tags=tuple(tags))
            found = album_pictures(Searcher(opened), album)
        return AlbumLine(name=album.name, pictures=len(found.answer.hits))
