"""The plan for very large collections: docs/scale.md shows what its module computes."""

import sys
from dataclasses import replace

from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from fixtures.scale import (
    ENCODING,
    SERVING,
    SIZES,
    Assumptions,
    gpu_dollars,
    hnsw_gb,
    rounded,
    serving_cores,
    shards,
    table,
)

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_page_shows_the_tables_as_computed():
    for figures in (ENCODING, SERVING):
        assert "\n".join(table(figures, Assumptions())) in PAGE


def test_costs_grow_with_the_pictures_and_fall_with_the_rates():
    given = Assumptions()
    faster = replace(given, gpu_rate=2 * given.gpu_rate, decode_rate=2 * given.decode_rate)
    for pictures in SIZES:
        assert gpu_dollars(2 * pictures, given) > gpu_dollars(pictures, given)
        assert gpu_dollars(pictures, faster) < gpu_dollars(pictures, given)
        assert shards(pictures, given) * given.shard_rows >= pictures


def test_pictures_without_captions_need_one_vector():
    given, bare = Assumptions(), Assumptions(captioned=0.0)
    assert hnsw_gb(10**6, given) == 2 * hnsw_gb(10**6, bare)
    assert serving_cores(10**6, given) == 2 * serving_cores(10**6, bare)


def test_figures_have_two_digits():
    assert [rounded(n) for n in (0.0867, 4.36, 43.6, 2600, 99_600)] == [
        "0.087", "4.4", "44", "2,600", "100,000",
    ]  # fmt: skip
