"""Shared memory between the decoding workers and the encoder: pixels and hashes, in slots.

A task occupies a slot until its pixels are copied out or its worker is dead. The hash of a file is
written as soon as the file is read, so it outlives a worker that decoding kills.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

MAX_TASKS = 64  # at a time: enough to keep the workers busy while a batch is encoded
_BLOCK_BYTES = 32 * 2**20  # a container often has no more than 64 MB of shared memory
_DIGEST = 16


class AnonymousMemory:
    """Shared memory of Linux that is freed with the last process that uses it, however it ends.

    Other shared memory stays for ever if all its processes are killed at once. The name is a path
    through the process that created it.
    """

    def __init__(self, descriptor: int) -> None:
        self.name = f"/proc/{os.getpid()}/fd/{descriptor}"
        self.buf = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._descriptor = descriptor

    @classmethod
    def create(cls, size: int) -> Self:
        """New memory of `size` bytes."""
        descriptor = os.memfd_create("picfuse")
        os.ftruncate(descriptor, size)
        return cls(descriptor)

    @classmethod
    def attach(cls, name: str) -> Self:
        """The memory of another process."""
        return cls(os.open(name, os.O_RDWR))

    def close(self) -> None:
        """Let go of it; the last process frees it."""
        self.buf.close()
        os.close(self._descriptor)

    def unlink(self) -> None:
        """Do nothing: this memory needs no deletion."""


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
        count = max(2 * workers, min(MAX_TASKS, _BLOCK_BYTES // (size * size * 3)))
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
        """Erase the hash of the previous task."""
        self.hashes[slot] = 0

    def note(self, slot: int, digest: bytes) -> None:
        """Store the hash of the file that was read."""
        self.hashes[slot] = np.frombuffer(digest, np.uint8)

    def digest(self, slot: int) -> bytes | None:
        """The hash of the slot's file; None if it was not read."""
        digest = self.hashes[slot].tobytes()
        return digest if any(digest) else None
