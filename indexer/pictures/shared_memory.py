"""Shared memory between the decoding workers and the encoder: pixels and hashes, in slots.

A slot goes out with a task, and is free again when its pixels are copied out or its worker is
dead. The hash of a file is there as soon as it was read, and outlives a worker that decoding kills.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

IN_FLIGHT = 64  # enough to keep the workers busy while the encoder has a batch
_BLOCK_BYTES = 32 * 2**20  # a container often has no more than 64 MB of shared memory
_DIGEST = 16


class AnonymousMemory:
    """Shared memory of Linux that goes with the last process that has it, however that ends.

    Other shared memory remains for ever when all its processes are killed at once. Its name leads
    through the process that made it.
    """

    def __init__(self, descriptor: int) -> None:
        self.name = f"/proc/{os.getpid()}/fd/{descriptor}"
        self.buf = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._descriptor = descriptor

    @classmethod
    def create(cls, size: int) -> Self:
        """New memory of so many bytes."""
        descriptor = os.memfd_create("picfuse")
        os.ftruncate(descriptor, size)
        return cls(descriptor)

    @classmethod
    def attach(cls, name: str) -> Self:
        """The memory of another process."""
        return cls(os.open(name, os.O_RDWR))

    def close(self) -> None:
        """Give it back."""
        self.buf.close()
        os.close(self._descriptor)

    def unlink(self) -> None:
        """It needs no deletion."""


Memory: TypeAlias = SharedMemory | AnonymousMemory


def _new_memory(size: int) -> Memory:
    if hasattr(os, "memfd_create"):
        return AnonymousMemory.create(size)
    return SharedMemory(create=True, size=size)


def _memory(name: str) -> Memory:
    return AnonymousMemory.attach(name) if name.startswith("/proc/") else SharedMemory(name)


@dataclass(frozen=True, slots=True)
class Slots:
    """One block; `pixels` has the shape `(slots, size, size, 3)`, `hashes` `(slots, 16)`."""

    block: Memory
    pixels: NDArray[np.uint8]
    hashes: NDArray[np.uint8]

    @classmethod
    def create(cls, workers: int, size: int) -> Self:
        """A new block for pictures of `size` pixels a side."""
        count = max(2 * workers, min(IN_FLIGHT, _BLOCK_BYTES // (size * size * 3)))
        block = _new_memory(count * (size * size * 3 + _DIGEST))
        return cls._over(block, count, size)

    @classmethod
    def attach(cls, name: str, count: int, size: int) -> Self:
        """The block of another process."""
        return cls._over(_memory(name), count, size)

    @classmethod
    def _over(cls, block: Memory, count: int, size: int) -> Self:
        buffer = block.buf
        pixels = np.ndarray((count, size, size, 3), np.uint8, buffer=buffer)
        hashes = np.ndarray((count, _DIGEST), np.uint8, buffer=buffer, offset=pixels.nbytes)
        return cls(block, pixels, hashes)

    def clear(self, slot: int) -> None:
        """Forget the hash of the task before."""
        self.hashes[slot] = 0

    def note(self, slot: int, digest: bytes) -> None:
        """Keep the hash of the file that was read."""
        self.hashes[slot] = np.frombuffer(digest, np.uint8)

    def digest(self, slot: int) -> bytes | None:
        """The hash of the file that was read, if it was."""
        found = self.hashes[slot].tobytes()
        return found if any(found) else None
