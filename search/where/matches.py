"""The pictures of a library that fulfil a condition of `--where`."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.dialects import sqlite

from indexer.catalogue.schema import FolderRow, PictureRow
from indexer.catalogue.values import NEVER, PRESENT
from indexer.library.searchable import Searchable
from search.where.condition import matching
from search.where.spans import DMY


def matches(
    library: Searchable, text: str, *, now: datetime | None = None, date_order: str = DMY
) -> NDArray[np.int64]:
    """Ids (n,) of the present pictures that fulfil a condition, newest first.

    By the date of the camera, or the modification time of a file without one. `now`: the time that
    "yesterday" refers to; `date_order`: how 06/12/2019 is read. Raises `PlacedError`.
    """
    encoder_id = library.encoder_id
    tags = library.tags.names(encoder_id)
    condition = matching(
        text,
        encoder_id=encoder_id,
        tags=tags,
        now=now,
        date_order=date_order,
        albums=library.picked.names(),
    )
    seconds = func.nullif(PictureRow.mtime_ns, NEVER) / 1e9
    changed = func.strftime("%Y-%m-%dT%H:%M:%S", seconds, "unixepoch", "localtime")
    newest = func.coalesce(PictureRow.taken, changed).desc(), PictureRow.id
    query = select(PictureRow.id).join(FolderRow).where(PictureRow.state == PRESENT, condition)
    compiled = query.order_by(*newest).compile(dialect=sqlite.dialect())
    names = compiled.positiontup or []
    rows = library.catalogue.rows(str(compiled), *(compiled.params[name] for name in names))
    return np.array([row[0] for row in rows], np.int64)
