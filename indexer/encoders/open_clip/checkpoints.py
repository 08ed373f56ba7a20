"""Checkpoints of open_clip: the configuration, weights and tokenizer of a name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import open_clip

from indexer.encoders.open_clip.hub import Hub, holds, recorded_hash
from indexer.errors import InputError, ModelError
from indexer.files import file_hash

Config = dict[str, Any]

CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
VOCABULARY = (
    "tokenizer.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "vocab.txt",
    "vocab.json",
)
TOKENIZER_PATTERNS = ("*token*.json", "*.model", "vocab.*", "merges.txt", "config.json")
PREPARATION = ("mean", "std", "interpolation", "resize_mode", "fill_color")  # not "size"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of one model of open_clip, none of them loaded yet.

    `config` and `preparation` are open_clip's `model_cfg` and `preprocess_cfg`. A tokenizer in
    `folder` takes precedence over the one in `config`. `sha256` is the hash of the weights, if it
    is known.
    """

    name: str
    config: Config
    preparation: Config
    weights: Path
    sha256: str | None
    folder: Path | None = None

    def verified_hash(self) -> str:
        """Compute the SHA-256 of the weights; raises `ModelError` if it is not the known one."""
        actual = file_hash(self.weights)
        if self.sha256 not in (None, actual):
            raise ModelError(
                f"{self.weights}: damaged or replaced (sha256 {actual}, expected {self.sha256}); "
                "delete it and download or copy it again"
            )
        return actual

    def local_config(self, hub: Hub) -> Config:
        """Return `config` with local folders in place of remote text models and tokenizers.

        Nothing built from it uses the network. Raises `ModelError` like `hub`.
        """
        text: Config = dict(self.config["text_cfg"])
        if text.get("hf_model_name"):
            text["hf_model_name"] = self._text_folder(text["hf_model_name"], ("config.json",), hub)
        if text.get("hf_tokenizer_name"):
            text["hf_tokenizer_name"] = self._text_folder(
                text["hf_tokenizer_name"], VOCABULARY, hub
            )
            options = text.get("tokenizer_kwargs") or {}
            text["tokenizer_kwargs"] = options | {"trust_remote_code": False}
        return self.config | {"text_cfg": text}

    def sources(self, config: Config) -> list[Path]:
        """Files that determine the model of this name; some of them may not exist.

        `config` is a local one. The files are the weights and their companions, the tokenizer and
        the text model, the cached revisions of each, and the lists of open_clip itself.
        """
        package = Path(open_clip.__file__).parent
        lists = (package / "version.py", package / "pretrained.py")
        beside = (self.weights.with_suffix(".json"), _note_of(self.weights))
        named = (config["text_cfg"].get(key) for key in ("hf_tokenizer_name", "hf_model_name"))
        folders = {Path(folder) for folder in (self.folder, *named) if folder}
        texts = [folder / name for folder in folders for name in (CONFIG, *VOCABULARY)]
        tokenizers = [path for folder in folders for path in _matching(folder, TOKENIZER_PATTERNS)]
        revisions = [
            folder.parents[1] / "refs" / "main"
            for folder in (self.weights.parent, *folders)
            if folder.parent.name == "snapshots"
        ]
        return sorted({self.weights, *beside, *texts, *tokenizers, *revisions, *lists})

    def _text_folder(self, repository: str, needed: tuple[str, ...], hub: Hub) -> str:
        if self.folder is not None and holds(self.folder, needed):
            return str(self.folder)
        return str(hub.folder(repository, TOKENIZER_PATTERNS, needed))


def find_checkpoint(rest: str, hub: Hub) -> Checkpoint:
    """Find the checkpoint `open_clip:` + `rest`, downloading it if the hub may.

    `rest`: `ARCH/TAG`, `ARCH:FILE`, `hf-hub:ORGANISATION/NAME` or `local-dir:FOLDER`. Raises
    `InputError` for a name that cannot exist and `ModelError` if its files are unavailable.
    """
    head, colon, tail = rest.partition(":")
    if not colon:
        return _of_tag(rest, hub)
    if not tail:
        raise InputError(f"open_clip:{rest} ends in a colon; write open_clip:ARCHITECTURE:FILE")
    if head == "hf-hub":
        return _of_repository(tail, hub)
    if head == "local-dir":
        return _of_folder(Path(tail).expanduser().resolve())
    return _of_file(head, Path(tail).expanduser().resolve())


def _of_tag(rest: str, hub: Hub) -> Checkpoint:
    architecture, slash, tag = rest.rpartition("/")
    config = _architecture(architecture if slash else rest)
    if not slash:
        raise InputError(_names_no_weights(rest))
    settings = open_clip.get_pretrained_cfg(architecture, tag)
    if not settings:
        raise InputError(f"no weights {tag!r} for {architecture}: {_choice(architecture)}")
    repository, _, name = str(settings["hf_hub"]).rpartition("/")
    names = (str(Path(name).with_suffix(".safetensors")), name) if name else WEIGHTS
    weights = hub.file(repository, names)
    config["quick_gelu"] = _quick_gelu(config, settings)
    preparation = _preparation(settings)
    return Checkpoint(f"open_clip:{rest}", config, preparation, weights, recorded_hash(weights))


def _of_file(architecture: str, weights: Path) -> Checkpoint:
    beside = weights.with_suffix(".json")
    config, preparation = _read_config(beside) if beside.is_file() else (None, {})
    if config is None:
        config = _architecture(architecture, f"put its configuration beside the file: {beside}")
        usual = _usual_settings(architecture)
        config["quick_gelu"] = _quick_gelu(config, usual)
        preparation = _preparation(usual) | preparation
    if not weights.is_file():
        raise ModelError(f"{weights}: no such weights file; check the path")
    name = f"open_clip:{architecture}:{weights}"
    return Checkpoint(name, config, preparation, weights, _noted_hash(weights), weights.parent)


def _of_folder(folder: Path) -> Checkpoint:
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is None or not (folder / CONFIG).is_file():
        raise ModelError(f"{folder}: lacks {CONFIG} or {WEIGHTS[0]}; export the model there")
    return _described(f"open_clip:local-dir:{folder}", folder, weights, _noted_hash(weights))


def _of_repository(repository: str, hub: Hub) -> Checkpoint:
    weights = hub.file(repository, WEIGHTS)
    folder = hub.folder(repository, (CONFIG, *TOKENIZER_PATTERNS), (CONFIG,))
    return _described(f"open_clip:hf-hub:{repository}", folder, weights, recorded_hash(weights))


def _described(name: str, folder: Path, weights: Path, sha256: str | None) -> Checkpoint:
    config, preparation = _read_config(folder / CONFIG)
    if config is None:
        raise ModelError(f"{folder / CONFIG}: has no 'model_cfg'; export the model again")
    return Checkpoint(name, config, preparation, weights, sha256, folder)


def _architecture(name: str, otherwise: str = "see 'picfuse models --open-clip TEXT'") -> Config:
    known = open_clip.list_models()
    if name not in known:
        lower = {other.lower(): other for other in known}
        close = [lower[match] for match in get_close_matches(name.lower(), lower, cutoff=0.5)]
        meant = f" (did you mean {' or '.join(close)}?)" if close else ""
        raise InputError(f"open_clip has no architecture {name!r}{meant}; {otherwise}")
    config: Config = open_clip.get_model_config(name)
    return config


def _names_no_weights(architecture: str) -> str:
    return (
        f"open_clip:{architecture} names no weights: write open_clip:{architecture}/TAG "
        f"({_choice(architecture)}) or open_clip:{architecture}:FILE"
    )


def _choice(architecture: str) -> str:
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    return f"there are {', '.join(tags)}" if tags else "there are none to download"


def _quick_gelu(config: Config, settings: Mapping[str, Any]) -> bool:
    """Whether the activation is QuickGELU; open_clip itself only warns if a tag needs it."""
    return bool(config.get("quick_gelu") or settings.get("quick_gelu"))


def _preparation(settings: Mapping[str, Any]) -> Config:
    return {key: settings[key] for key in PREPARATION if settings.get(key) is not None}


def _usual_settings(architecture: str) -> Config:
    """Settings shared by all pretrained weights of an architecture; empty if they differ."""
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    configs = [open_clip.get_pretrained_cfg(architecture, tag) for tag in tags]
    settings = [{key: one.get(key) for key in (*PREPARATION, "quick_gelu")} for one in configs]
    return settings[0] if settings and all(one == settings[0] for one in settings) else {}


def _read_config(path: Path) -> tuple[Config | None, Config]:
    """Read `model_cfg` (or None) and `preprocess_cfg` from JSON in either form of open_clip."""
    try:
        content = json.loads(path.read_text("utf-8"))
        wrapped = "model_cfg" in content or "preprocess_cfg" in content
        config = content.get("model_cfg") if wrapped else content
        preparation = _preparation(content.get("preprocess_cfg") or {}) if wrapped else {}
        _check_preparation(path, preparation)
        if config is not None:
            _check_config(path, config)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a valid configuration ({error})") from error
    return config, preparation


def _check_config(path: Path, config: Config) -> None:
    missing = {"embed_dim", "vision_cfg", "text_cfg"} - set(config)
    if missing:
        raise ModelError(
            f"{path}: not an open_clip configuration (it lacks {', '.join(sorted(missing))}); "
            "it needs embed_dim, vision_cfg and text_cfg"
        )
    elsewhere = ":" in str(config["vision_cfg"].get("timm_model_name"))
    if elsewhere or not isinstance(config["text_cfg"], dict):
        raise ModelError(
            f"{path}: text_cfg must be an object, and timm_model_name a plain timm name"
        )


def _check_preparation(path: Path, preparation: Config) -> None:
    channels = [np.asarray(preparation.get(key, 0.5), np.float64) for key in ("mean", "std")]
    fits = (
        all(one.shape in ((), (1,), (3,)) for one in channels)
        and bool((channels[1] > 0).all())
        and preparation.get("resize_mode", "squash") in ("squash", "shortest", "longest")
        and preparation.get("fill_color", 0) in range(256)
    )
    if not fits:
        raise ModelError(
            f"{path}: preprocess_cfg is invalid: mean and std take 3 numbers, resize_mode is "
            "squash, shortest or longest, and fill_color is 0 to 255"
        )


def _matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return [path for pattern in patterns for path in folder.glob(pattern)]


def _note_of(weights: Path) -> Path:
    return weights.with_name(f"{weights.name}.sha256")


def _noted_hash(weights: Path) -> str | None:
    """Read the SHA-256 in `FILE.sha256`; None without that file."""
    note = _note_of(weights)
    if not note.is_file():
        return None
    words = note.read_text("utf-8", "replace").split()
    if not words or len(words[0]) != 64:
        raise ModelError(f"{note}: has no SHA-256; write it again with sha256sum, or delete it")
    return words[0].lower()
