"""Encoders of open_clip that open from their exported towers, without PyTorch."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_exports import TEXTS
from test_exports import cache as cache  # a fixture
from test_exports import weights as weights
from test_open_clip import CONFIG, SIDE, WORDS, write_tokenizer

from indexer.encoders import Encoder, RestingEncoder, load_encoder
from indexer.encoders.open_clip import encoder as encoders
from indexer.encoders.open_clip.exported import ExportedEncoder
from indexer.encoders.open_clip.tokenizer import KeptTokenizer
from indexer.encoders.open_clip.tokenizer_export import EXAMPLES, kept_form

PIXELS = np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE, 3), np.uint8)


def opened(weights, cache) -> Encoder:
    return load_encoder(f"open_clip:TINY:{weights}", cache=cache, offline=True)


@pytest.fixture(scope="module")
def whole(weights, cache):
    """The encoder in PyTorch, after it has exported both towers."""
    encoder = encoders.open_encoder("", f"TINY:{weights}", cache, offline=True)
    encoder.encode_images(PIXELS[:2])
    encoder.encode_texts(["a dog"])
    return encoder


@pytest.fixture
def mine(tmp_path, weights, cache, whole):
    """A weights file and a cache of one's own, ready to open."""
    for path in (weights, weights.with_suffix(".json")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path, folder = tmp_path / weights.name, tmp_path / "cache"
    encoder = encoders.open_encoder("", f"TINY:{path}", folder, offline=True)
    for kept in (cache / "towers").iterdir():
        if not kept.name.endswith(".ready"):
            (folder / "towers").mkdir(parents=True, exist_ok=True)
            (folder / "towers" / kept.name).write_bytes(kept.read_bytes())
    encoder.encode_texts(["a dog"])
    return path, folder


def test_encoder_whose_towers_are_exported_opens_without_pytorch(mine, subprocess_environment):
    path, folder = mine
    code = (
        "import sys; from pathlib import Path; from indexer.encoders import load_encoder;"
        "encoder = load_encoder(sys.argv[1], cache=Path(sys.argv[2]), offline=True);"
        "encoder.encode_texts(['a dog']);"
        "print([name for name in ('torch', 'open_clip', 'transformers') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, f"open_clip:TINY:{path}", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, env=subprocess_environment)
    assert ran.stdout == "[]\n", ran.stderr


def test_exported_encoder_is_the_one_that_was_exported(whole, weights, cache):
    encoder = opened(weights, cache)
    assert isinstance(encoder, ExportedEncoder)
    assert isinstance(encoder, Encoder)
    for fact in ("name", "fingerprint", "dim", "transform", "means"):
        assert getattr(encoder, fact) == getattr(whole, fact)
    rows = encoder.encode_images(PIXELS)
    np.testing.assert_allclose(rows, whole.encode_images(PIXELS), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), whole.encode_texts(TEXTS), atol=1e-5)
    assert rows.flags.c_contiguous


@pytest.mark.parametrize("count", [0, 1, 40])
def test_exported_encoder_takes_any_number(whole, weights, cache, count):
    encoder = opened(weights, cache)
    assert encoder.encode_images(PIXELS[:count]).shape == (count, 24)
    assert encoder.encode_texts(TEXTS[:count]).shape == (count, 24)


def test_encoder_that_rests_lets_go_of_its_towers_and_opens_them_again(whole, weights, cache):
    encoder = opened(weights, cache)
    before = encoder.encode_images(PIXELS), encoder.encode_texts(TEXTS)
    assert isinstance(encoder, RestingEncoder)
    assert is_mapped(cache / "towers")
    encoder.rest()
    assert not is_mapped(cache / "towers")
    after = encoder.encode_images(PIXELS), encoder.encode_texts(TEXTS)
    for rows, again in zip(before, after, strict=True):
        np.testing.assert_allclose(rows, again, atol=1e-6)


def is_mapped(folder):
    """Whether this process has a file of a folder in its memory (Linux)."""
    return str(folder) in Path("/proc/self/maps").read_text()


def test_name_with_a_relative_path_opens_it_too(mine, monkeypatch):
    path, folder = mine
    monkeypatch.chdir(path.parent)
    assert isinstance(opened(path.name, folder), ExportedEncoder)


@pytest.mark.parametrize("change", ["weights", "configuration", "note", "tokenizer", "gone"])
def test_changed_source_is_opened_in_pytorch_or_refused(mine, change):
    from indexer.errors import ModelError

    path, folder = mine
    before = opened(path, folder).fingerprint
    if change == "weights":
        os.utime(path, ns=(1, 1))
    elif change == "configuration":
        prepared = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3]}}
        path.with_suffix(".json").write_text(json.dumps(prepared))
    elif change == "note":
        path.with_name(f"{path.name}.sha256").write_text("0" * 64)
    elif change == "tokenizer":
        write_tokenizer(path.parent, WORDS)
    else:
        path.unlink()
    if change in ("note", "gone"):
        with pytest.raises(ModelError, match=r"damaged or replaced|no such weights file"):
            opened(path, folder)
        return
    again = opened(path, folder)
    assert not isinstance(again, ExportedEncoder)
    assert (again.fingerprint == before) == (change != "configuration")


def test_file_that_was_replaced_after_it_was_opened_is_opened_anew(mine):
    path, folder = mine
    for kept in (folder / "towers").glob("*.ready"):
        kept.unlink()
    encoder = encoders.open_encoder("", f"TINY:{path}", folder, offline=True)
    prepared = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3]}}
    path.with_suffix(".json").write_text(json.dumps(prepared))
    encoder.encode_texts(["a dog"])  # what it keeps is of the files as they were
    assert list((folder / "towers").glob("*.ready"))
    again = opened(path, folder)
    assert not isinstance(again, ExportedEncoder)
    assert again.fingerprint != encoder.fingerprint


@pytest.mark.parametrize("damage", ["*.ready", "*-tokenizer.json", "*-text*", "*-image.onnx"])
def test_damaged_part_is_made_again_in_pytorch(mine, whole, damage, caplog):
    path, folder = mine
    for file in (folder / "towers").glob(damage):
        file.write_bytes(file.read_bytes()[:40])
    with caplog.at_level(logging.WARNING):
        encoder = opened(path, folder)
        rows, texts = encoder.encode_images(PIXELS), encoder.encode_texts(TEXTS)
    np.testing.assert_allclose(rows, whole.encode_images(PIXELS), atol=1e-5)
    np.testing.assert_allclose(texts, whole.encode_texts(TEXTS), atol=1e-5)
    assert ("in PyTorch again" in caplog.text) == (damage != "*.ready")
    again = opened(path, folder)
    assert isinstance(again, ExportedEncoder)
    again.encode_images(PIXELS)
    again.encode_texts(TEXTS)
    assert "_whole" not in vars(again)


# Tokenizers


@pytest.fixture(scope="module")
def clip():
    import open_clip

    return open_clip.get_tokenizer("ViT-B-32")


@pytest.fixture(scope="module")
def kept(clip) -> KeptTokenizer:
    found = kept_form(clip)
    assert found is not None
    return found


@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_kept_tokenizer_gives_the_tokens_of_open_clip(clip, kept, text):
    np.testing.assert_array_equal(kept([text]), clip([text]).numpy())


def test_tokenizer_is_read_as_it_was_written(kept, tmp_path):
    kept.write(tmp_path / "tokenizer.json")
    again = KeptTokenizer.read(tmp_path / "tokenizer.json")
    np.testing.assert_array_equal(again(EXAMPLES), kept(EXAMPLES))


def test_argument_that_is_no_utf8_is_tokenised(kept):
    assert kept(["a \udcff dog"]).shape == (1, 77)


def test_end_of_a_long_text_that_is_not_read_is_told(kept):
    assert [kept.unread(text) for text in ("", "a dog", "dog " * 75)] == ["", "", ""]
    assert kept.unread(f"{'dog ' * 75}Beach  SAND") == "beach sand"


@pytest.mark.parametrize("cleaning", ["lower", "whitespace", "canonicalize"])
def test_tokenizer_of_transformers_is_kept(tmp_path, cleaning):
    from open_clip.tokenizer import HFTokenizer

    write_tokenizer(tmp_path)
    tokenizer = HFTokenizer(str(tmp_path), context_length=16, clean=cleaning)
    kept = kept_form(tokenizer)
    texts = ["A  dog, on_the beach &amp; am strand", "", "dog " * 40]
    np.testing.assert_array_equal(kept(texts), tokenizer(texts).numpy())
    assert kept.unread("a dog") == ""
    assert kept.unread("dog " * 16 + "am strand").endswith("am strand")


def test_tokenizer_without_an_equal_is_not_kept(tmp_path, monkeypatch):
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    write_tokenizer(tmp_path)
    assert kept_form(SimpleTokenizer(reduction_mask="simple")) is None
    assert kept_form(lambda texts: texts) is None
    other = HFTokenizer(str(tmp_path), context_length=16, clean="lower")
    call = HFTokenizer.__call__
    monkeypatch.setattr(HFTokenizer, "__call__", lambda self, texts: call(self, texts) + 1)
    assert kept_form(other) is None
