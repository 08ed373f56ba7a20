"""A run of encoding, seen from its head: it knows the shards of a store, and no picture."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from threading import Thread
from types import ModuleType
from typing import Any

from indexer.cluster.actors import (
    SOURCE,
    Actor,
    Tally,
    Task,
    count_source,
    list_sources,
    values,
)
from indexer.cluster.claim import only_encoder
from indexer.cluster.crew import crew_of
from indexer.cluster.listing import Listing
from indexer.cluster.places import Place
from indexer.cluster.report import SHOWN_FAILURES, EncodeOptions, EncodeReport
from indexer.cluster.session import ray_session
from indexer.cluster.sources import Source
from indexer.cluster.told import Done, Told, Trouble
from indexer.encoders import Encoder
from indexer.errors import InputError
from indexer.progress import Progress
from indexer.shards.manifest import StoreEncoder
from indexer.shards.store import Store

GLANCE = 0.5  # seconds between two looks at the progress
PATIENCE = 20.0  # seconds for a plan to end
ANSWER = 5.0  # seconds for the counter to answer


def encode_sources(
    sources: Sequence[Source],
    output: str,
    encoder: Encoder,
    options: EncodeOptions,
    report: EncodeReport,
) -> Generator[Progress, None, None]:
    """Encode pictures into the store `output`, a path or URI; yields `Progress`.

    `report` grows meanwhile. Shards that are in the store already are not encoded again; those of
    these sources whose pictures have changed or are gone are dropped at the end. Leaving the loop
    early loses the shards that are under way, and no others. Raises `LibraryError` for a store that
    cannot be used, `InputError` for an address where no Ray is, and `ModelError` without the extra.
    """
    start = time.monotonic()
    output = Place.of(output).uri
    try:
        store = Store.prepare(output, StoreEncoder.of(encoder))
        with only_encoder(store.folder, output), ray_session(options.address) as ray:
            store.begin()
            actors, cores = crew_of(ray.nodes(), options)
            task = Task(output, encoder.fingerprint, cores, actors, options)
            yield from _Run(ray, store, sources, report).steps(task)
    except (KeyboardInterrupt, GeneratorExit):
        report.interrupted = True
        raise
    finally:
        report.elapsed_ms = round(1000 * (time.monotonic() - start), 1)


class _Run:
    """A run under way: the shards that are needed, by source, and those that were there."""

    def __init__(
        self, ray: ModuleType, store: Store, sources: Sequence[Source], report: EncodeReport
    ) -> None:
        self._ray = ray
        self._store = store
        self._sources = sources
        self._report = report
        self._before = frozenset(store.complete())
        self._needed: dict[str, set[str]] = {source.key: set() for source in sources}
        self._sound = dict.fromkeys(self._needed, True)  # whether all of a source could be listed
        self._ended: set[str] = set()
        self._last = Progress(0, 0)

    def steps(self, task: Task) -> Iterator[Progress]:
        """Do the work; the report is complete at the end."""
        tally, output = self._start_tally(), Place.of(task.store)
        listing = Listing(task.options.shard_pictures, output, self._before)
        count = self._ray.remote(num_cpus=0)(count_source)
        for source in self._sources:
            count.remote(source, output, tally)
        news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        dataset = self._dataset(task, listing, tally)
        thread = Thread(target=_tell, args=(dataset, news), daemon=True)
        thread.start()
        try:
            yield from self._follow(news, tally)
        finally:  # it must not be at work when Ray is shut down
            _stop(dataset)
            thread.join(PATIENCE)
        self._drop_stale()
        self._store.finish()

    def _follow(self, news: queue.SimpleQueue[Any], tally: Any) -> Iterator[Progress]:
        """Note the news until there are no more."""
        while True:
            try:
                value = news.get(timeout=GLANCE)
            except queue.Empty:
                yield self._progress(tally)
                continue
            if value is None:
                return
            self._note(value)

    def _progress(self, tally: Any) -> Progress:
        """The progress until now; what it was before while the counter cannot be asked."""
        with suppress(self._ray.exceptions.RayError):
            done, listed = self._ray.get(tally.counts.remote(), timeout=ANSWER)
            self._last = Progress(done, max(done, listed))
        return self._last

    def _start_tally(self) -> Any:
        """The counter of progress, on the machine of the head, where it lives as long as this."""
        strategies = self._ray.util.scheduling_strategies
        here = strategies.NodeAffinitySchedulingStrategy(
            self._ray.get_runtime_context().get_node_id(), soft=True
        )
        remote = self._ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)
        return remote(Tally).remote()

    def _dataset(self, task: Task, listing: Listing, tally: Any) -> Any:
        """The plan: list each source in a task, and give the pieces to actors as they come."""
        data, options = self._ray.data, task.options
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        data.DataContext.get_current().target_max_block_size = 1  # each row goes on at once
        numbers = [{SOURCE: number} for number in range(len(self._sources))]
        return (
            data.from_items(numbers, override_num_blocks=len(numbers))
            .map_batches(
                list_sources,
                fn_args=(self._sources, listing, tally),
                batch_size=1,
                num_cpus=0,  # or it would wait for the actors, and they for it
            )
            .map_batches(
                Actor,
                fn_constructor_args=(task, tally),
                batch_size=1,
                num_cpus=task.cores,
                num_gpus=options.gpus or None,
                compute=data.ActorPoolStrategy(size=task.actors, max_tasks_in_flight_per_actor=2),
            )
        )

    def _note(self, value: Told | Done | BaseException) -> None:
        if isinstance(value, BaseException):
            raise value
        if isinstance(value, Told):
            self._note_listing(value)
        elif isinstance(value.error, InputError):
            self._report.problems.append(Trouble(value.name, str(value.error)))
        elif value.error is not None:
            raise value.error
        else:
            self._report.written += 1
            self._report.encoded += value.pictures - value.failed
            self._report.failed += value.failed
            room = SHOWN_FAILURES - len(self._report.failures)
            self._report.failures += value.failures[:room]
            self._report.problems += value.problems

    def _note_listing(self, told: Told) -> None:
        self._needed[told.source].update(told.names)
        self._report.kept += sum(name in self._before for name in told.names)
        self._report.problems += told.problems
        self._report.passed_over += told.passed_over
        self._report.tables += told.tables
        if told.problems:
            self._sound[told.source] = False
        if told.ended:
            self._ended.add(told.source)

    def _drop_stale(self) -> None:
        """Drop the shards of pictures that have changed or are gone, if all could be listed."""
        for source in self._ended:
            if self._sound[source]:
                own = {name for name in self._before if name.startswith(f"{source}-")}
                for name in own - self._needed[source]:
                    self._store.drop_shard(name)
                    self._report.dropped += 1


def _tell(dataset: Any, news: queue.SimpleQueue[Any]) -> None:
    """Carry out a plan, and put into a queue what it yields, at its end None or an error."""
    try:
        for batch in dataset.iter_batches(batch_size=None, batch_format="numpy"):
            for value in values(batch):
                news.put(value)
        news.put(None)
    except BaseException as error:
        news.put(error)


def _stop(dataset: Any) -> None:
    """End a plan that is being carried out in another thread; Ray has no public call for it."""
    executor = getattr(dataset, "_current_executor", None)
    if executor is not None:
        executor.shutdown(force=True)
