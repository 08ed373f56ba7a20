"""`picfuse cluster encode`."""

from __future__ import annotations

from contextlib import suppress

import click

from indexer.cluster.report import SHARD_PICTURES, EncodeOptions, EncodeReport
from indexer.cluster.run import encode_sources
from indexer.cluster.sources import sources_of
from indexer.encoders import load_encoder
from indexer.errors import LibraryNotFound
from indexer.kinds.extras import CLUSTER_EXTRA, extra_module
from indexer.locations import cache_directory
from indexer.settings import DEFAULT_ENCODER
from indexer.shards.store import Store
from ui.cli.group import json_option, offline_option
from ui.cli.options.indexing import decoding_limits
from ui.cli.options.paths import UserText
from ui.cli.options.precision import named_model, precision_option
from ui.cli.output.encoding import print_encoding
from ui.cli.output.progress import run_with_bar
from ui.exits import exit_status


@click.command(
    epilog="Example: picfuse cluster encode s3://bucket/photos --output s3://bucket/photos-store"
)
@click.argument("sources", nargs=-1, required=True, type=UserText())
@click.option(
    "--output",
    required=True,
    type=UserText(),
    metavar="STORE",
    help="The folder or URI of the store to write. Existing shards are kept, so the same command "
    "continues after an interruption.",
)
@click.option(
    "--model",
    type=UserText(),
    help="The encoder, the same on all machines.  "
    f"[default: the store's; for a new one {DEFAULT_ENCODER}]",
)
@precision_option(ends="[default: the store's; auto for a new one]")
@click.option(
    "--address",
    type=UserText(),
    envvar="RAY_ADDRESS",
    show_envvar=True,
    metavar="HOST:PORT",
    help="Join the Ray cluster with this head ('auto': the one on this machine). Default: start "
    "Ray on this machine alone.",
)
@click.option(
    "--actors",
    type=click.IntRange(1),
    help="Number of processes that encode.  [default: one per machine, or per share of a GPU]",
)
@click.option(
    "--cpus",
    type=click.IntRange(1),
    help="Cores for each actor.  [default: all, divided among the actors]",
)
@click.option(
    "--gpus",
    type=click.FloatRange(min=0),
    default=0,
    help="GPUs for each actor; 0.5 lets two share one.  [default: 0]",
)
@click.option(
    "--shard-pictures",
    type=click.IntRange(1),
    default=SHARD_PICTURES,
    show_default=True,
    help="Largest number of pictures in a shard, all of which are encoded again after a crash.",
)
@click.option(
    "--columns",
    type=UserText(),
    metavar="COLUMNS",
    help="The columns of Parquet files whose names picfuse does not know: file=NAME,caption=NAME. "
    "'file' is the column of addresses or of bytes; 'caption=' may be repeated.",
)
@decoding_limits()
@offline_option
@json_option
@click.pass_context
def encode(
    ctx: click.Context,
    sources: tuple[str, ...],
    output: str,
    model: str | None,
    precision: str | None,
    address: str | None,
    actors: int | None,
    cpus: int | None,
    gpus: float,
    shard_pictures: int,
    columns: str | None,
    time_limit: float | None,
    max_pixels: int | None,
    memory_limit: int | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Encode the pictures of SOURCES on many machines, into the shards of a store.

    A source is a folder, a list of paths or addresses (a text file, one per line), a Parquet file
    with a column of addresses or of bytes, or a tar archive (WebDataset): a path, or a URI of
    s3://, gs:// or file://. Captions beside the pictures are found as in 'picfuse index'. Exit
    status 1 if some pictures or sources could not be read.
    """
    extra_module("ray", CLUSTER_EXTRA, "encoding on many machines")
    options = EncodeOptions(
        model=_model(output, model, precision),
        address=address,
        actors=actors,
        cpus=cpus,
        gpus=gpus,
        shard_pictures=shard_pictures,
        columns=columns,
        offline=offline,
        time_limit=time_limit,
        max_pixels=max_pixels,
        memory_limit=memory_limit,
    )
    report, status = _run(sources, output, options)
    print_encoding(report, as_json)
    ctx.exit(status)


def _model(output: str, model: str | None, precision: str | None) -> str:
    """The model to encode with: the one that is named, or that of the store."""
    if model is None and precision is None:
        with suppress(LibraryNotFound):
            return Store.open(output, unfinished=True).encoder.name
    return named_model(model or DEFAULT_ENCODER, precision)


def _run(sources: tuple[str, ...], output: str, options: EncodeOptions) -> tuple[EncodeReport, int]:
    """Encode; the report of the run, finished or interrupted, and its exit status."""
    found, report = sources_of(sources, options.columns), EncodeReport()
    encoder = load_encoder(options.model, cache=cache_directory(), offline=options.offline)
    steps = encode_sources(found, output, encoder, options, report)
    try:
        run_with_bar(steps, "starting Ray", "encoding")
    except KeyboardInterrupt as error:
        report.interrupted = True
        return report, exit_status(error)
    return report, 0 if report.complete else 1
