"""Ray: started quietly on this machine, or joined where it runs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from indexer.errors import InputError, ModelError
from indexer.kinds.extras import CLUSTER_EXTRA, extra_module
from indexer.pictures.quiet import quietly
from indexer.shards.places import first_line

STORE_BYTES = 256 << 20  # of shared memory for objects: only names and counts are sent
ANSWER_SECONDS = 5  # for a server to accept a connection
_LONGEST_TEMPORARY = 40  # letters: Ray's sockets lie deep in it, and have at most 107
_PRINTS = "print_to_stdstream"  # in Ray's worker module
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # a thread that still runs at the end would start it again
}


@contextmanager
def ray_session(address: str | None = None) -> Iterator[ModuleType]:
    """Ray, until the end of the context: that at an address ("auto" finds one here), or a new one.

    One that this process has joined already is used as it is. Raises `ModelError` without the
    packages of the extra, and `InputError` for an address at which nothing answers.
    """
    for name, value in _QUIET.items():  # before Ray is imported
        os.environ.setdefault(name, value)
    ray = extra_module("ray", CLUSTER_EXTRA, "encoding on many machines")
    extra_module("ray.data", CLUSTER_EXTRA, "encoding on many machines")
    if ray.is_initialized():
        yield ray
        return
    handlers = _handlers()
    try:
        with _silenced(), _started(ray) if address is None else _joined(ray, address):
            _restore(handlers)
            yield ray
    finally:
        _restore(handlers)


@contextmanager
def _started(ray: ModuleType) -> Iterator[None]:
    """Ray on this machine alone; nothing of it is left at the end."""
    folder = _temporary()
    try:
        with _unexpected("Ray does not start on this machine"):
            _init(
                ray,
                address="local",
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                _temp_dir=folder,
            )
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _joined(ray: ModuleType, address: str) -> Iterator[None]:
    _check_address(address)
    try:
        with _unexpected(f"{address}: cannot be joined"):
            _init(ray, address=address)
        yield
    finally:
        ray.shutdown()


def _init(ray: ModuleType, **options: Any) -> None:
    with quietly():  # its C++ part says that it will be quiet
        ray.init(log_to_driver=False, logging_level="ERROR", **options)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep Ray from printing that a machine has died, and the like: standard output is not its."""
    worker = import_module("ray._private.worker")
    before = getattr(worker, _PRINTS, None)  # it has no public switch for this
    setattr(worker, _PRINTS, lambda *arguments, **options: None)
    try:
        yield
    finally:
        setattr(worker, _PRINTS, before)


@contextmanager
def _unexpected(what: str) -> Iterator[None]:
    """Turn whatever Ray raises into one line."""
    try:
        yield
    except ConnectionError as error:
        raise InputError(f"{what}: {first_line(error)}") from error
    except (RuntimeError, ValueError, OSError, TimeoutError) as error:
        raise ModelError(f"{what}: {first_line(error)}") from error


def _check_address(address: str) -> None:
    """Raise `InputError` unless something listens there: Ray itself would try for long."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address in ("auto", "local"):
        return
    if not host or not port.isdecimal():
        raise InputError(f"--address {address!r}: name HOST:PORT of Ray's head, or 'auto'")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InputError(
            f"--address {address}: nothing answers there ({reason}); name HOST:PORT of Ray's head "
            "(6379 by default)"
        ) from error


def _temporary() -> str:
    """A new folder with a short path."""
    usual = tempfile.gettempdir()
    is_long = len(usual) > _LONGEST_TEMPORARY and os.path.isdir("/tmp")  # noqa: PTH112
    return tempfile.mkdtemp(prefix="picfuse-", dir="/tmp" if is_long else None)


def _handlers() -> dict[int, Any]:
    """The handlers of signals, which Ray replaces; none outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
