"""Ray encodes on two machines: one dies, the head is killed, and nothing is lost or twice."""

import json
import os
import subprocess
import time
from collections import Counter

import pytest
from command_line import answered, command, refusal
from PIL import Image

from indexer.cluster.claim import FILE, only_encoder
from indexer.errors import LibraryLocked
from indexer.shards.manifest import StoreEncoder
from indexer.shards.store import Store

COLOURS = ("red", "green", "blue", "yellow", "purple", "white")
PICTURES = 60


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of this module's pictures, stores, and of what machines need to know `colour`."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "pictures").mkdir()
    for number in range(PICTURES):
        path = folder / "pictures" / f"{number:02}.png"
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
    opened = Store.open(str(store))
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
    expected = Counter(f"{number:02}.png".encode() for number in range(PICTURES))
    store, gate = place / "store", place / "gate"
    gate.touch()  # while it is there, an actor encodes one batch, and waits with the next
    running = started(encode(machines, place, "store"), dict(os.environ))
    await_shards(store, 1, running)
    running.kill()  # the head
    running.wait()
    before = {path.name for path in (store / "shards").glob("*.parquet")}
    with pytest.raises(Exception, match="only partly written"):
        Store.open(str(store))
    # The same command goes on; a machine dies meanwhile.
    running = started(encode(machines, place, "store", "--json"), dict(os.environ))
    await_shards(store, len(before) + 1, running)
    machines.remove_node(machines.nodes.pop(), allow_graceful=False)
    gate.unlink()
    out, err = running.communicate(timeout=150)
    assert running.returncode == 0, err
    assert names_in(store) == expected
    assert before <= {path.name for path in (store / "shards").glob("*.parquet")}
    assert 1 <= len(before) <= json.loads(out)["shards"]["kept"] < 6
    assert not (store / FILE).exists()
    # Once more: nothing is left to do.
    again = answered(*encode(machines, place, "store"))
    assert (again["encoded"], again["shards"]["written"]) == (0, 0)
    # A picture less, and one that is broken: only their shards are written again.
    (place / "pictures" / "07.png").unlink()
    (place / "pictures" / "33.png").write_bytes(b"nothing")
    changed = answered(*encode(machines, place, "store"), status=1)
    assert changed["failed"] == 1
    assert changed["failures"][0]["place"].endswith("33.png")
    assert changed["shards"]["dropped"] == changed["shards"]["written"] <= 4
    assert names_in(store) == expected - Counter([b"07.png"])
