"""Making the catalogue of a new library."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from indexer.catalogue.changes.batch import Batch
from indexer.catalogue.database import sqlite_errors, to_write
from indexer.catalogue.engine import create_tables, open_engine
from indexer.catalogue.values import GENERATION, SETTINGS
from indexer.embedding import Golden
from indexer.encoders import Encoder
from indexer.encoders.golden import golden_of
from indexer.fusion import Fusion
from indexer.library.directory import cannot_create_error, is_vacant, make_directory
from indexer.library.kept_fusion import keep_fusion
from indexer.library.locking import only_writer
from indexer.settings import LibrarySettings


def create_library(path: Path, encoder: Encoder, fusion: Fusion) -> None:
    """Make the directory and a catalogue without pictures, in one transaction.

    A process that was killed meanwhile leaves nothing that is in the way. Raises `LibraryError` if
    another process has just made a library there.
    """
    fusion.check_encoder(encoder)
    settings = LibrarySettings(encoder.name, encoder.fingerprint, encoder.dim)
    settings = settings.with_fusion(fusion.name, fusion.fingerprint)
    create_with(path, settings, fusion, golden_of(encoder))


def create_with(
    path: Path, settings: LibrarySettings, fusion: Fusion, golden: Golden | None
) -> None:
    """Make a library with these settings; its encoder is not opened.

    `golden` are the encoder's embeddings of the golden pair, if they are known.
    """
    make_directory(path)
    with only_writer(path, patient=True):
        if not is_vacant(path):
            raise cannot_create_error(path)
        _create_catalogue(path, settings, fusion, golden)


def _create_catalogue(
    path: Path, settings: LibrarySettings, fusion: Fusion, golden: Golden | None
) -> None:
    def fill(connection: Connection) -> None:
        with Session(connection) as session:
            batch = Batch(session, 1)
            batch.embeddings.put_encoder(
                settings.encoder, settings.fingerprint, settings.dim, golden
            )
            batch.settings.set(SETTINGS, settings.to_json())
            keep_fusion(batch, fusion)
            batch.settings.set(GENERATION, "1")
            session.flush()

    with sqlite_errors(path):
        engine = open_engine(to_write(path))
        create_tables(engine, fill)
        engine.dispose()
