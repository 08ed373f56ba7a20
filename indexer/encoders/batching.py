"""Batching: requests that many threads make at once run together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T, R]):
    """Items of one thread, and their results in time."""

    items: Sequence[T]
    results: Future[Sequence[R]] = field(default_factory=Future)


class Batcher(Generic[T, R]):
    """Runs items of many threads together: while a batch runs, the next one gathers.

    Nothing waits for company, so a lone caller loses no time. `run` makes one result of each item;
    `observe` is told the size of each batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Sequence[R]],
        most: int,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._run, self._most, self._observe = run, most, observe
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._turn = threading.Lock()

    def __call__(self, items: Sequence[T]) -> Sequence[R]:
        """The results of items, in their order; raises what `run` raises."""
        own: _Waiting[T, R] = _Waiting(items)
        self._waiting.append(own)
        with self._turn:  # the thread that has it also works for the waiting ones
            while not own.results.done():
                self._run_batch()
        return own.results.result()

    def _run_batch(self) -> None:
        batch = [self._waiting.popleft()]
        size = len(batch[0].items)
        while self._waiting and size + len(self._waiting[0].items) <= self._most:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].items)
        self._observe(size)
        self._settle(batch)

    def _settle(self, batch: Sequence[_Waiting[T, R]]) -> None:
        try:
            results = self._run([item for one in batch for item in one.items])
        except Exception as error:
            if len(batch) == 1:
                batch[0].results.set_exception(error)
                return
            for one in batch:  # alone, so that an error reaches only the thread that caused it
                self._settle([one])
            return
        start = 0
        for one in batch:
            one.results.set_result(results[start : start + len(one.items)])
            start += len(one.items)
