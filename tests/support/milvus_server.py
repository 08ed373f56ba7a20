"""A Milvus server to test with: that of `PICFUSE_TEST_MILVUS`, or one in a container."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

VARIABLE = "PICFUSE_TEST_MILVUS"  # its address without a collection, as milvus://localhost:19530
IMAGE = "milvusdb/milvus:v2.6.0"
_ALONE = {  # one process, without the etcd and MinIO of an installation
    "ETCD_USE_EMBED": "true",
    "ETCD_DATA_DIR": "/var/lib/milvus/etcd",
    "COMMON_STORAGETYPE": "local",
    "DEPLOY_MODE": "STANDALONE",
}
_PATIENCE = 180  # seconds until it answers


@contextmanager
def milvus_server() -> Iterator[str]:
    """The address of a server; skips the test where there is none."""
    if address := os.environ.get(VARIABLE):
        yield address
        return
    engine = next(filter(None, map(shutil.which, ("docker", "podman"))), None)
    if engine is None or subprocess.run([engine, "info"], capture_output=True).returncode:
        pytest.skip(f"no Milvus server: {VARIABLE} names none, and no container engine runs")
    settings = [word for name, value in _ALONE.items() for word in ("--env", f"{name}={value}")]
    options = ["--detach", "--rm", "--publish", "127.0.0.1::19530", *settings]
    command = [engine, "run", *options, IMAGE, "milvus", "run", "standalone"]
    started = subprocess.run(command, capture_output=True, text=True)
    if started.returncode:
        pytest.skip(f"no Milvus server: {started.stderr.strip().splitlines()[-1]}")
    container = started.stdout.strip()
    try:
        port = subprocess.check_output([engine, "port", container, "19530"], text=True)
        yield f"milvus://{_answering(port.splitlines()[0])}"
    finally:
        subprocess.run([engine, "rm", "--force", container], capture_output=True)


def _answering(address: str) -> str:
    """The same address, once something listens there."""
    host, port = address.rsplit(":", 1)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return address
        time.sleep(1)
    raise TimeoutError(f"{address}: no Milvus after {_PATIENCE} s")
