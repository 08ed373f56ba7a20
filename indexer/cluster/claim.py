"""One run at a time writes a store: its claim is a file in it, renewed while the run goes on."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import psutil
from pyarrow.fs import FileSystem

from indexer.errors import LibraryError, LibraryLocked

FILE = "writing.json"
RENEWAL = 20.0  # seconds between two renewals
EXPIRY = 90.0  # seconds without one, after which nobody is expected to write


@contextmanager
def only_encoder(folder: FileSystem, name: str) -> Iterator[None]:
    """Claim a store, given as the file system of its folder; `name` is shown.

    Raises `LibraryLocked` if another run writes to it: one whose process lives, if it is on this
    machine, or whose claim was renewed a short while ago. Storages have no locks: two runs that
    begin in the same instant may both go on, and write the same shards.
    """
    other = _read(folder)
    if other is not None and _is_alive(other):
        raise LibraryLocked(
            f"{name}: another run on {other.get('host')} writes to this store (process "
            f"{other.get('process')}); try again once it is done"
        )
    claim = {"run": uuid.uuid4().hex, "host": socket.gethostname(), "process": os.getpid()}
    _write(folder, claim, name)
    ended = Event()
    renewal = Thread(target=_renew, args=(folder, claim, name, ended), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        ended.set()
        renewal.join()
        with suppress(OSError):
            folder.delete_file(FILE)


def _read(folder: FileSystem) -> dict[str, Any] | None:
    try:
        with folder.open_input_stream(FILE) as file:
            claim = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return claim if isinstance(claim, dict) else None


def _write(folder: FileSystem, claim: dict[str, Any], name: str) -> None:
    try:
        with folder.open_output_stream(FILE) as file:
            file.write(json.dumps(claim | {"renewed": time.time()}).encode())
    except OSError as error:
        raise LibraryError(f"{name}: not writable ({error}); make it writable") from error


def _renew(folder: FileSystem, claim: dict[str, Any], name: str, ended: Event) -> None:
    while not ended.wait(RENEWAL):
        with suppress(LibraryError):  # the next one may succeed, and shards will tell
            _write(folder, claim, name)


def _is_alive(claim: dict[str, Any]) -> bool:
    """Whether the run of a claim goes on."""
    renewed = claim.get("renewed")
    if not isinstance(renewed, int | float) or abs(time.time() - renewed) > EXPIRY:
        return False
    if claim.get("host") != socket.gethostname():
        return True
    process = claim.get("process")
    return isinstance(process, int) and process != os.getpid() and psutil.pid_exists(process)
