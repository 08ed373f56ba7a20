"""Tools that only look: search, filter, show and explain pictures."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import Image
from mcp_types import ImageContent, TextContent
from pydantic import Field

from indexer.catalogue.values import MISSING as GONE
from indexer.catalogue.values import PRESENT
from search.browsing.facets import facets
from search.collection.opening import local
from search.searcher import Searcher
from search.where import FIELDS
from ui.cli.commands.album import listed_albums
from ui.cli.options.searching import WHERE
from ui.cli.output.text import valid
from ui.service.privacy import names_of_paths, without_folders
from ui.service.questions import (
    PictureReader,
    explained,
    picture_info,
    search,
    similar,
    tag_counts,
)
from ui.service.requests import (
    MOST_LETTERS,
    ExplainRequest,
    SearchRequest,
    SentPicture,
    SimilarRequest,
)
from ui.service.served import Libraries, ServedLibrary
from ui.tools import results
from ui.web.pictures import rendered

MOST, USUAL = 50, 8  # pictures of a page
SIDES = (128, 1568)  # pixels; a model sees no more than the larger one
RESOURCE_SIDE = 1200

Words = Annotated[
    str,
    Field(
        max_length=MOST_LETTERS,
        description="The picture in plain words: 'a dog in the snow'. '-word' takes away: "
        "'a dog -snow'. Empty to list by `where` and `tags` alone, newest first.",
    ),
]
Where = Annotated[
    str | None,
    Field(
        max_length=MOST_LETTERS,
        description="Condition on facts: 'taken: 2021 and place: Vienna', 'person: Anna', "
        "'rating >= 4'. filter_fields lists the fields.",
    ),
]
Count = Annotated[int, Field(ge=1, le=MOST, description="Pictures on a page.")]
Offset = Annotated[int, Field(ge=0, description="`next_offset` of the page before.")]
Key = Annotated[int, Field(ge=1, description="Id of a picture, from a search.")]
Keys = Annotated[list[int], Field(max_length=20)]
Name = Annotated[
    str | None, Field(description="Name of a library, if there are several (library_status).")
]


class Looking:
    """Tools over libraries; each method is one."""

    def __init__(self, libraries: Libraries, *, may_save: bool) -> None:
        self._libraries, self._may_save = libraries, may_save

    def search_pictures(
        self,
        query: Words = "",
        where: Where = None,
        tags: Annotated[list[str], Field(description="Tags that all pictures have.")] = [],  # noqa: B006
        like: Annotated[Keys, Field(description="Ids of pictures to find more like.")] = [],  # noqa: B006
        unlike: Annotated[Keys, Field(description="Ids of pictures to find fewer like.")] = [],  # noqa: B006
        k: Count = USUAL,
        offset: Offset = 0,
        include_doubtful: Annotated[
            bool, Field(description="Whether guesses with hardly any evidence are listed too.")
        ] = False,
        library: Name = None,
    ) -> results.FoundPage:
        """Find pictures by what they show, by facts about them, or by both."""
        asked = SearchRequest(
            query=query or None,
            where=where,
            tags=tags,
            like=[SentPicture(id=key) for key in like],
            unlike=[SentPicture(id=key) for key in unlike],
            k=k,
            offset=offset,
            all=include_doubtful,
        )
        served = self._libraries.named(library)
        with served.asking() as searcher:
            answer = search(searcher, asked, self._reader(searcher))
        return results.page_of(answer, served.name)

    def similar_pictures(
        self,
        id: Key,
        where: Where = None,
        k: Count = USUAL,
        offset: Offset = 0,
        library: Name = None,
    ) -> results.FoundPage:
        """Find pictures that look like one of the library."""
        asked = SimilarRequest(id=id, where=where, k=k, offset=offset)
        served = self._libraries.named(library)
        with served.asking() as searcher:
            picture_info(searcher.library, id)
            answer = similar(searcher, asked, self._reader(searcher))
        return results.page_of(answer, served.name)

    def filter_fields(self, library: Name = None) -> results.FieldsPage:
        """List the fields of `where`, with the tags, people and places of this library."""
        with self._libraries.named(library).asking() as searcher:
            found = facets(local(searcher.library))
            return results.FieldsPage(
                language=WHERE,
                fields={name: field.meaning for name, field in FIELDS.items()},
                tags=results.names_of(found.tags),
                people=results.names_of(found.people),
                places=results.names_of(found.places),
            )

    def show_picture(
        self,
        id: Key,
        size: Annotated[
            int, Field(ge=SIDES[0], le=SIDES[1], description="Longer side in pixels.")
        ] = 768,
        library: Name = None,
    ) -> list[TextContent | ImageContent]:
        """Look at a picture: returns the image with its name and captions."""
        with self._libraries.named(library).asking() as searcher:
            info = picture_info(searcher.library, id)
            content = rendered(searcher.library, id, size)
        said = [f"Picture {id}: {info.path.name}, {info.width} x {info.height} pixels"]
        said += [f"Caption: {caption}" for caption in info.captions]
        text = TextContent(type="text", text=valid("\n".join(said)))
        return [text, Image(data=content, format="jpeg").to_image_content()]

    def explain_match(self, id: Key, query: Words, library: Name = None) -> results.Explained:
        """Tell why a picture matches a query, or why not: the shares of its score."""
        asked = ExplainRequest(id=id, query=query)
        with self._libraries.named(library).asking() as searcher:
            return results.explained(explained(searcher, asked))

    def library_status(self, library: Name = None) -> results.StatusPage:
        """Tell what a library contains, and which libraries there are."""
        served = self._libraries.named(library)
        with served.asking() as searcher:
            return self._status(served, searcher)

    def list_albums(self, library: Name = None) -> results.AlbumList:
        """List the albums of a library, with their numbers of pictures."""
        with self._libraries.named(library).asking() as searcher:
            fields = without_folders(listed_albums(searcher), names_of_paths(self._libraries))
        lines = [
            results.AlbumLine(
                name=one["album"], pictures=one["pictures"], problem=one.get("problem")
            )
            for one in fields
        ]
        return results.AlbumList(albums=lines)

    def picture_resource(self, library: str, id: int) -> bytes:
        """The JPEG of a picture."""
        with self._libraries.named(library).asking() as searcher:
            picture_info(searcher.library, id)
            return rendered(searcher.library, id, RESOURCE_SIDE)

    def _status(self, served: ServedLibrary, searcher: Searcher) -> results.StatusPage:
        opened = searcher.library
        counts, metadata = opened.catalogue.counts(), opened.facts.counts()
        return results.StatusPage(
            library=served.name,
            libraries=[one.name for one in self._libraries],
            pictures=counts.get(PRESENT, 0),
            captions=counts["captions"],
            missing=counts.get(GONE, 0),
            model=opened.settings.encoder,
            metadata={name: count for name, count in metadata.items() if count},
            tags=tag_counts(opened),
            folders=[valid(folder.path.name) for folder in opened.catalogue.folders()],
            may_save_albums=self._may_save,
        )

    def _reader(self, searcher: Searcher) -> PictureReader:
        return PictureReader(searcher.library, self._libraries.sandbox)
