"""What threads ask at the same time is encoded together; an error reaches only who caused it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from colour_encoder import ColourEncoder

from indexer.encoders.batching_encoder import BatchingEncoder
from indexer.encoders.protocol import Encoder, LimitedEncoder, TranslatingEncoder


class GatedEncoder(ColourEncoder):
    """Waits in its first batch until it may go on, so that others gather."""

    def __init__(self):
        super().__init__("colour", "1")
        self.begun, self.gate = threading.Event(), threading.Event()

    def encode_texts(self, texts):
        self.begun.set()
        self.gate.wait(10)
        if "nonsense" in texts:
            raise ValueError("nonsense")
        return super().encode_texts(texts)


def test_texts_of_many_threads_are_encoded_together_and_errors_stay_apart():
    inner, sizes = GatedEncoder(), []
    encoder = BatchingEncoder(inner, lambda kind, size: sizes.append((kind, size)))
    asked = ["red", "blue", "nonsense", "green"]
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(encoder.encode_texts, ["black"])
        assert inner.begun.wait(10)
        answers = [pool.submit(encoder.encode_texts, [text]) for text in asked]
        while len(encoder._texts._waiting) < len(asked):
            threading.Event().wait(0.001)
        inner.gate.set()
        alone = ColourEncoder("colour", "1")
        assert np.array_equal(first.result(10), alone.encode_texts(["black"]))
        for text, answer in zip(asked, answers, strict=True):
            if text == "nonsense":
                with pytest.raises(ValueError, match="nonsense"):
                    answer.result(10)
            else:
                assert np.array_equal(answer.result(10), alone.encode_texts([text]))
    assert sizes == [("texts", 1), ("texts", 4)]


def test_batching_encoder_is_the_encoder_in_all_else():
    inner = ColourEncoder("colour", "centred")
    encoder = BatchingEncoder(inner, lambda kind, size: None)
    pixels = np.full((3, 8, 8, 3), 200, np.uint8)
    assert np.array_equal(encoder.encode_images(pixels), inner.encode_images(pixels))
    assert encoder.encode_images(pixels[:0]).shape == encoder.encode_texts([]).shape == (0, 5)
    facts = ("name", "fingerprint", "dim", "transform", "means")
    assert [getattr(encoder, f) for f in facts] == [getattr(inner, f) for f in facts]
    assert (encoder.unread("red"), encoder.lexicons, encoder.languages) == ("", (), None)
    asked_for = (Encoder, LimitedEncoder, TranslatingEncoder)  # by searches, of any encoder
    assert all(isinstance(encoder, protocol) for protocol in asked_for)
