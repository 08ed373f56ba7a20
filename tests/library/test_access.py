"""Who may write, who may read, and what a killed process leaves: locks, media, journals."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest
from command_line import command, interrupted, process

from indexer import IndexOptions, Library, index_folder, indexing
from indexer.catalogue import database, filesystems
from indexer.catalogue.database import FILE
from indexer.doctor import examine, repair
from indexer.errors import LibraryError, LibraryLocked, LibraryNotFound
from indexer.library.directory import LOCK, is_vacant
from indexer.library.locking import only_writer
from search import Searcher

QUICK = IndexOptions(workers=1)
Mount = namedtuple("Mount", "mountpoint fstype opts")


def names(library, query, k=1):
    return [hit.path.name for hit in Searcher(library).search(query, k=k).hits]


# One writer at a time


def test_second_indexer_is_told_and_damages_nothing(colour_library, paint, monkeypatch):
    monkeypatch.setattr("indexer.catalogue.database.BUSY_SECONDS", 0.05)
    paint("white.png")
    with only_writer(colour_library.path), Library.open(colour_library.path) as second:
        with pytest.raises(LibraryLocked, match="another picfuse is changing this library"):
            index_folder(second, options=QUICK)
        assert names(second, "red") == ["red.png"]  # searching goes on
    assert index_folder(colour_library, options=QUICK).added == 1
    assert examine(colour_library) == []


def test_lock_goes_with_the_process_that_held_it(colour_library, subprocess_environment):
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from indexer.library.locking import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(colour_library.path)],
        stdout=subprocess.PIPE,
        env=subprocess_environment,
    )
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with only_writer(colour_library.path):
        assert (colour_library.path / LOCK).exists()


def test_indexing_gives_the_lock_back_when_it_is_stopped(colour_library, paint):
    paint("white.png")
    steps = indexing(colour_library, options=QUICK)
    next(steps)
    steps.close()
    with only_writer(colour_library.path):
        pass


def test_readers_read_while_a_batch_is_written(colour_library):
    with Library.open(colour_library.path, read_only=True) as reader, colour_library.writing() as b:
        b.settings.set("something", "new")
        assert names(reader, "blue") == ["blue.png"]
        assert reader.catalogue.setting("something") is None


def test_sigterm_ends_after_the_batch_and_leaves_no_picture_failed(
    pictures, paint, tmp_path, subprocess_environment
):
    for number in range(200):
        paint(f"{number}.png", (number, 0, 0))
    words = ["index", pictures, "--library", tmp_path / "home", "--model", "colour"]
    sent = signal.SIGTERM  # to the whole group, as systemd does
    status, out, err = interrupted(
        sent, *words, library=tmp_path / "home", environment=subprocess_environment
    )
    assert status == 143
    assert err == "picfuse: interrupted; run the same command again to continue\n"
    assert ", 0 failed" in out
    again = process(*words, environment=subprocess_environment)
    assert again.returncode == 0, again.stderr
    assert ", 0 failed" in again.stdout
    with Library.open(tmp_path / "home") as library:
        assert len(library.vectors()) == 200


# A library that was killed while it was made


def test_creation_that_ends_anywhere_is_no_obstacle(tmp_path, monkeypatch):
    """SQLite is stopped at each statement in turn; what is left there is nothing, or a library."""
    home = tmp_path / "home"
    for limit in range(200):
        with monkeypatch.context() as patch:
            patch.setattr(database, "_connection", _interrupted_after(limit))
            try:
                Library.create(home, encoder="colour").close()
            except LibraryError:
                assert is_vacant(home)
                with pytest.raises(LibraryNotFound, match="no library here"):
                    Library.open(home)
                continue
        assert limit > 20
        with Library.open(home) as made:
            assert examine(made) == []
        return
    raise AssertionError("never made")


def _interrupted_after(limit):
    """Connections that carry out so many statements, as long as they are for writing."""
    real, left = database._connection, [limit]

    def connect(folder, mode, *options):
        connection = real(folder, mode, *options)

        def count(statement):
            left[0] -= 1
            if left[0] < 0:
                connection.interrupt()

        if mode == "rwc":
            connection.set_trace_callback(count)
        return connection

    return connect


def test_empty_catalogue_is_a_place_for_a_new_library(tmp_path):
    (tmp_path / FILE).touch()
    assert is_vacant(tmp_path)
    with Library.create(tmp_path, encoder="colour") as made:
        assert len(made.vectors()) == 0


@pytest.mark.parametrize("name", ["photo.jpg", FILE + ".bak"])
def test_directory_with_something_else_is_no_place_for_a_library(tmp_path, name):
    (tmp_path / FILE).touch()
    (tmp_path / name).touch()
    assert not is_vacant(tmp_path)


# Media


def unshared(*words):
    """Words that run a command where mounts are its own; the test is skipped where that is not."""
    unshare = shutil.which("unshare")
    if unshare is None or sys.platform != "linux":
        pytest.skip("no unshare here: no read-only medium can be made")
    start = [unshare, "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*start, "true"], capture_output=True).returncode:
        pytest.skip("mounts of one's own are not allowed here")
    return [*start, *words]


def on_read_only_medium(library, environment, *words):
    """Run picfuse with its library on a read-only mount."""
    line = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    run = subprocess.run(
        unshared("sh", "-c", line, "sh", str(library), *command(*words, "--library", library)),
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    if "mount:" in run.stderr:
        pytest.skip(f"no read-only mount here: {run.stderr.strip()}")
    return run


def test_library_on_a_read_only_medium_is_searched(colour_library, subprocess_environment):
    colour_library.close()
    before = sorted(os.listdir(colour_library.path))
    for words in (["search", "red", "-k", "1", "-0"], ["status"], ["doctor"]):
        run = on_read_only_medium(colour_library.path, subprocess_environment, *words)
        assert run.returncode == 0, run.stderr
        assert run.stdout
    assert sorted(os.listdir(colour_library.path)) == before


def test_writing_to_a_read_only_medium_says_so(
    colour_library, colour_pictures, subprocess_environment
):
    colour_library.close()
    run = on_read_only_medium(colour_library.path, subprocess_environment, "index", colour_pictures)
    assert run.returncode == 3
    assert "not writable; make it writable" in run.stderr
    assert "Traceback" not in run.stderr


def test_journal_that_waits_on_a_read_only_medium_is_read_or_explained(
    colour_library, subprocess_environment, tmp_path
):
    """A killed writer leaves a journal; `immutable` would pass over it and show an old state."""
    copied = tmp_path / "copied"
    with colour_library.writing() as batch:
        batch.settings.set("something", "new")
    shutil.copytree(colour_library.path, copied)
    assert (copied / (FILE + "-wal")).stat().st_size > 0
    (copied / (FILE + "-shm")).unlink()
    run = on_read_only_medium(copied, subprocess_environment, "search", "red", "-k", "1")
    assert run.returncode in (0, 3)
    if run.returncode:
        assert "are still in a journal" in run.stderr


def test_writer_empties_the_journal_when_it_closes(colour_library):
    with colour_library.writing() as batch:
        batch.settings.set("something", "new")
    journal = colour_library.path / (FILE + "-wal")
    assert journal.stat().st_size > 0
    colour_library.close()
    assert not journal.exists() or journal.stat().st_size == 0


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("ext4", "rw", False),
        ("nfs4", "rw", True),
        ("cifs", "rw", True),
        ("smb3", "rw", True),
        ("9p", "rw", True),
        ("fuse.sshfs", "rw", True),
        ("fuseblk", "rw", False),
        ("NTFS", "rw,fixed", False),
        ("NTFS", "rw,remote", True),
    ],
)
def test_network_file_system_is_known_by_its_mount(monkeypatch, tmp_path, kind, options, expected):
    mounts = [
        Mount("/", "ext4", "rw"),
        Mount(str(tmp_path), kind, options),
        Mount(str(tmp_path) + "-other", "nfs", "rw"),
    ]
    monkeypatch.setattr(filesystems.psutil, "disk_partitions", lambda all: mounts)
    assert filesystems.is_network(tmp_path / "library") is expected
    assert not filesystems.is_network(Path("/usr"))


@pytest.mark.parametrize(("last", "expected"), [("nfs4", True), ("ext4", False)])
def test_last_of_several_mounts_on_one_place_is_the_one_that_counts(
    monkeypatch, tmp_path, last, expected
):
    mounts = [
        Mount("/", "ext4", "rw"),
        Mount(str(tmp_path), "autofs" if expected else "nfs4", "rw"),
        Mount(str(tmp_path), last, "rw"),
    ]
    monkeypatch.setattr(filesystems.psutil, "disk_partitions", lambda all: mounts)
    assert filesystems.is_network(tmp_path / "library") is expected


def journal_mode(library):
    with closing(sqlite3.connect(library / FILE)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_library_on_a_network_file_system_has_no_shared_memory(
    tmp_path, monkeypatch, colour_pictures
):
    monkeypatch.setattr(filesystems, "is_network", lambda folder: True)
    with Library.create(tmp_path / "library", encoder="colour") as library:
        index_folder(library, colour_pictures, options=QUICK)
        assert not (library.path / (FILE + "-shm")).exists()
        assert names(library, "red") == ["red.png"]
    assert journal_mode(tmp_path / "library") == "delete"


@pytest.fixture
def crowded(tmp_path, monkeypatch, colour_pictures):
    """A library with a rollback journal and 5 MB of embeddings that nothing needs.

    To delete so much SQLite writes before its transaction ends; from then on nobody else may read.
    """
    monkeypatch.setattr(filesystems, "is_network", lambda folder: True)
    monkeypatch.setattr("indexer.catalogue.database.BUSY_SECONDS", 0.05)
    with Library.create(tmp_path / "library", encoder="colour") as library:
        index_folder(library, colour_pictures, options=QUICK)
        rows = [(library.encoder_id, number.to_bytes(16, "big")) for number in range(5_000)]
        with closing(sqlite3.connect(library.path / FILE)) as connection:
            connection.executemany(
                "INSERT INTO embeddings (encoder_id, modality, hash, vector) "
                "VALUES (?, 'image', ?, zeroblob(1024))",
                rows,
            )
            connection.commit()
        yield library


def test_large_pruning_with_a_rollback_journal_is_not_in_its_own_way(crowded):
    index_folder(crowded, options=IndexOptions(workers=1, prune=True))
    assert crowded.embeddings.count(crowded.encoder_id) == 7
    assert names(crowded, "red") == ["red.png"]


def test_large_repair_with_a_rollback_journal_is_not_in_its_own_way(crowded):
    with closing(sqlite3.connect(crowded.path / FILE)) as connection:
        connection.execute("DELETE FROM embeddings WHERE modality = 'image' AND id < 3")
        connection.execute("UPDATE embeddings SET encoder_id = 77 WHERE length(vector) = 1024")
        connection.execute("UPDATE encoders SET golden_image = NULL, golden_text = NULL")
        connection.commit()
    repair(crowded, examine(crowded))
    index_folder(crowded, options=QUICK)
    assert examine(crowded) == []
    assert crowded.embeddings.count(crowded.encoder_id) == 7


def test_library_that_comes_from_a_network_gets_a_quick_journal_again(
    tmp_path, monkeypatch, colour_library
):
    colour_library.close()
    assert journal_mode(colour_library.path) == "wal"
    with monkeypatch.context() as patch:
        patch.setattr(filesystems, "is_network", lambda folder: True)
        Library.open(colour_library.path).catalogue.counts()
    assert journal_mode(colour_library.path) == "delete"
    with Library.open(colour_library.path) as opened:
        opened.catalogue.counts()
    assert journal_mode(colour_library.path) == "wal"


def test_library_that_cannot_be_locked_is_an_error(colour_library, monkeypatch):
    (colour_library.path / LOCK).unlink(missing_ok=True)
    (colour_library.path / LOCK).mkdir()
    with pytest.raises(LibraryError, match="make it writable"), only_writer(colour_library.path):
        raise AssertionError("locked")
