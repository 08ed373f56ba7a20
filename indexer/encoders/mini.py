"""The built-in encoder: EfficientNet-Lite2 and MiniLM in ONNX Runtime, and two trained heads.

It needs no download and never imports torch; only an export of its towers does, elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from indexer.encoders.graphs import Graph, Int8Graph
from indexer.encoders.heads import (
    BUILT_IN,
    CLASSES,
    COARSE,
    POOLED,
    READ,
    WORDS,
    class_branch,
    class_part_of_images,
    class_part_of_texts,
    file_hash,
    format_of,
    has_text_tail,
    head,
    image_features,
    read_heads,
    sense_part_of_texts,
    standardised,
)
from indexer.encoders.hubness import aim, with_hubness
from indexer.encoders.layout import AT_ONCE
from indexer.encoders.mapped import MappedGraph
from indexer.encoders.names import named
from indexer.encoders.packages import IMAGE_TOWER, TEXT_TOWER
from indexer.encoders.places import features_without
from indexer.encoders.protocol import FP32, IMAGE, INT8, TEXT, Pixels, Places, Rows, unit_rows
from indexer.errors import InputError, ModelError
from indexer.golden import golden_pixels
from indexer.transform import ImageTransform

TRANSFORM = ImageTransform(size=260, resize="squash", interpolation="bicubic")
GRID = (9, 9)  # places of the last map
BATCH = 16  # sentences a run: larger ones only cost memory
MAX_TOKENS = 128
INT8_COST = BUILT_IN.with_name("int8.json")  # what int8 costs with the heads of picfuse
LOSS = 0.5  # points of R@1 that int8 may cost to be chosen by itself
WORTH = 1.2  # times the pictures per second that it must encode for that
INT8_ROWS = "-int8"  # ends the fingerprint; a number behind it when quantising changes
GRAPHS = 2  # of what the image tower gives: its features are those of this version

logger = logging.getLogger(__name__)


class Towers:
    """The two pretrained towers and the tails of a heads file, without its heads.

    `trunk` and `words` are the towers without tails: what the training of heads reads. The text
    tower is the same in both precisions: it encodes a query in some milliseconds. `width` is that
    of text features: 768, or 384 with heads that were trained without a tail of the text tower.
    """

    def __init__(
        self, cache: Path, heads: Path = BUILT_IN, *, heads_hash: str = "", int8: bool = False
    ) -> None:
        heads_hash = heads_hash or file_hash(heads)
        tower = f"{IMAGE_TOWER.sha256[:12]}-{GRAPHS}"
        self.trunk = Graph(f"trunk-{tower}", cache, heads)
        plain = Graph(f"image-{tower}-{heads_hash[:12]}", cache, heads)
        self.image = Int8Graph(plain, heads) if int8 else plain
        self.maps = Graph(f"maps-{tower}-{heads_hash[:12]}", cache, heads)
        words = TEXT_TOWER.sha256[:12]
        self.words = Graph(f"words-{words}", cache, heads)
        tail = f"-{heads_hash[:12]}" if has_text_tail(heads) else ""
        self.text = MappedGraph(Graph(f"text-{words}{tail}", cache, heads))
        self.width = READ if tail else WORDS
        self._tokenizer: Tokenizer | None = None

    def ensure(self) -> None:
        """Export what is not cached."""
        self.image.ensure()
        self.text.ensure()

    def rest(self) -> None:
        """Close the towers until they are run again."""
        for graph in (self.trunk, self.image, self.maps, self.words, self.text):
            graph.rest()

    def image_features(self, images: Pixels) -> NDArray[np.float32]:
        """Shape (n, 9064): 8,064 pooled features and the roots of 1,000 class probabilities."""
        parts = [np.zeros((0, POOLED + CLASSES), np.float32)]
        for pooled, probabilities in self.image.run_pixels(images):
            parts.append(image_features(pooled, probabilities, np.concatenate))
        return np.concatenate(parts)

    def features_without(self, image: Pixels) -> NDArray[np.float32]:
        """Shape (1 + h * w, 9064), of pixels (260, 260, 3): of all, then without each place.

        Their graph is made with the first picture that is asked for, in up to a minute, in fp32.
        """
        return features_without([x[0] for x in self.maps.run({"pixels": image[None]})])

    def trunk_features(self, images: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same without the tail's features, (n, 6504), and the maps that a tail reads."""
        outputs = self.trunk.run_pixels(images)
        pooled, probabilities, read = (np.concatenate(part) for part in zip(*outputs, strict=True))
        return image_features(pooled, probabilities, np.concatenate), read

    def text_features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, width): of text tower and tail, each of unit length."""
        rows = np.zeros((len(texts), self.width), np.float32)
        for chosen, inputs in self._batches(self._tokens(texts)):
            rows[chosen] = self.text.run(inputs)[0]
        return rows

    def word_features(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float16]]]:
        """The same without the tail's features, (n, 384), and what a tail reads of each text."""
        rows, encoded = np.zeros((len(texts), WORDS), np.float32), self._tokens(texts)
        read = [np.zeros((0, WORDS), np.float16)] * len(texts)
        for chosen, inputs in self._batches(encoded):
            rows[chosen], states = self.words.run(inputs)
            for index, of_text in zip(chosen, states, strict=True):
                read[index] = of_text[: len(encoded[index])].astype(np.float16)
        return rows, read

    def _batches(
        self, encoded: Sequence[Sequence[int]]
    ) -> Iterator[tuple[list[int], dict[str, NDArray[np.int64]]]]:
        """Which texts run together, and what the tower reads of them.

        Texts of like length share a batch, to pad little.
        """
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            tokens = np.zeros((len(chosen), len(encoded[chosen[-1]])), np.int64)
            mask = np.zeros_like(tokens)
            for row, index in enumerate(chosen):
                tokens[row, : len(encoded[index])] = encoded[index]
                mask[row, : len(encoded[index])] = 1
            yield chosen, {"tokens": tokens, "mask": mask}

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if self._tokenizer is None:
            self._tokenizer = Tokenizer.from_file(str(TEXT_TOWER.path.with_name("tokenizer.json")))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(MAX_TOKENS)
        valid = [text.encode("utf-8", "replace").decode() for text in texts]  # not so argv
        return [encoding.ids for encoding in self._tokenizer.encode_batch(valid)]


class MiniEncoder:
    """`mini`, or `mini:FILE` with heads of the user's own; `int8:` goes before their names."""

    modalities = frozenset({IMAGE, TEXT})
    transform = TRANSFORM

    def __init__(self, name: str, heads: Path, cache: Path, *, int8: bool = False) -> None:
        self.name = name
        # What only pictures need is most of the file, and is read with the first picture.
        self.weights, self.settings = read_heads(heads, without=COARSE)
        self._heads, self._heads_hash = heads, file_hash(heads)
        self.towers = Towers(cache, heads, heads_hash=self._heads_hash, int8=int8)
        made = format_of(self.weights)
        parts = (made, IMAGE_TOWER.sha256, TEXT_TOWER.sha256, self._heads_hash, repr(TRANSFORM))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        self.fingerprint = digest + (INT8_ROWS if int8 else "")

    @property
    def dim(self) -> int:
        """Width of the space: of all parts of a row."""
        return len(self.weights["mean.image"])

    @property
    def means(self) -> Mapping[str, NDArray[np.float32]]:
        """Mean row of each modality over the training data, and what texts ask for hubness."""
        return means_of(self.weights)

    def encode_images(self, images: Pixels) -> Rows:
        """`v_i`, shape (n, dim), of uint8 pixels (n, 260, 260, 3)."""
        self._complete()
        return project_images(self.towers.image_features(images), self.weights)

    def encode_places(self, images: Pixels) -> Places:
        """Rows (n, 9, 9, dim): what is missing of `v_i` when a place and those around it are."""
        self._complete()
        found = np.zeros((len(images), *GRID, self.dim), np.float32)
        for place, image in enumerate(images):
            rows = project_images(self.towers.features_without(image), self.weights)
            found[place] = (rows[0] - rows[1:]).reshape(*GRID, self.dim)
        return found

    def rest(self) -> None:
        """Close the towers; what is encoded next opens them again."""
        self.towers.rest()

    def _complete(self) -> None:
        if not set(COARSE) <= set(self.weights):
            self.weights = self._all_weights()

    def _all_weights(self) -> dict[str, NDArray[np.float32]]:
        """All weights, of the same file as those that were read first. Raises `ModelError`."""
        weights, _ = read_heads(self._heads)
        if file_hash(self._heads) != self._heads_hash:
            raise ModelError(f"{self._heads}: has been replaced; run the same command again")
        return weights

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """`v_t`, shape (n, dim)."""
        return project_texts(self.towers.text_features(texts), self.weights)


def means_of(weights: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Mean row of each modality, and what texts ask for hubness, of the weights of heads."""
    known = {IMAGE: weights["mean.image"], TEXT: weights["mean.text"]}
    return known | aim(len(known[IMAGE]), weights)


def project_images(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Embeddings of image features (n, 9064): heads' part, class part, no sense part, hubness."""
    named = class_part_of_images(features[:, POOLED:] ** 2, weights)
    nothing = np.zeros((len(features), len(weights["sense.bias"])), np.float32)
    rows = np.hstack([heads_part_of_images(features, weights), named, nothing])
    return with_hubness(unit_rows(rows), IMAGE, weights)


def project_texts(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Embeddings of text features (n, 768): heads' part, class part, sense part and hubness."""
    names = named(features[:, :WORDS], weights)
    heads = unit_rows(heads_part_of_texts(features, weights) + names.heads)
    classes = class_part_of_texts(features, weights, names)
    rows = np.hstack([heads, classes, sense_part_of_texts(features, weights)])
    return with_hubness(unit_rows(rows), TEXT, weights)


def heads_part_of_images(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Image features (n, 9064) through the image head and the class-name branch."""
    probabilities = features[:, POOLED:] ** 2
    projected = head(standardised(features, IMAGE, weights), IMAGE, weights)
    return unit_rows(projected + class_branch(probabilities, weights))


def heads_part_of_texts(features: NDArray[np.float32], weights: Mapping[str, Any]) -> Rows:
    """Text features (n, 768) through the text head."""
    return unit_rows(head(standardised(features, TEXT, weights), TEXT, weights))


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> MiniEncoder:
    """The encoder behind `mini` (rest is empty) or `mini:FILE`; never needs a network."""
    heads = Path(rest).expanduser() if rest else BUILT_IN
    return MiniEncoder(f"mini:{heads.resolve()}" if rest else "mini", heads, cache)


def preferred_precision(name: str, cache: Path) -> str:
    """int8 where it is known to cost little, and is faster on this machine; else fp32.

    What it costs was measured for the heads that picfuse ships: see benchmarks/precision.py.
    """
    if name != "mini" or not int8_costs_little(INT8_COST, BUILT_IN):
        return FP32
    pixels = np.repeat(golden_pixels(TRANSFORM.size), AT_ONCE, axis=0)
    try:
        rates = [Towers(cache, int8=int8).image.layout(pixels).rate for int8 in (False, True)]
    except ModelError as error:
        logger.info("using fp32: %s", error)
        return FP32
    return INT8 if rates[1] > WORTH * rates[0] else FP32


def int8_costs_little(measured: Path, heads: Path) -> bool:
    """Whether a file of figures belongs to these heads, and int8 lost at most `LOSS` by them."""
    try:
        facts = json.loads(measured.read_text("utf-8"))
        loss = facts["fp32"]["r@1"] - facts["int8"]["r@1"]
        return bool(facts["heads"] == file_hash(heads) and loss <= LOSS)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def open_int8(name: str, rest: str, cache: Path, offline: bool) -> MiniEncoder:
    """The encoder behind `int8:mini` or `int8:mini:FILE`. Raises `InputError` for all others."""
    scheme, _, file = rest.partition(":")
    if scheme != "mini":
        raise InputError(f"{rest!r} runs in fp32 only; use --precision int8 with 'mini'")
    heads = Path(file).expanduser() if file else BUILT_IN
    named = f"int8:mini:{heads.resolve()}" if file else "int8:mini"
    return MiniEncoder(named, heads, cache, int8=True)
