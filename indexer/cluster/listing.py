"""The listing of a source on some machine: its pieces, and what is to be told of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from indexer.cluster.pieces import Piece
from indexer.cluster.places import Place, reason_of_storage
from indexer.cluster.sources import Source
from indexer.cluster.told import Told
from indexer.errors import InputError

Listed: TypeAlias = Piece | Told
NAMES_TOLD = 100  # shards that are told of together


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists sources: shards of at most `size` pictures, without those in `done`."""

    size: int
    output: Place
    done: Collection[str] = field(repr=False)

    def of(self, source: Source, note: Callable[[int], object]) -> Iterator[Listed]:
        """Yield the pieces of a source that are to be done, and in between what is to be told.

        `note` is called with the number of pictures in each piece that is done already.
        """
        told = Told(source.key)
        try:
            for content in source.contents(self.size, self.output, told):
                piece = Piece.of(source.key, content)
                told.names.append(piece.name)
                if piece.name in self.done:
                    note(content.pictures)
                else:
                    yield piece
                if len(told.names) >= NAMES_TOLD:
                    yield told.taken()
            told.ended = True
        except (OSError, InputError) as error:
            told.problem(os.fsencode(source.place.name), reason_of_storage(error))
        yield told
