"""Checks of albums: can they be read, and are all pictures of their queries still usable?"""

from __future__ import annotations

from collections.abc import Iterator

from indexer.catalogue.lookup.albums import Album
from indexer.doctor.finding import Finding, some
from indexer.embedding import IMAGE, same_space
from indexer.errors import LibraryDamaged
from indexer.library.library import Library


def albums(library: Library) -> Iterator[Finding]:
    """Check that each album has an embedding of every picture in its query."""
    damaged, lacking = [], []
    for name in library.albums.names():
        try:
            album = library.albums.named(name)
        except LibraryDamaged:
            damaged.append(name)
            continue
        if album is not None and not _has_all_embeddings(library, album):
            lacking.append(name)
    if damaged:
        yield Finding(
            "albums",
            len(damaged),
            "albums cannot be read, so their searches are lost",
            "save them again with 'picfuse album NAME TERM... --replace', or delete them",
            examples=some(damaged),
        )
    if lacking:
        yield Finding(
            "albums",
            len(lacking),
            "albums search by pictures that are not in the library and that its encoder has not "
            "embedded; these are ignored unless their files still exist",
            "put those pictures into an indexed folder, or save the albums again with --replace",
            serious=False,
            examples=some(lacking),
        )


def _has_all_embeddings(library: Library, album: Album) -> bool:
    """Whether all pictures in an album's query have an embedding of the library's encoder."""
    settings = library.settings
    stored = library.embeddings.of_contents(library.encoder_id, IMAGE, album.contents)
    kept = {
        content
        for content, picture in album.kept.items()
        if same_space(picture.encoder, settings.fingerprint)
        and len(picture.vector) == 2 * settings.dim
    }
    return set(album.contents) <= stored.keys() | kept
