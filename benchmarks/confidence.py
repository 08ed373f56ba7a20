"""Quality of the confidence of a hit: is the answer here, and does 30 % mean 30 %?

    python benchmarks/confidence.py

Needs the data sets of docs/model-card.md in $PICFUSE_TEST_DATA or --data. A library is searched
with one word of a caption, with two or three neighbouring ones, and with whole captions. For a
caption its picture is right; for words, all pictures whose captions have them. For half of the
queries the right pictures are removed from the library, and no query's caption is in it. The sets
are Flickr8k's dev split and the held-out eighth of the broader folders (files whose name's MD5
begins with 0 or 1), as one library. "no captions" and "few captions" are judged by the shipped
calibration, the latter with one caption of each picture in the index; "many captions" by the one
that a library with 200 pictures of several captions fits to them; "estimated" by the one that a
library without captions gets if its model is unknown, as if the built-in model were.

- AUROC: how well an answer's `present` tells queries whose picture is in the library from the
  others. Its ceiling is that of a detector that only knows whether the best hit is right: right
  ones come first, the rest in random order.
- ECE: expected calibration error, the mean distance between confidence and the share of right hits
  in 15 bins of equal width; of the best hits, of the first ten, and of `present`.
- hidden: the share of right answers among the first ten that are not shown by default; silent: the
  share of queries without an answer for which nothing is shown.

    python benchmarks/confidence.py --write

fits the shipped calibration again, and writes it: to the pictures of Flickr8k's train split that
were held out when the built-in model was trained, and to those of the broader folders that are not
in the held-out eighth.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from fixtures.data import DATA, indexed_dataset
from fixtures.nonsense import NONSENSE
from numpy.typing import NDArray

from indexer import Library
from indexer.confidence.calibration import BUILT_IN, FEW_WORDS, LONG, Calibration, built_in
from indexer.confidence.estimating import estimate, unjudged
from indexer.confidence.fitting import fit
from indexer.confidence.line import CAPTION, FUSED, PICTURE, Lines
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries, Encode, sentences, words
from indexer.confidence.trials import Trial, TrialSetting, run_trial
from indexer.datasets.folder import held_out, picture_names, read_split, reserved
from indexer.embedding import Floats, Rows
from indexer.encoders import Encoder, load_encoder
from indexer.fusion import fusions_for, open_fusion
from indexer.library.upkeep import read_pool
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION

HELD_OUT = 1 / 12  # of the pictures, when the built-in model was trained
BROADER = ("openstax", "coco-train", "scenes", "products", "groceries")
SEEDS = 3  # calibrations whose mean is shipped: their captions are drawn at random
BINS = 15
ASKED = {"a word": 1, "2 or 3 words": FEW_WORDS, "a caption": LONG}  # and how many words count


def main() -> None:
    """Print the figures of the shipped calibration, or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="fit what is shipped, and write it")
    options = parser.parse_args()
    encoder = load_encoder(DEFAULT_ENCODER)
    flickr, broader = options.data / "flickr8k", [options.data / name for name in BROADER]
    if options.write:
        train = captioned_pool(flickr, held_out(read_split(flickr, Path("train.txt")), HELD_OUT))
        others = _joined([_part(folder, held=False) for folder in broader])
        _write(train, others, encoder)
        return
    dev = captioned_pool(flickr, read_split(flickr, Path("dev.txt")))
    print(f"{'':42}  R@1  AUROC  ceiling    ECE  ECE of ten  of present  hidden  silent")
    shipped = built_in(encoder.fingerprint, open_fusion(DEFAULT_FUSION).fingerprint)
    assert shipped is not None
    setting = TrialSetting(open_fusion(DEFAULT_FUSION), encoder.means, single=True)
    sets = {"Flickr8k dev": dev, "held-out eighth": _joined([_part(f, held=True) for f in broader])}
    for name, pool in sets.items():
        own = Calibration(fit([pool], setting, encoder.encode_texts, seed=99)[0])
        estimated = Calibration(estimate(pool.v_i, setting, encoder.encode_texts))
        for kind, said, used in (
            (PICTURE, "no captions", shipped),
            (PICTURE, "estimated", estimated),
            (FUSED, "few captions", shipped),
            (FUSED, "many captions", own),
        ):
            _print(f"{name}, {said}", pool, kind, setting, used, encoder, options.repeat)
        for said, used in (("shipped", shipped), ("estimated", estimated)):
            _print_nonsense(f"{name}, {said}", pool, setting, used, encoder)


def captioned_pool(folder: Path, only: frozenset[bytes]) -> Pool:
    """Captioned pictures of a data set, encoded by the built-in model.

    In the order of their names, so that figures are the same in any library.
    """
    with indexed_dataset(folder, only, encoder=DEFAULT_ENCODER) as library:
        return _pool(library)


def _pool(library: Library) -> Pool:
    (folder,) = library.catalogue.folders()
    known = library.catalogue.known_pictures(folder.id)
    ids = np.sort(library.catalogue.present_ids())  # as rows are read
    pool, names = read_pool(library, ids), {p.id: name for name, p in known.items()}
    order = sorted(range(len(ids)), key=lambda n: names[int(ids[n])])
    return pool.take(np.array(order))


def _part(folder: Path, *, held: bool) -> Pool:
    """The held-out eighth of a folder, or the rest."""
    eighth = reserved(folder)
    return captioned_pool(folder, eighth if held else frozenset(picture_names(folder)) - eighth)


def _joined(pools: Sequence[Pool]) -> Pool:
    """One library of the pictures of several."""
    counts = np.concatenate([pool.counts for pool in pools])
    return Pool(
        np.concatenate([pool.v_i for pool in pools]),
        np.concatenate([pool.v_t for pool in pools]),
        tuple(text for pool in pools for text in pool.texts),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )


def _write(train: Pool, others: Pool, encoder: Encoder) -> None:
    """Fit the shipped calibrations: the mean of several draws of captions.

    Captions of broader data sets tell less of their pictures, in ways of their own: a library with
    many has its own calibration. Flickr8k counts as much as the others, though it is smaller.
    """
    encode = _remembering(encoder.encode_texts)
    fusions = {}
    for name in fusions_for(encoder):
        fusion = open_fusion(name, encoder=encoder)
        setting = TrialSetting(fusion, encoder.means, single=True)
        by_picture = [
            fit([train, train, others], setting, encode, seed=seed, kinds=[PICTURE])
            for seed in range(SEEDS)
        ]
        by_caption = [
            fit([train], setting, encode, seed=seed, kinds=[CAPTION, FUSED])
            for seed in range(SEEDS)
        ]
        found = [
            ({**one, **other}, asked)
            for (one, asked), (other, _) in zip(by_picture, by_caption, strict=True)
        ]
        lines = {
            kind: [_mean([asdict(lines[kind][n]) for lines, _ in found]) for n in range(len(ASKED))]
            for kind in found[0][0]
        }
        made_with = f"{encoder.fingerprint} {fusion.fingerprint}"
        facts = {
            "made_with": made_with,
            "captioned": len(train) + len(others),
            "asked": found[0][1],
        }
        fusions[fusion.fingerprint] = {"lines": lines, **facts}
    text = json.dumps({"encoder": encoder.fingerprint, "fusions": fusions}, indent=1)
    BUILT_IN.write_text(f"{text}\n", encoding="utf-8")
    print(f"{BUILT_IN.name}: {', '.join(fusions_for(encoder))}")


def _remembering(encode: Encode) -> Encode:
    """The same, but each text is encoded once: fusions are asked the same queries."""
    known: dict[str, Floats] = {}

    def remembered(texts: Sequence[str]) -> Rows:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return remembered


def _mean(lines: list[Any]) -> Any:
    """The mean of several lines, in the form of JSON."""
    if isinstance(lines[0], Mapping):
        return {name: _mean([one[name] for one in lines]) for name in lines[0]}
    return np.mean(lines, axis=0).round(4).tolist()


def _print(
    said: str,
    pool: Pool,
    kind: str,
    setting: TrialSetting,
    used: Calibration,
    encoder: Encoder,
    repeat: int,
) -> None:
    """Print a line of figures for each length of a query."""
    for asked, number in ASKED.items():
        lines = used.lines_for(kind, number)
        assert lines is not None
        rngs = [np.random.default_rng(1000 + n) for n in range(repeat)]
        trials = (
            run_trial(pool, _queries(pool, kind, number, encoder, rng), kind, setting, rng)
            for rng in rngs
        )
        _print_figures(f"{said}, {asked}", trials, lines)


def _queries(
    pool: Pool, kind: str, number: int, encoder: Encoder, rng: np.random.Generator
) -> CalibrationQueries:
    """Queries of this length for all pictures that can be searched for."""
    able = np.flatnonzero(pool.counts > int(kind == FUSED))
    if number == LONG:
        return sentences(pool, able, rng)
    lengths = (1,) if number == 1 else range(2, FEW_WORDS + 1)
    return words(pool, able, lengths, rng, encoder.encode_texts)


def _print_figures(said: str, trials: Iterator[Trial], lines: Lines) -> None:
    found = [_figures(trial, lines) for trial in trials]
    recall, auroc, ceiling, ece, of_ten, of_present, hidden, silent = np.mean(found, axis=0)
    print(
        f"{said:42} {recall:4.0%}  {auroc:.3f}    {ceiling:.3f}  {ece:.3f}       {of_ten:.3f}"
        f"       {of_present:.3f}   {hidden:5.1%}   {silent:5.1%}"
    )


def _print_nonsense(
    said: str, pool: Pool, setting: TrialSetting, used: Calibration, encoder: Encoder
) -> None:
    """Print how surely queries that no picture answers are told to be absent."""
    for asked, texts in NONSENSE.items():
        lines = used.lines_for(PICTURE, ASKED[asked])
        assert lines is not None
        trial = unjudged(pool.v_i, encoder.encode_texts(texts), setting)
        present, shown = _judged(trial, lines)[1:]
        print(
            f"{said}, {asked}: of {len(texts)} nonsense queries {(~shown.any(axis=1)).sum()} find "
            f"nothing, {(present < 0.5).sum()} are told to be more likely absent"
        )


def _judged(
    trial: Trial, lines: Lines
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence of hits (q, k), `present` (q,), and which hits are shown (q, k)."""
    best = trial.features[:, :1]
    sure = lines.hit.probability(trial.features, trial.size)
    present = lines.answer.probability(best, trial.size)[:, 0]
    hopeful = lines.answer.evidence(best) >= lines.answer.floor
    shown = (lines.hit.evidence(trial.features) >= lines.hit.floor) & hopeful | (sure > 0.5)
    return sure, present, shown


def _figures(trial: Trial, lines: Lines) -> tuple[float, ...]:
    sure, present, shown = _judged(trial, lines)
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
