"""The state of a collection in Milvus, as `picfuse status` shows it."""

from __future__ import annotations

from typing import Any

from search.collection.collection import Collection


def collection_fields(collection: Collection) -> dict[str, Any]:
    """The JSON fields of a collection."""
    about = collection.shared.about
    return {
        "library": collection.connection.address.text,
        "encoder": about.library.encoder,
        "fusion": about.library.fusion,
        "pictures": about.pictures,
        "captions": sum(source.captions for source in about.sources.values()),
        "index": f"{str(about.index['index_type']).lower()}, recall@10 {about.recall:.3f}",
        "weight": collection.weight,
        "sources": [source.path for source in about.sources.values()],
    }
