"""The two towers of the built-in model, opened when they are first used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from indexer.encoders.mini.graphs import Int8Graph, PackedGraph
from indexer.encoders.mini.heads import (
    BUILT_IN,
    POOLED,
    READ,
    SHOWN,
    WORDS,
    image_features,
)
from indexer.encoders.mini.places import features_without
from indexer.encoders.mini.tensors import TOKENIZER
from indexer.encoders.protocol import Pixels
from indexer.encoders.runtime.graphs import Graph
from indexer.files import file_hash

BATCH = 16  # sentences per run; more only take more memory
MAX_TOKENS = 128


class Towers:
    """The two pretrained towers with the tails of a heads file, but without its heads.

    `trunk` and `words` are the towers without tails, which the training of heads reads. The text
    tower is the same in both precisions: it encodes a query within milliseconds.
    """

    def __init__(
        self, cache: Path, heads: Path = BUILT_IN, *, heads_hash: str = "", int8: bool = False
    ) -> None:
        heads_hash = heads_hash or file_hash(heads)

        def packed(tower: str, *, prepacked: bool = True) -> PackedGraph:
            return PackedGraph(tower, cache, heads, heads_hash, prepacked=prepacked)

        plain = packed("image")
        self.image: Graph = Int8Graph(plain, heads) if int8 else plain
        self.trunk, self.maps, self.words = packed("trunk"), packed("maps"), packed("words")
        self.text = packed("text", prepacked=False)
        self._tokenizer: Tokenizer | None = None

    def ensure(self) -> None:
        """Unpack the towers that are not cached."""
        self.image.ensure()
        self.text.ensure()

    def rest(self) -> None:
        """Close the towers; running them reopens them."""
        for graph in (self.trunk, self.image, self.maps, self.words, self.text):
            graph.rest()

    def image_features(self, images: Pixels) -> NDArray[np.float32]:
        """Features (n, 10064): 8,064 pooled ones and square roots of 2,000 class probabilities."""
        parts = [np.zeros((0, POOLED + SHOWN), np.float32)]
        for pooled, probabilities in self.image.run_pixels(images):
            parts.append(image_features(pooled, probabilities, np.concatenate))
        return np.concatenate(parts)

    def features_without(self, image: Pixels) -> NDArray[np.float32]:
        """Features (1 + h * w, 10064) of pixels (320, 320, 3): complete, then without each place.

        Always in fp32.
        """
        return features_without([x[0] for x in self.maps.run({"pixels": image[None]})])

    def trunk_features(self, images: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features (n, 7504) without those of the tail, and the tail's input maps."""
        outputs = self.trunk.run_pixels(images)
        pooled, probabilities, read = (np.concatenate(part) for part in zip(*outputs, strict=True))
        return image_features(pooled, probabilities, np.concatenate), read

    def text_features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Features (n, 768) of the text tower and its tail, each half of unit length."""
        rows = np.zeros((len(texts), READ), np.float32)
        for places, inputs in self._batches(self._tokens(texts)):
            rows[places] = self.text.run(inputs)[0]
        return rows

    def word_features(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float16]]]:
        """Features (n, 384) without those of the tail, and the tail's input for each text."""
        rows, encoded = np.zeros((len(texts), WORDS), np.float32), self._tokens(texts)
        read = [np.zeros((0, WORDS), np.float16)] * len(texts)
        for places, inputs in self._batches(encoded):
            rows[places], states = self.words.run(inputs)
            for place, of_text in zip(places, states, strict=True):
                read[place] = of_text[: len(encoded[place])].astype(np.float16)
        return rows, read

    def _batches(
        self, encoded: Sequence[Sequence[int]]
    ) -> Iterator[tuple[list[int], dict[str, NDArray[np.int64]]]]:
        """Yield batches: the places of their texts, and the inputs of the tower.

        Texts of similar length share a batch, which keeps padding short.
        """
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            tokens = np.zeros((len(places), len(encoded[places[-1]])), np.int64)
            mask = np.zeros_like(tokens)
            for row, place in enumerate(places):
                tokens[row, : len(encoded[place])] = encoded[place]
                mask[row, : len(encoded[place])] = 1
            yield places, {"tokens": tokens, "mask": mask}

    def unread(self, text: str) -> str:
        """The end of a text beyond the 128 tokens that the text tower reads; mostly empty."""
        if len(text.encode("utf-8", "replace")) <= MAX_TOKENS - 2:  # two tokens mark the ends
            return ""
        (encoded,) = self._encoded([text])
        read = max((end for _, end in encoded.offsets), default=0)
        return text[read:].strip() if encoded.overflowing else ""

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._encoded(texts)]

    def _encoded(self, texts: Sequence[str]) -> list[Encoding]:
        if self._tokenizer is None:
            self._tokenizer = Tokenizer.from_file(str(TOKENIZER))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(MAX_TOKENS)
        # Texts of the command line may hold surrogates.
        valid = [text.encode("utf-8", "replace").decode() for text in texts]
        return self._tokenizer.encode_batch(valid)
