"""Decoding in worker processes: facts and pixels, and what a bad file costs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import odd_pictures
import pytest
from PIL import Image

from indexer.errors import PicfuseError
from indexer.metadata.fact import values_of
from indexer.pictures.decoding import (
    Decoded,
    DecodeFailure,
    DecodeSettings,
    Known,
    Outcome,
    decode_file,
)
from indexer.pictures.hashes import content_hash
from indexer.pictures.images import decode
from indexer.pictures.pool import DecodingPool
from indexer.pictures.thumbnails import thumbnail_path
from indexer.pictures.transform import ImageTransform

TRANSFORM = ImageTransform(32, "squash", "bicubic")


def by_name(path: bytes, settings: DecodeSettings) -> Outcome:
    """Decode a file, unless its name asks for trouble: stands in for a decoder with bugs."""
    name = Path(os.fsdecode(path)).stem.split("-")[0]
    if settings.note is not None:
        settings.note(content_hash(path))  # as decode_file does once it has read a file
    if name == "hang":
        while True:
            time.sleep(0.01)
    if name == "deaf":  # like a loop in C code, which no polite signal ends
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        time.sleep(600)
    if name == "exit":
        os._exit(7)
    if name == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "bug":
        raise KeyError("no such block")
    if name == "slow":
        wait_for(Path(os.fsdecode(path)).with_name("quick.done"))
    outcome = decode_file(path, settings)
    if name == "quick":
        Path(os.fsdecode(path)).with_name("quick.done").touch()
    return outcome


def wait_for(path):
    """Wait until a file is there; a minute at the most."""
    for _ in range(6000):
        if path.exists():
            return
        time.sleep(0.01)


class _Unstartable:
    """A task whose arrival kills the worker before it can take a picture."""

    def __reduce__(self):
        return os._exit, (3,)

    def __call__(self, path: bytes, settings: DecodeSettings) -> Outcome:
        raise AssertionError


def pool(thumbnails: Path | None = None, **options) -> DecodingPool:
    return DecodingPool(TRANSFORM, thumbnails, **{"workers": 2, **options})


def pictures(folder: Path, *names: str) -> list[tuple[str, bytes]]:
    return [(name, os.fsencode(odd_pictures.jpeg(folder / f"{name}.jpg"))) for name in names]


def outcomes(pool: DecodingPool, items: list[tuple[str, bytes]]) -> dict[object, Outcome]:
    found = list(pool.decode_all(items))
    assert len(found) == len(items)
    return {outcome.key: outcome for outcome in found}


def reason_of(outcome: Outcome) -> str:
    assert isinstance(outcome, DecodeFailure)
    return outcome.reason


# What a decoded picture holds


def test_decoded_picture_has_its_facts_and_pixels(tmp_path):
    path = odd_pictures.taken(tmp_path / "a.jpg", "2021:07:04 18:30:05")
    with pool() as workers:
        [decoded] = workers.decode_all([(17, os.fsencode(path))])
    assert isinstance(decoded, Decoded)
    assert decoded.key == 17
    assert decoded.content_hash == content_hash(path)
    assert (decoded.content.width, decoded.content.height, decoded.content.format) == (
        40,
        30,
        "JPEG",
    )
    assert values_of(decoded.content.metadata, "taken") == ["2021-07-04T18:30:05"]
    assert np.array_equal(decoded.pixels, TRANSFORM(decode(path)))


@pytest.mark.parametrize(
    "when", ["0000:00:00 00:00:00", "yesterday", "    ", "2021:02:30 10:00:00"]
)
def test_impossible_time_is_no_time(tmp_path, when):
    path = odd_pictures.taken(tmp_path / "a.jpg", when)
    outcome = decode_file(os.fsencode(path), DecodeSettings(TRANSFORM, None))
    assert isinstance(outcome, Decoded)
    assert values_of(outcome.content.metadata, "taken") == []


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_size_is_that_of_the_upright_picture_in_the_file(tmp_path, suffix):
    exif = Image.Exif()
    exif[odd_pictures.ORIENTATION] = 6
    odd_pictures.gradient(900, 600).save(tmp_path / f"a{suffix}", exif=exif)
    path = os.fsencode(tmp_path / f"a{suffix}")
    outcome = decode_file(path, DecodeSettings(TRANSFORM, None))
    assert isinstance(outcome, Decoded)
    assert (outcome.content.width, outcome.content.height) == (600, 900)


def test_captions_inside_the_picture_come_along(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "Two cats on a roof"
    path = odd_pictures.jpeg(tmp_path / "a.jpg", exif=exif)
    with pool() as workers:
        [decoded] = workers.decode_all([("a", os.fsencode(path))])
    assert isinstance(decoded, Decoded)
    assert [caption.text for caption in decoded.content.captions] == ["Two cats on a roof"]


def test_thumbnail_is_written_from_the_same_decoding(tmp_path):
    path = odd_pictures.jpeg(tmp_path / "a.jpg", 2000, 1500)
    with pool(tmp_path / "thumbnails") as workers:
        [decoded] = workers.decode_all([("a", os.fsencode(path))])
    assert isinstance(decoded, Decoded)
    assert decoded.content_hash is not None
    with Image.open(thumbnail_path(tmp_path / "thumbnails", decoded.content_hash)) as thumbnail:
        assert thumbnail.size == (320, 240)


def test_pixels_are_the_same_whether_the_thumbnail_is_there_or_not(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    settings = DecodeSettings(TRANSFORM, tmp_path / "thumbnails")
    path = os.fsencode(tmp_path / "a.jpg")
    first, second = decode_file(path, settings), decode_file(path, settings)
    assert isinstance(first, Decoded)
    assert isinstance(second, Decoded)
    assert thumbnail_path(tmp_path / "thumbnails", first.content_hash).is_file()
    assert np.array_equal(first.pixels, second.pixels)
    assert first.content.pixels_hash == second.content.pixels_hash


def test_thumbnail_that_cannot_be_written_spoils_nothing_else(tmp_path):
    (tmp_path / "thumbnails").write_text("in the way")
    settings = DecodeSettings(TRANSFORM, tmp_path / "thumbnails")
    outcome = decode_file(os.fsencode(odd_pictures.jpeg(tmp_path / "a.jpg")), settings)
    assert isinstance(outcome, Decoded)
    assert outcome.thumbnail_flaw.startswith("thumbnails cannot be written: ")


def test_known_content_is_hashed_and_not_decoded(tmp_path):
    path = os.fsencode(odd_pictures.truncated_jpeg(tmp_path / "a.jpg"))  # decoding would fail
    known = {"a": frozenset({content_hash(path), b"another"}), "b": frozenset({b"another"})}
    with pool() as workers:
        found = {o.key: o for o in workers.decode_all([("a", path), ("b", path)], known)}
    assert found["a"] == Known("a", content_hash(path))  # it carries no metadata
    assert isinstance(found["b"], DecodeFailure)


def test_names_may_be_any_bytes(tmp_path):
    names = [b"caf\xe9.jpg", b"line\nbreak.jpg"]
    items = []
    for name in names:
        path = os.fsencode(tmp_path) + b"/" + name
        odd_pictures.jpeg(tmp_path / "plain.jpg").rename(os.fsdecode(path))
        items.append((name, path))
    with pool() as workers:
        assert {type(outcome) for outcome in workers.decode_all(items)} == {Decoded}


# What a bad file costs


def test_each_bad_file_is_one_failure_with_one_reason(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.jpg")
    odd_pictures.truncated_jpeg(tmp_path / "truncated.jpg")
    odd_pictures.png_claiming(tmp_path / "huge.png", 50_000, 50_000)
    bad = {
        "empty.jpg": "empty file",
        "text.jpg": "not a picture",
        "pipe.jpg": "not a regular file",
        "truncated.jpg": "truncated: ",
        "huge.png": "50000 x 50000 pixels is over the limit",
        "gone.jpg": "no such file",
    }
    items = [(name, os.fsencode(tmp_path / name)) for name in bad]

    with pool() as workers:
        found = outcomes(workers, [*items, *pictures(tmp_path, "good")])

    assert isinstance(found["good"], Decoded)
    for name, start in bad.items():
        assert reason_of(found[name]).startswith(start)


def test_failure_knows_the_hash_of_a_file_that_could_be_read(tmp_path):
    path = odd_pictures.truncated_jpeg(tmp_path / "a.jpg")
    outcome = decode_file(os.fsencode(path), DecodeSettings(TRANSFORM, None))
    assert isinstance(outcome, DecodeFailure)
    assert outcome.content_hash == content_hash(path)


def test_crash_and_bug_cost_only_their_file(tmp_path):
    good = [f"good-{n}" for n in range(20)]
    items = pictures(tmp_path, "exit", *good[:10], "segfault", "bug", *good[10:])
    with pool(task=by_name) as workers:
        found = outcomes(workers, items)
    assert reason_of(found["exit"]) == "the decoder crashed (exit status 7)"
    assert reason_of(found["segfault"]) == "the decoder crashed (SIGSEGV)"
    assert reason_of(found["bug"]) == "the decoder failed: KeyError: 'no such block'"
    assert all(isinstance(found[name], Decoded) for name in good)


def test_every_file_may_crash(tmp_path):
    items = pictures(tmp_path, *(f"exit-{n}" for n in range(6)))
    with pool(task=by_name, workers=1, time_limit=2) as workers:
        found = outcomes(workers, items)
    assert all(isinstance(outcome, DecodeFailure) for outcome in found.values())


def test_hanging_file_is_stopped_at_the_time_limit(tmp_path):
    items = pictures(tmp_path, "hang", "deaf", "good")
    with pool(task=by_name, time_limit=1.5) as workers:
        found = outcomes(workers, items)
    for name in ("hang", "deaf"):
        assert (
            reason_of(found[name]) == "decoding took more than 1.5 s (to allow more: --time-limit)"
        )
    assert isinstance(found["good"], Decoded)


def test_memory_bomb_is_stopped_at_the_memory_limit(tmp_path):
    bomb = odd_pictures.png_claiming(tmp_path / "bomb.png", 15_000, 15_000, rows=15_000)
    items = [("bomb", os.fsencode(bomb)), *pictures(tmp_path, "good")]
    with pool(memory_limit=2**30) as workers:
        found = outcomes(workers, items)
    assert (
        reason_of(found["bomb"])
        == "decoding takes more than 1 GiB of memory (to allow more: --memory-limit)"
    )
    assert found["bomb"].content_hash == content_hash(bomb)
    assert isinstance(found["good"], Decoded)


def test_workers_that_cannot_start_are_an_error_not_a_wait(tmp_path):
    with pool(task=_Unstartable()) as workers, pytest.raises(PicfuseError, match="workers die"):
        list(workers.decode_all(pictures(tmp_path, "a")))


# How the pool behaves


def test_items_are_pulled_only_as_far_as_needed(tmp_path):
    [(_, path)] = pictures(tmp_path, "good")
    pulled = 0

    def items():
        nonlocal pulled
        for pulled in range(1, 10_000):
            yield pulled, path

    with pool() as workers:
        running = workers.decode_all(items())
        for taken in range(1, 100):
            assert isinstance(next(running), Decoded)
            assert pulled <= taken + 64
        running.close()


def test_quick_pictures_overtake_slow_ones(tmp_path):
    items = pictures(tmp_path, "slow", "quick")
    with pool(task=by_name) as workers:
        order = [outcome.key for outcome in workers.decode_all(items)]
    assert order == ["quick", "slow"]


def test_pixels_stay_when_the_pool_is_gone(tmp_path):
    items = pictures(tmp_path, *(f"good-{n}" for n in range(100)))
    with pool() as workers:
        found = list(workers.decode_all(items))
    expected = TRANSFORM(decode(tmp_path / "good-0.jpg"))
    assert all(
        isinstance(outcome, Decoded) and np.array_equal(outcome.pixels, expected)
        for outcome in found
    )


def test_pool_can_be_used_again_also_after_stopping_early(tmp_path):
    items = pictures(tmp_path, *(f"good-{n}" for n in range(30)))
    with pool() as workers:
        running = workers.decode_all(items)
        next(running)
        running.close()
        assert set(outcomes(workers, items)) == {key for key, _ in items}
        assert list(workers.decode_all([])) == []


def test_one_pool_does_not_decode_twice_at_once(tmp_path):
    items = pictures(tmp_path, "a", "b")
    with pool() as workers:
        running = workers.decode_all(items)
        next(running)
        with pytest.raises(RuntimeError, match="already decoding; use a second one"):
            next(workers.decode_all(items))


@pytest.mark.parametrize("end", ["close the generator", "leave the context", "raise in the source"])
def test_stopping_early_ends_hanging_workers_promptly(tmp_path, end):
    items = pictures(tmp_path, "good", "deaf-1", "deaf-2")

    def source():
        yield from items
        if end == "raise in the source":
            raise LookupError

    started = time.monotonic()
    workers = pool(task=by_name)
    running = workers.decode_all(source())
    if end == "raise in the source":
        with pytest.raises(LookupError):
            next(running)
    else:
        assert next(running).key == "good"
        if end == "close the generator":
            running.close()
    workers.close()
    assert time.monotonic() - started < 30  # a deaf worker sleeps for minutes


def test_generator_of_a_closed_pool_says_so(tmp_path):
    with pool() as workers:
        running = workers.decode_all(pictures(tmp_path, "a", "b", "c"))
        next(running)
    with pytest.raises(RuntimeError, match="closed"):
        list(running)


SCRIPT = """
import os, sys
print("top level")
from indexer.pictures.pool import DecodingPool
from indexer.pictures.transform import ImageTransform

with DecodingPool(ImageTransform(8, "squash", "bicubic"), None, workers=2) as pool:
    items = [(n, os.fsencode(sys.argv[1])) for n in range(100)]
    found = pool.decode_all(items)
    if sys.argv[2] == "all":
        print(sum(1 for _ in found))
    else:
        next(found)
        print("first")
"""


@pytest.mark.parametrize(("until", "said"), [("all", "100"), ("first", "first")])
def test_script_without_a_guard_runs_once_and_ends_quietly(tmp_path, until, said):
    picture = odd_pictures.jpeg(tmp_path / "a.jpg")
    (tmp_path / "script.py").write_text(SCRIPT)
    here = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", tmp_path / "script.py", picture, until],
        env={**os.environ, "PYTHONPATH": str(here)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split("\n")[:-1] == ["top level", said]
    assert done.stderr == ""  # no warning of leaked shared memory either


INTERRUPTED = """
import itertools, os, sys
from indexer.pictures.pool import DecodingPool
from indexer.pictures.transform import ImageTransform

print("ready", flush=True)
try:
    with DecodingPool(ImageTransform(8, "squash", "bicubic"), None, workers=2) as pool:
        for outcome in pool.decode_all((n, os.fsencode(sys.argv[1])) for n in itertools.count()):
            pass
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("delay", [0.1, 0.4, 1.5])  # seconds: while workers start, and at work
def test_ctrl_c_is_left_to_the_parent(tmp_path, delay):
    picture = odd_pictures.jpeg(tmp_path / "a.jpg")
    (tmp_path / "script.py").write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", picture],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.communicate(timeout=30) == ("interrupted\n", "")
