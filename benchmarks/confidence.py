"""Quality of the confidence of a hit: is the answer here, and does 30 % mean 30 %?

    python benchmarks/confidence.py FOLDER --split dev.txt

FOLDER is Flickr8k. Either half of the pictures, a new draw for every repetition, are removed from
the library, and the captions of all pictures are queries; or, harder, the library keeps its size,
and for half of the queries only the right picture is removed. "fused" indexes the first caption of
each picture and searches with the others; "picture" has no captions. "words" searches with a word
or two of a caption, and all pictures whose captions have them are right. The figures are those of
the shipped calibration; "own captions" are those of a calibration that a library fits by itself,
with all captions except the last of each picture, which are the queries:

- AUROC: how well an answer's `present` tells queries whose picture is in the library from the
  others. Its ceiling is that of a detector that only knows whether the best hit is right: right
  ones come first, the rest in random order.
- ECE: expected calibration error, the mean distance between confidence and the share of right hits
  in 15 bins of equal width; of the best hits, of the first ten, and of `present`.
- hidden: the share of right answers among the first ten that are not shown by default; silent: the
  share of queries without an answer for which nothing is shown.

    python benchmarks/confidence.py FOLDER --split train.txt --write

fits the shipped calibration again, on the pictures of the split that were held out when the
built-in model was trained, and writes it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from fixtures.data import indexed_dataset
from numpy.typing import NDArray

from indexer import Library
from indexer.confidence.calibration import BUILT_IN, Calibration, built_in
from indexer.confidence.fitting import fit
from indexer.confidence.line import FUSED, PICTURE, probability
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries, words
from indexer.confidence.trials import Trial, TrialSetting, run_trial
from indexer.datasets.folder import held_out, read_split
from indexer.embedding import Ints
from indexer.encoders import Encoder
from indexer.fusion import fusions_for, open_fusion
from indexer.library.upkeep import read_pool
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION

HELD_OUT = 1 / 12  # of the pictures, when the built-in model was trained
SEEDS = 5  # calibrations whose mean is shipped: their captions are drawn at random
BINS = 15


def main() -> None:
    """Print the figures of the shipped calibration, or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path, default=Path("dev.txt"))
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="fit what is shipped, and write it")
    options = parser.parse_args()
    only = read_split(options.folder, options.split)
    only = held_out(only, HELD_OUT) if options.write else only
    pool, encoder = captioned_pool(options.folder, only)
    if options.write:
        _write(pool, encoder)
    else:
        _measure(pool, encoder, options.repeat)


def captioned_pool(folder: Path, only: frozenset[bytes]) -> tuple[Pool, Encoder]:
    """Captioned pictures of a data set and the built-in encoder.

    In the order of their names, so that figures are the same in any library.
    """
    with indexed_dataset(folder, only, encoder=DEFAULT_ENCODER) as library:
        return _pool(library), library.encoder


def _pool(library: Library) -> Pool:
    (folder,) = library.catalogue.folders()
    known = library.catalogue.known_pictures(folder.id)
    ids = np.sort(library.catalogue.present_ids())  # as rows are read
    pool, names = read_pool(library, ids), {p.id: name for name, p in known.items()}
    order = sorted(range(len(ids)), key=lambda n: names[int(ids[n])])
    return pool.take(np.array(order))


def _write(pool: Pool, encoder: Encoder) -> None:
    fusions = {}
    for name in fusions_for(encoder):
        fusion = open_fusion(name, encoder=encoder)
        setting = TrialSetting(fusion, encoder.means, single=True)
        found = [fit(pool, setting, encoder.encode_texts, seed=seed) for seed in range(SEEDS)]
        lines = {
            kind: [_mean([asdict(lines[kind][n]) for lines, _ in found]) for n in range(2)]
            for kind in found[0][0]
        }
        made_with = f"{encoder.fingerprint} {fusion.fingerprint}"
        facts = {"made_with": made_with, "captioned": len(pool), "asked": found[0][1]}
        fusions[fusion.fingerprint] = {"lines": lines, **facts}
    text = json.dumps({"encoder": encoder.fingerprint, "fusions": fusions}, indent=1)
    BUILT_IN.write_text(f"{text}\n", encoding="utf-8")
    print(f"{BUILT_IN.name}: {', '.join(fusions_for(encoder))}")


def _mean(lines: list[Any]) -> Any:
    """The mean of several lines, in the form of JSON."""
    if isinstance(lines[0], Mapping):
        return {name: _mean([one[name] for one in lines]) for name in lines[0]}
    return np.mean(lines, axis=0).round(4).tolist()


def _measure(pool: Pool, encoder: Encoder, repeat: int) -> None:
    fusion = open_fusion(DEFAULT_FUSION)
    setting = TrialSetting(fusion, encoder.means)
    shipped = built_in(encoder.fingerprint, fusion.fingerprint)
    assert shipped is not None
    firsts, asked = _parted(pool, pool.starts[:-1])
    few = _words(pool, encoder)
    print(f"{'':36}  R@1  AUROC  ceiling    ECE  ECE of ten  of present  hidden  silent")
    for kind in (FUSED, PICTURE):
        for half in (True, False):
            trials = (_trial(firsts, asked, kind, setting, n, half=half) for n in range(repeat))
            _print(f"{kind}, {'half' if half else 'one'} taken out", trials, shipped, kind)
        trials = (_trial(firsts, few, kind, setting, n, half=False) for n in range(repeat))
        _print(f"{kind}, words, all that have them out", trials, shipped, kind)
    several = np.setdiff1d(np.arange(len(pool.v_t)), pool.starts[1:] - 1)
    library, asked = _parted(pool, several)
    own = Calibration(fit(library, setting, encoder.encode_texts)[0])
    for half in (True, False):
        trials = (_trial(library, asked, FUSED, setting, n, half=half) for n in range(repeat))
        _print(f"own captions, {'half' if half else 'one'} taken out", trials, own, FUSED)


def _print(said: str, trials: Iterable[tuple[Trial, Ints]], used: Calibration, kind: str) -> None:
    found = [_figures(trial, words, used, kind) for trial, words in trials]
    recall, auroc, ceiling, ece, of_ten, of_present, hidden, silent = np.mean(found, axis=0)
    print(
        f"{said:36} {recall:4.0%}  {auroc:.3f}    {ceiling:.3f}  {ece:.3f}       {of_ten:.3f}"
        f"       {of_present:.3f}   {hidden:5.1%}   {silent:5.1%}"
    )


def _parted(pool: Pool, indexed: Ints) -> tuple[Pool, tuple[CalibrationQueries, Ints]]:
    """A library with some captions; all others as queries, with their numbers of words."""
    owners = np.repeat(np.arange(len(pool)), pool.counts)
    starts = np.searchsorted(owners[indexed], np.arange(len(pool) + 1))
    texts = tuple(pool.texts[row] for row in indexed)
    library = Pool(pool.v_i, pool.v_t[indexed], texts, starts)
    asking = np.setdiff1d(np.arange(len(owners)), indexed)
    right = owners[asking, None] == np.arange(len(pool))
    lengths = np.array([len(pool.texts[row].split()) for row in asking])
    return library, (CalibrationQueries(owners[asking], asking, pool.v_t[asking], right), lengths)


def _words(pool: Pool, encoder: Encoder) -> tuple[CalibrationQueries, Ints]:
    """Queries of a word or two from a caption of each picture, but not from its first."""
    found = words(pool, np.arange(len(pool)), np.random.default_rng(0), encoder.encode_texts)
    own = np.flatnonzero(found.captions != pool.starts[found.pictures])
    asking = CalibrationQueries(
        found.pictures[own], found.captions[own], found.rows[own], found.right[own]
    )
    return asking, np.ones(len(own), np.int64)


def _trial(
    pool: Pool,
    asked: tuple[CalibrationQueries, Ints],
    kind: str,
    setting: TrialSetting,
    seed: int,
    *,
    half: bool,
) -> tuple[Trial, Ints]:
    """Try queries on a library of half of the pictures, or of all; no query's caption is in it."""
    asking, lengths = asked
    rng = np.random.default_rng(seed)
    count = len(pool) // 2 if half else len(pool)
    kept = np.sort(rng.permutation(len(pool))[:count])
    nothing = np.full(len(asking.rows), -1)
    there = CalibrationQueries(0 * nothing, nothing, asking.rows, asking.right[:, kept])
    share = 0.0 if half else 0.5
    return run_trial(pool.take(kept), there, kind, setting, rng, share=share), lengths


def _figures(trial: Trial, words: Ints, calibration: Calibration, kind: str) -> tuple[float, ...]:
    sure = np.zeros(trial.right.shape)
    shown, present = np.zeros(trial.right.shape, np.bool_), np.zeros(len(trial.right))
    for length in np.unique(words).tolist():
        lines, own = calibration.lines_for(kind, length), words == length
        assert lines is not None
        rows, best = trial.features[own], trial.features[own, :1]
        sure[own] = probability(lines.hit.log_odds(rows, trial.size))
        present[own] = probability(lines.answer.log_odds(best, trial.size))[:, 0]
        hopeful = lines.answer.evidence(best) >= lines.answer.floor
        shown[own] = (lines.hit.evidence(rows) >= lines.hit.floor) & hopeful | (sure[own] > 0.5)
    first, here = trial.right[:, 0], trial.present
    recall = first[here].mean()
    return (
        float(recall),
        _auroc(present, here),
        float(recall + (1 - recall) / 2),
        _ece(sure[:, 0], first),
        _ece(sure.ravel(), trial.right.ravel()),
        _ece(present, here),
        float((~shown[trial.right]).mean()),
        float((~shown[~here].any(axis=1)).mean()),
    )


def _auroc(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The chance that a positive has a greater value than a negative, ties counting half."""
    negatives = np.sort(values[~positive])
    below = np.searchsorted(negatives, values[positive], "left")
    up_to = np.searchsorted(negatives, values[positive], "right")
    return float((below + up_to).mean() / (2 * len(negatives)))


def _ece(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and the share of right answers, in bins of equal width."""
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(place, sure - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(sure))


if __name__ == "__main__":
    main()
