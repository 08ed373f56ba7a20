"""A picture of a stranger costs only itself: its time, its memory and its worker."""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from colour_encoder import ColourEncoder
from odd_pictures import encoded, gradient, png_claiming

from indexer.errors import PictureError
from indexer.pictures.sandbox import Sandbox, prepared

TRANSFORM = ColourEncoder.transform


def test_sandbox_prepares_pictures_and_survives_the_death_of_its_worker():
    content = encoded("JPEG")
    expected = prepared(content, TRANSFORM, 10**8)
    sandbox = Sandbox()
    try:
        assert np.array_equal(sandbox.prepare(content, TRANSFORM).pixels, expected.pixels)
        (worker,) = sandbox._pool._pool_manager.worker_manager.workers.values()
        worker.terminate()
        assert np.array_equal(prepared_at_last(sandbox, content), expected.pixels)
    finally:
        sandbox.close()


def prepared_at_last(sandbox, content):
    """The pixels of a picture, once the pool has noticed what happened to its worker."""
    until = time.monotonic() + 60
    while True:
        try:
            return sandbox.prepare(content, TRANSFORM).pixels
        except PictureError:
            if time.monotonic() > until:
                raise


@pytest.mark.skipif(sys.platform == "win32", reason="no worker can be suspended there")
def test_closed_sandbox_lets_nobody_wait():
    content, sandbox = encoded("JPEG"), Sandbox()
    sandbox.prepare(content, TRANSFORM)
    (worker,) = sandbox._pool._pool_manager.worker_manager.workers.values()
    os.kill(worker.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sandbox.prepare, content, TRANSFORM)
        while not sandbox._pending:
            time.sleep(0.001)
        sandbox.close()
        with pytest.raises(PictureError, match="closing"):
            waiting.result(10)


def test_sandbox_refuses_what_is_too_much(tmp_path):
    bomb = png_claiming(tmp_path / "bomb.png", 20_000, 20_000).read_bytes()
    large = encoded("PNG", gradient(3000, 2000), compress_level=1)
    cases = [
        (Sandbox(), bomb, "pixels"),
        (Sandbox(), b"no picture", "."),
        (Sandbox(time_limit=0.01), large, "more than 0.01 s"),
    ]
    for sandbox, content, said in cases:
        with pytest.raises(PictureError, match=said):
            sandbox.prepare(content, TRANSFORM)
        sandbox.close()
