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
    golden = golden_of(encoder)
    make_directory(path)
    with only_writer(path, patient=True):
        if not is_vacant(path):
            raise cannot_create_error(path)
        _create_catalogue(path, encoder, golden, fusion)


def _create_catalogue(path: Path, encoder: Encoder, golden: Golden, fusion: Fusion) -> None:
    settings = LibrarySettings(encoder.name, encoder.fingerprint, encoder.dim)
    settings = settings.with_fusion(fusion.name, fusion.fingerprint)

    def fill(connection: Connection) -> None:
        with Session(connection) as session:
            batch = Batch(session, 1)
            batch.embeddings.put_encoder(encoder.name, encoder.fingerprint, encoder.dim, golden)
            batch.settings.set(SETTINGS, settings.to_json())
            keep_fusion(batch, fusion)
            batch.settings.set(GENERATION, "1")
            session.flush()

    with sqlite_errors(path):
        engine = open_engine(to_write(path))
        create_tables(engine, fill)
        engine.dispose()
