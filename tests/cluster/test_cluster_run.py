"""Ray encodes on two machines: one dies, the head is killed, and nothing is lost or twice."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest
from command_line import command, refusal
from PIL import Image
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from indexer.cluster.claim import FILE, only_encoder
from indexer.encoders import load_encoder
from indexer.errors import LibraryError, LibraryLocked
from indexer.shards.manifest import StoreEncoder
from indexer.shards.store import Store

COLOURS = ("red", "green", "blue", "yellow", "purple", "white")
PICTURES = [b"%02d.png" % number for number in range(60)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of this module's pictures, stores, and of what machines need to know `colour`."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "pictures").mkdir()
    for number, name in enumerate(PICTURES):
        path = folder / "pictures" / os.fsdecode(name)
        Image.new("RGB", (20 + number, 20), COLOURS[number % 6]).save(path)
        path.with_suffix(".txt").write_text(f"a {COLOURS[number % 6]} wall")
    facts = folder / "site" / "colour_encoder-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: colour-encoder\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "[picfuse.encoders]\ncolour = colour_encoder:open_encoder\n"
    )
    return folder


@pytest.fixture(scope="module")
def machines(place):
    """A Ray cluster of a head, which encodes nothing, and of two machines with a core each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    root = os.path.abspath(f"{__file__}/../../..")
    paths = [root, f"{root}/tests/support", str(place / "site")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("COLOUR_GATE", str(place / "gate"))
        patch.delenv("RAY_ADDRESS", raising=False)
        small = {"object_store_memory": 80 << 20}
        cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, **small},
        )
        cluster.nodes = [cluster.add_node(num_cpus=1, **small) for _ in range(2)]
        cluster.wait_for_nodes()
        yield cluster
        cluster.shutdown()


def encode(machines, place, store, *options) -> list:
    return [
        *("cluster", "encode", place / "pictures", "--output", place / store, "--model", "colour"),
        *("--precision", "fp32", "--shard-pictures", "10", "--address", machines.address, *options),
    ]


def names_in(store) -> Counter:
    opened = Store.open(str(store), unfinished=True)
    return Counter(r.relative for name in opened.names() for b in opened.records(name) for r in b)


def started(words, environment):
    return subprocess.Popen(
        command(*words), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def await_shards(store, count, running):
    deadline = time.monotonic() + 120
    while len(list((store / "shards").glob("*.parquet"))) < count:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_head_and_dead_machine_lose_nothing_and_double_nothing(machines, place):
    store, gate = place / "store", place / "gate"
    gate.touch()  # while it is there, an actor encodes one batch, and waits with the next
    running = started(encode(machines, place, "store"), dict(os.environ))
    await_shards(store, 1, running)
    running.kill()  # the head
    running.wait()
    before = {path.stem for path in (store / "shards").glob("*.parquet")}
    with pytest.raises(LibraryError, match="only partly written"):
        Store.open(str(store))
    broken, *others = sorted(names_in(store))
    (place / "pictures" / os.fsdecode(broken)).write_bytes(b"nothing")  # its shard is stale now
    gone = next(name for name in PICTURES if name not in others and name != broken)
    (place / "pictures" / os.fsdecode(gone)).unlink()
    # The same command goes on; a machine dies meanwhile.
    running = started(encode(machines, place, "store", "--json"), dict(os.environ))
    await_shards(store, len(before) + 1, running)
    machines.remove_node(machines.nodes.pop(), allow_graceful=False)
    gate.unlink()
    out, err = running.communicate(timeout=150)
    assert running.returncode == 1, err  # one picture is broken
    report = json.loads(out)
    assert (report["failed"], report["shards"]["dropped"]) == (1, 1)
    assert report["failures"][0]["place"].endswith(os.fsdecode(broken))
    assert report["encoded"] + report["failed"] < len(PICTURES) or len(before) == 1
    Store.open(str(store))  # it is finished
    assert names_in(store) == Counter(PICTURES) - Counter([gone])
    assert not (store / FILE).exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["gone"], 2, "no such file or folder"),
        (["pictures", "--address", "127.0.0.1:1"], 2, "nothing answers there"),
        (["pictures", "--address", "nonsense"], 2, "name HOST:PORT"),
        (["pictures", "--columns", "x"], 2, "say which column"),
        (["pictures", "--model", "colour:2"], 3, "made with 'colour'"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, monkeypatch, pictures, arguments, status, said):
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "store"
    Store.create(str(store), StoreEncoder.of(load_encoder("colour")))
    model = [] if "--model" in arguments else ["--model", "colour"]
    words = ["cluster", "encode", *arguments, *model, "--precision", "fp32", "--output", store]
    assert said in refusal(*words, status=status)
    assert not (store / FILE).exists()


def test_missing_extra_is_named(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ["cluster", "encode", pictures, "--output", tmp_path / "store"]
    assert "pip install 'picfuse[cluster]'" in refusal(*words, status=3)
    assert not (tmp_path / "store").exists()


def test_one_run_at_a_time_writes_a_store(tmp_path):
    folder = SubTreeFileSystem(str(tmp_path), LocalFileSystem())
    claim = tmp_path / FILE
    now = {"host": "elsewhere", "process": 1, "renewed": time.time()}
    claim.write_text(json.dumps(now))
    with pytest.raises(LibraryLocked, match="on elsewhere"), only_encoder(folder, "store"):
        pass
    dead = subprocess.Popen(["true"])
    dead.wait()
    here = {"host": socket.gethostname(), "process": dead.pid}
    for old in ("{", json.dumps(now | {"renewed": 0}), json.dumps(now | here)):
        claim.write_text(old)
        with only_encoder(folder, "store"):
            assert json.loads(claim.read_text())["process"] == os.getpid()
        assert not claim.exists()
