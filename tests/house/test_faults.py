"""Whatever goes wrong on the way: what is committed stays, and what is a cache is built again."""

import random
import sys

import pytest
from failing_calls import Plan, build, run_cases
from faults import ENCODER, OPENER, Pictures, decoding_here, faults
from kills import Killing

from indexer import Library, index_folder
from indexer.doctor import examine, repair
from indexer.encoders import registry
from indexer.library import segments
from indexer.pictures.thumbnails import read_thumbnail

DAMAGES = 200
posix_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are stopped and looked at as on Linux"
)


@pytest.fixture(autouse=True)
def _projection_encoder(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, ENCODER, OPENER)


@pytest.fixture
def killing(tmp_path) -> Killing:
    """A folder of 150 pictures, and runs of indexing to be killed."""
    return Killing(tmp_path, 150, seed=7)


@posix_only
def test_kill_at_any_moment_loses_nothing_that_was_committed(killing):
    kills = [
        killing.kill_while_made(),
        killing.kill_while_saved(),
        killing.kill_anywhere(),
        killing.kill_anywhere(),
    ]
    assert [kill.flaws for kill in kills if kill] == [[] for kill in kills if kill]
    made, saved, *_ = kills
    assert made is not None  # these two are killed by what they do, not by the clock
    assert saved is not None
    assert saved.committed > 150
    assert killing.finish() == []
    assert killing.left_over() == []


@posix_only
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with its workers"])
def test_killed_run_leaves_neither_processes_nor_shared_memory(tmp_path, alone):
    kill = Killing(tmp_path, 150, seed=7, measure=False).kill_while_decoding(alone=alone)
    assert kill is not None
    assert kill.flaws == []


@pytest.fixture
def segmented_library(tmp_path, monkeypatch):
    """The path of a library of 60 pictures, with its vector index in several segments."""
    monkeypatch.setattr(segments, "SEGMENT", 6)
    pictures = Pictures(tmp_path / "pictures", seed=3)
    pictures.add(60)
    with decoding_here():
        with Library.create(tmp_path / "library", encoder=ENCODER) as library:
            index_folder(library, pictures.folder)
        yield tmp_path / "library"


def damage(content: bytes, chance: random.Random) -> bytes:
    """The content cut at some place, or with one bit turned over."""
    if chance.random() < 0.5:
        return content[: chance.randrange(len(content))]
    place, changed = chance.randrange(len(content)), bytearray(content)
    changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def rows_of(library: Library) -> dict[int, bytes]:
    """The fused row of each picture, as it is searched."""
    index = library.index.verified()
    return {key: row.tobytes() for key, row in zip(index.keys.tolist(), index.rows, strict=True)}


def damaged_by(findings, check: str) -> int:
    """Number of files that a check of the doctor found damaged."""
    return sum(found.count for found in findings if found.check == check and found.serious)


def test_every_damage_to_the_vector_index_is_found_and_built_again(segmented_library):
    chance, damages = random.Random(11), 0
    with Library.open(segmented_library) as library:
        expected = rows_of(library)
        assert faults(library) == []
    while damages < DAMAGES:
        files = sorted(segmented_library.glob("vectors-*.rows"))
        chosen = chance.sample(files, chance.randint(5, len(files)))
        damages += len(chosen)
        for file in chosen:
            file.write_bytes(damage(file.read_bytes(), chance))
        with Library.open(segmented_library) as library:
            assert damaged_by(examine(library), "vectors") == len(chosen)
            assert rows_of(library) == expected
            assert index_folder(library).unchanged == 60
    with Library.open(segmented_library, read_only=True) as library:
        assert rows_of(library) == expected
        assert faults(library) == []


def test_every_damage_to_a_thumbnail_is_found_and_repaired(segmented_library):
    chance = random.Random(12)
    files = sorted(segmented_library.glob("thumbnails/*/*.jpg"))
    sound = {file: file.read_bytes() for file in files}
    with Library.open(segmented_library) as library:
        for _ in range(DAMAGES // 20):
            for file in chance.sample(files, 20):
                file.write_bytes(damage(sound[file], chance))
                assert read_thumbnail(file) is None
            findings = examine(library)
            assert damaged_by(findings, "thumbnails") == 20
            repair(library, findings)
            assert {file: file.read_bytes() for file in files} == sound
        assert faults(library) == []


def test_no_failing_call_to_the_file_system_loses_a_commit(tmp_path):
    preloaded = build(tmp_path)
    if preloaded is None:
        pytest.skip("calls are made to fail by a preloaded library: needs Linux and a C compiler")
    plans = [
        Plan("once", "ENOSPC", 1, 11),
        Plan("once", "EIO", 4, 54),
        Plan("from", "ENOSPC", 10, 54),
        Plan("short", "ENOSPC", 6, 54),
    ]
    counted, *cases = run_cases(preloaded, tmp_path / "room", plans)
    assert counted["calls"] > 150
    assert [case for case in cases if case["flaws"]] == []
    struck = [case["hit"] for case in cases if case["mode"] != "short"]
    assert all(struck)
    for part in ("catalogue.sqlite-wal", "vectors-", "thumbnails/"):
        assert any(part in hit for hit in struck), part
    assert any(case["raised"] for case in cases)
    assert max(case["commits"] for case in cases) > 3
