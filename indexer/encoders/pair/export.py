"""Exporting an encoder of open_clip as a pair of graphs, for machines without PyTorch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from indexer.embedding import IMAGE, TEXT
from indexer.encoders.golden import TOLERANCE, golden_of, least_cosine
from indexer.encoders.open_clip.exported import FixedGraph
from indexer.encoders.open_clip.ready import (
    Ready,
    full_name,
    kept_ready,
    tokenizer_path,
    tower_name,
)
from indexer.encoders.open_clip.recommended import spelled_out
from indexer.encoders.open_clip.tokenizer import KeptTokenizer
from indexer.encoders.pair.description import DESCRIPTION
from indexer.encoders.pair.encoder import PairEncoder
from indexer.encoders.registry import load_encoder
from indexer.encoders.runtime.graphs import open_session
from indexer.errors import InputError, ModelError


def export_pair(name: str, folder: Path, *, cache: Path, offline: bool = False) -> PairEncoder:
    """Write an encoder of open_clip into a new folder; returns it, opened as `onnx:FOLDER`.

    Raises `InputError` for other encoders and a folder that is not empty, and `ModelError` if the
    model is not available, or if its graphs do not give the same embeddings.
    """
    name = spelled_out(name)
    scheme, _, rest = name.partition(":")
    if scheme != "open_clip":
        raise InputError(f"{name} is no model of open_clip; only those can be exported")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: not empty; name a new folder")
    before = golden_of(load_encoder(name, cache=cache, offline=offline))
    ready = kept_ready(full_name(rest), cache)
    if ready is None:
        raise ModelError(
            f"{name}: its graphs do not give the embeddings of PyTorch here, or it runs on a GPU; "
            "export it on a machine without one"
        )
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        _write(ready, unfinished, cache)
        cosine = least_cosine(before, golden_of(PairEncoder(unfinished, cache)))
        if cosine < 1 - TOLERANCE:
            raise ModelError(f"{name}: the exported pair differs (cosine {cosine:.4f})")
        unfinished.replace(folder)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return PairEncoder(folder, cache)


def _write(ready: Ready, folder: Path, cache: Path) -> None:
    """Write the four files of a pair."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    images, texts = (
        FixedGraph(tower_name(ready.fingerprint, modality), cache) for modality in (IMAGE, TEXT)
    )
    for graph, target in ((images, "image.onnx"), (texts, "text.onnx")):
        graph.ensure()
        shutil.copyfile(graph.path, folder / target)
    tokens = KeptTokenizer.read(tokenizer_path(images))
    (folder / "tokenizer.json").write_text(tokens.model, "utf-8")
    described = json.dumps(_fields(ready, tokens, texts.path), indent=1)
    (folder / DESCRIPTION).write_text(f"{described}\n", "utf-8")


def _fields(ready: Ready, tokens: KeptTokenizer, texts: Path) -> dict[str, Any]:
    """The description; the graphs of open_clip take bytes, and normalise them."""
    (taken,) = open_session(texts).get_inputs()
    transform, model = dict(ready.transform), json.loads(tokens.model)
    return {
        "made_from": ready.name,
        "dim": ready.dim,
        "image_size": transform.pop("size"),
        **transform,
        "context_length": model["truncation"]["max_length"],
        "pad": model["padding"]["pad_id"],
        "any_length": not isinstance(taken.shape[1], int),
        "cleaning": tokens.cleaning,
        "words": tokens.words,
        "blank": tokens.blank,
    }
