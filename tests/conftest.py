"""Fixtures that all tests share: a library of plain colours, and the folder of real photographs."""

import os
import sys
import tempfile
from contextlib import nullcontext
from functools import wraps
from importlib import import_module
from pathlib import Path

import colour_encoder
import pytest
from faults import decoding_here
from hypothesis import HealthCheck, settings
from pebble.common import CONSTS
from PIL import Image

from indexer import IndexOptions, Library, index_folder
from indexer.captions import digest
from indexer.catalogue import database
from indexer.encoders import registry

settings.register_profile(  # Hypothesis's limits of time measure the machine, not the code
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
SLOW = (  # files of tests that take longest, the slowest first
    "test_cluster_run", "test_cli_train", "test_browser", "test_training", "test_app",
    "test_faults", "test_exports",
    "test_segments", "test_watch", "test_exported", "test_decoding", "test_compressed",
    "test_paging", "test_peers", "test_history", "test_precision", "test_mini", "test_explaining",
    "test_pipeline", "test_excluding", "test_cli_tags", "test_searcher", "test_tagging",
    "test_wheel", "test_docs", "test_heads", "test_access", "test_app_results", "test_cli_index",
    "test_rescue", "test_trust", "test_albums", "test_doctor",
)  # fmt: skip

WITH_WORKERS = {  # folders and files of tests of how pictures are indexed
    "app", "doctor", "house", "pictures", "recognition",
    "test_cli_doctor", "test_cli_index", "test_cli_process",
}  # fmt: skip


def pytest_collection_modifyitems(items):
    """The slow files come first, so that no process is left alone with one of them at the end.

    It needs xdist's `--no-loadscope-reorder`; of itself it begins with the files of most tests.
    """
    places = {name: place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: places.get(item.path.stem, len(SLOW)))


@pytest.fixture(autouse=True, scope="session")
def _prompt_pools():
    """Pools of workers look more often whether they are to end: hundreds of them are awaited."""
    CONSTS.sleep_unit = 0.01


@pytest.fixture(autouse=True, scope="module")
def _decoding_here(request):
    """Decodes in this process where a library is only what a test begins with.

    Starting workers takes longer than such a test; they are used where indexing is the subject.
    """
    path = request.path
    within = path.parent.name not in WITH_WORKERS and path.stem not in WITH_WORKERS
    with decoding_here() if within else nullcontext():
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_syncing():
    """Nothing in this process waits for the disk: no test cuts the power, and a sync takes 5 ms."""
    connect = database._writing_connection

    @wraps(connect)
    def unsynced(*where):
        connection = connect(*where)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_writing_connection", unsynced)
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def _old_caption_files(monkeypatch):
    """Caption files that a test has just written are trusted as if they were older."""
    monkeypatch.setattr(digest, "GRANULE", 0)
    monkeypatch.setattr(digest, "AHEAD", 0)


@pytest.fixture(autouse=True)
def _own_data_directory(monkeypatch, tmp_path_factory):
    """No test touches the user's library or is changed by their environment."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "user-data"))
    monkeypatch.delenv("PICFUSE_LIBRARY", raising=False)


@pytest.fixture(autouse=True)
def _colour_encoder(monkeypatch):
    """`colour` is an encoder like those built in."""
    monkeypatch.setitem(registry.BUILT_IN, "colour", "colour_encoder:open_encoder")
    monkeypatch.setattr(colour_encoder, "VERSION", ["1"])


@pytest.fixture
def pictures(tmp_path) -> Path:
    """An empty folder for pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def paint(pictures):
    """Paint a picture of one colour: `paint("red.png", caption="a red wall")`; its path."""

    def painted(name, colour=None, *, caption=None):
        path = pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = colour or path.stem.split("-")[0]
        with path.open("wb") as file:  # names need not be UTF-8: Pillow cannot open those
            Image.new("RGB", (16, 12), colour).save(file, "PNG")
        if caption is not None:
            path.with_suffix(".txt").write_text(caption)
        return path

    return painted


@pytest.fixture
def colour_pictures(paint, pictures) -> Path:
    """Pictures in red, green, blue, black and yellow; the last two have captions."""
    for name in ("red.png", "green.png", "blue.png"):
        paint(name)
    paint("black.png", caption="black cat")
    paint("yellow.png", caption="blue boat")
    return pictures


@pytest.fixture
def library(tmp_path):
    """An empty library of the colour encoder."""
    with Library.create(tmp_path / "library", encoder="colour") as made:
        forget_counts(made)
        yield made


@pytest.fixture
def colour_library(library, colour_pictures) -> Library:
    """A library of `colour_pictures`."""
    with decoding_here():
        report = index_folder(library, colour_pictures, options=IndexOptions(workers=1))
    assert report.added == 5
    forget_counts(library)
    return library


def forget_counts(library: Library) -> None:
    """Begin to count anew what the library's encoder encodes."""
    library.encoder.images = library.encoder.texts = 0


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photographs; the tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PICFUSE_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no photographs for tests at {folder} (PICFUSE_TEST_DATA names the folder)")
    return folder


@pytest.fixture
def subprocess_environment(tmp_path) -> dict[str, str]:
    """Environment for a new Python that knows this checkout and the colour encoder."""
    site = tmp_path / "site"
    facts = site / "colour_encoder-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: colour-encoder\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "[picfuse.encoders]\ncolour = colour_encoder:open_encoder\n"
    )
    paths = [str(ROOT), str(ROOT / "tests" / "support"), str(site), *filter(None, sys.path)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A library of forty pictures and its copy in a file of milvus-lite, made once."""
    return import_module("milvus_collections").make(tmp_path_factory.mktemp("milvus"))


@pytest.fixture
def short_folder():
    """A folder with a short path: those of sockets have at most some hundred letters."""
    with tempfile.TemporaryDirectory(prefix="pf-") as folder:
        yield Path(folder)
