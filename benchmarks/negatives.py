"""Negative terms: subtract them from the query, or lower the scores of similar pictures?

    python benchmarks/negatives.py FOLDER --split train-part.txt

FOLDER is a data set whose pictures have several captions, such as Flickr8k. The queries are pairs
of concepts that often occur together ("dog - snow"), and of a concept and a kind of it ("dog -
black dog"). Prints the percentages of the ten best hits with A in a caption, with B, and with A but
not B, for pictures indexed alone and with their first caption.
"""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from fixtures.data import indexed_dataset
from numpy.typing import NDArray

from indexer import Library
from indexer.confidence.calibration import Calibration
from indexer.confidence.line import FUSED, PICTURE, leads
from indexer.datasets.folder import read_split
from indexer.embedding import TEXT, centred_query, unit_rows
from indexer.fusion import DEFAULT_WEIGHT, open_fusion
from indexer.settings import DEFAULT_ENCODER
from indexer.vectors.nearest import scores
from indexer.vectors.scoring import CentredIndex
from search.evaluation.data import EvaluationData, read_embeddings
from search.ranking.excluding import NEAR, PENALTY, SOFTNESS

CONCEPTS = (
    "dog man woman boy girl child snow water beach grass ball bike bicycle skateboard crowd street "
    "mountain pool football soccer tree rock black white brown red blue yellow pink orange green "
    "hat shirt jacket camera car people baby wall bench horse motorcycle swing sand ocean"
)
KINDS = (
    "dog - black dog; dog - brown dog; dog - white dog; dog - dog in the water; "
    "dog - dog in the snow; dog - dog running in the grass; man - man in a red shirt; "
    "man - man in a blue shirt; man - man on a bike; man - man climbing a rock; "
    "boy - boy in a red shirt; boy - boy in the water; girl - girl in a pink dress; "
    "child - child on a swing; children playing - children playing in the water; "
    "person jumping - person jumping on a bike; football player - football player in red; "
    "people - people on the beach; person in the snow - person in the snow on a snowboard"
)
_IGNORED_WORDS = frozenset(("a", "an", "the", "in", "on", "of", "person", "people"))
HITS = 10
MIN_WITH_BOTH, MIN_WITH_A_ALONE = 8, 15  # pictures of a pair of concepts
Pair = tuple[str, str]
Has = Callable[[str, int], NDArray[np.bool_]]  # pictures with a concept in k captions or more
Ranking = Callable[[str, str], NDArray[np.floating]]  # scores (n,) of all pictures for a pair


def main() -> None:
    """Print the shares for each method, kind of pair and kind of library."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of pictures with several captions")
    parser.add_argument("--split", type=Path, help="only these pictures")
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    options = parser.parse_args()
    folder = options.folder.absolute()
    only = read_split(folder, options.split) if options.split else None
    with indexed_dataset(folder, only, encoder=options.model) as library:
        data, captions = read_embeddings(library), _captions(library)
        kinds = [(a, b) for a, b in (kind.split(" - ") for kind in KINDS.split("; "))]
        texts = list(dict.fromkeys([*CONCEPTS.split(), *itertools.chain(*kinds)]))
        rows = dict(zip(texts, library.encoder.encode_texts(texts), strict=True))
        calibration = library.calibration
    has = _having(captions)
    apart = [
        (a, b)
        for a, b in itertools.permutations(CONCEPTS.split(), 2)
        if (has(a, 2) & has(b, 2)).sum() >= MIN_WITH_BOTH
        and (has(a, 2) & ~has(b, 1)).sum() >= MIN_WITH_A_ALONE
    ]
    for name, captioned in (("pictures alone", False), ("with a caption", True)):
        for kind, pairs in (("concepts apart", apart), ("a concept and a kind of it", kinds)):
            print(f"{name}, {kind} ({len(pairs)} pairs){'A':>8}{'B':>8}{'A, not B':>10}")
            for way, ranking in _ways(data, rows, captioned, calibration):
                shares = np.mean([_shares(ranking, pair, has) for pair in pairs], axis=0)
                print(f"  {way:50}{shares[0]:8.1%}{shares[1]:8.1%}{shares[2]:10.1%}")


def _captions(library: Library) -> list[list[str]]:
    """The captions of each captioned picture in lower case, in the order of names."""
    (folder,) = library.catalogue.folders()
    known = library.catalogue.known_pictures(folder.id)
    found = library.captions.beside(folder.id)
    ids = [known[name].id for name in sorted(known)]
    return [[text.lower() for text in found[key]] for key in ids if key in found]


def _having(captions: Sequence[Sequence[str]]) -> Has:
    @cache
    def counted(concept: str) -> NDArray[np.int64]:
        words = [_stem(w) for w in concept.split() if w not in _IGNORED_WORDS] or concept.split()
        patterns = [re.compile(rf"\b{word}") for word in words]
        found = [sum(all(p.search(text) for p in patterns) for text in said) for said in captions]
        return np.array(found)

    return lambda concept, least: counted(concept) >= least


def _stem(word: str) -> str:
    return re.sub(r"(ning|ing|s)$", "", word) if len(word) > 4 else word


def _ways(
    data: EvaluationData,
    rows: Mapping[str, NDArray[np.float32]],
    captioned: bool,
    calibration: Calibration,
) -> Iterator[tuple[str, Ranking]]:
    """The methods of excluding B from A, with their scores."""
    fusion, has = open_fusion("concat"), np.full(len(data.v_i), captioned)
    stored = CentredIndex.of(
        fusion.pictures(data.v_i, data.v_t[data.first], has), has, fusion, data.means
    )
    means = stored.centres.means
    asked = {text: centred_query(row, TEXT, means) for text, row in rows.items()}

    @cache
    def s(text: str) -> NDArray[np.float32]:
        return scores(stored, asked[text], DEFAULT_WEIGHT)

    def subtracted(a: str, b: str, share: float) -> NDArray[np.float32]:
        return scores(stored, unit_rows(asked[a] - share * asked[b]), DEFAULT_WEIGHT)

    def lowered(a: str, b: str, strength: float, floor: float) -> NDArray[np.float32]:
        return np.asarray(s(a) - strength * np.maximum(0, s(b) - floor))

    def near_best(a: str, b: str, most: float, near: float, more: float) -> NDArray[np.float32]:
        return s(a) - most * _logistic((s(b) - near * s(b).max() - more) / SOFTNESS)

    def by_probability(a: str, b: str) -> NDArray[np.floating]:
        lines = calibration.lines_for(FUSED if captioned else PICTURE, len(b.split()))
        assert lines is not None
        features = np.stack([s(b), leads(s(b))], axis=1)
        return s(a) - 0.5 * lines.hit.probability(features, len(data.v_i))

    yield "A alone", lambda a, b: s(a)
    for share in (0.5, 0.7, 1.0):
        yield f"q = A - {share:g} B", partial(subtracted, share=share)
    for strength, floor in ((0.7, -0.1), (1.0, -0.1), (1.0, 0.0), (2.0, 0.1)):
        way = f"s(A) - {strength:g} max(0, s(B) - {floor:g})"
        yield way, partial(lowered, strength=strength, floor=floor)
    for most, near, more in ((PENALTY, NEAR, 0.0), (0.3, 0.6, -0.05), (0.4, 0.7, 0.0)):
        way = f"s(A) - {most:g} logistic((s(B) - {near:g} best - {more:g}) / {SOFTNESS:g})"
        yield way, partial(near_best, most=most, near=near, more=more)
    yield "s(A) - 0.5 probability of B", by_probability


def _logistic(x: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(1 / (1 + np.exp(-x)))


def _shares(ranking: Ranking, pair: Pair, has: Has) -> tuple[float, float, float]:
    best = np.argsort(-ranking(*pair), kind="stable")[:HITS]
    a, b = has(pair[0], 1)[best], has(pair[1], 1)[best]
    return float(a.mean()), float(b.mean()), float((a & ~b).mean())


if __name__ == "__main__":
    main()
