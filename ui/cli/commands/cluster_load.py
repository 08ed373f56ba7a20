"""`picfuse cluster load`."""

from __future__ import annotations

import click

from indexer.milvus.sources import load_of_store
from indexer.shards.store import Store
from ui.cli.commands.publish import loading_options, run_load
from ui.cli.options.paths import UserText


@click.command(
    epilog="Example: picfuse cluster load s3://bucket/embeddings milvus://milvus:19530/pictures"
)
@click.argument("store", type=UserText())
@click.argument("collection")
@loading_options
@click.pass_context
def load(
    ctx: click.Context, store: str, collection: str, index: str, only_check: bool, as_json: bool
) -> None:
    """Load the embeddings of STORE into COLLECTION of Milvus.

    STORE is a folder or an address such as s3://bucket/path that 'picfuse cluster encode' has
    written. COLLECTION is milvus://HOST:PORT/NAME, and is created if it does not exist. Several
    stores of one model fit into one collection. Run it again after an interruption, or when the
    store has grown: it sends only new and changed pictures. Exit status 1 if --check finds a
    difference.
    """
    ctx.exit(
        run_load(
            collection,
            lambda: load_of_store(Store.open(store)),
            index=index,
            only_check=only_check,
            as_json=as_json,
        )
    )
