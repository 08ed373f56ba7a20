"""Models of open_clip in PyTorch, made from checkpoints."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from tempfile import TemporaryDirectory
from typing import Any

import open_clip
import torch
from open_clip.transformer import text_global_pool
from torch import Tensor, nn

from indexer.encoders.open_clip.checkpoints import Checkpoint, Config
from indexer.errors import ModelError
from indexer.pictures.transform import ImageTransform


class Tower(nn.Module):
    """One half of a model; that of images takes uint8 pixels (n, size, size, 3)."""

    mean: Tensor | None
    std: Tensor | None

    def __init__(self, model: Any, mean: Tensor | None = None, std: Tensor | None = None) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, batch: Tensor) -> Tensor:
        """Map pixels or tokens to rows (n, dim)."""
        encode = self.model.encode_text if self.mean is None else self.model.encode_image
        rows: Tensor = encode(self.prepared(batch))
        return rows

    def prepared(self, batch: Tensor) -> Tensor:
        """Input of the model: tokens unchanged, or pixels as float32 (n, 3, size, size)."""
        if self.mean is None or self.std is None:
            return batch
        return (batch.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std


class CausalText(nn.Module):
    """The text half of a CLIP model, for tokens (n, length) of any length up to the usual one.

    Each token attends only to those before it, and the row is read at the end of the text. The
    padding after it can be left out: a query of some words takes a quarter of the time.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    @classmethod
    def of(cls, model: Any) -> CausalText | None:
        """Take the text half of a model that works like this; None for others."""
        causal = isinstance(model, open_clip.CLIP) and model.attn_mask is not None
        return cls(model) if causal and model.text_pool_type in ("argmax", "eos") else None

    @property
    def longest(self) -> int:
        """The usual number of tokens."""
        return len(self.model.positional_embedding)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (n, length) to rows (n, dim)."""
        model, length = self.model, tokens.shape[1]
        states = model.token_embedding(tokens) + model.positional_embedding[:length]
        states = model.transformer(states, attn_mask=model.attn_mask[:length, :length])
        end = getattr(model, "text_eos_id", None)
        rows = text_global_pool(
            model.ln_final(states), tokens, model.text_pool_type, eos_token_id=end
        )
        projection = model.text_projection
        if projection is not None:
            rows = projection(rows) if isinstance(projection, nn.Linear) else rows @ projection
        return torch.as_tensor(rows)


def image_transform(name: str, preparation: Mapping[str, Any]) -> ImageTransform:
    """Make the transform of an open_clip `preprocess_cfg`; the encoder normalises pixels."""
    size = preparation["size"]
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise ModelError(f"{name}: needs pictures of {size}, but only square ones are supported")
    return ImageTransform(
        size=int(sides.pop()),
        resize=preparation["resize_mode"],
        interpolation="bilinear" if preparation["interpolation"] == "bilinear" else "bicubic",
        fill=int(preparation["fill_color"]),
    )


def best_device() -> torch.device:
    """CUDA or MPS if available, otherwise the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def registered_name(config: Config) -> str:
    """Register a configuration with open_clip; equal configurations get the same name."""
    text = json.dumps(config, sort_keys=True)
    name = f"picfuse-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if name not in open_clip.list_models():
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.json"
            path.write_text(text, "utf-8")
            open_clip.add_model_config(path)
    return name


def model_of(registered: str, checkpoint: Checkpoint) -> Any:
    """Create the model with its weights on the CPU; raises `ModelError` if they do not fit."""
    weights = checkpoint.weights
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        return open_clip.create_model(
            registered,
            pretrained=str(weights),
            force_preprocess_cfg=checkpoint.preparation,
            weights_only=True,
        )
    except UnpicklingError as error:
        raise ModelError(
            f"{weights}: not loaded, because it contains more than tensors and could run code; "
            "use a .safetensors file"
        ) from error
    except Exception as error:  # the loaders raise errors of any kind for weights that do not fit
        raise ModelError(
            f"{weights}: does not fit {checkpoint.name.removesuffix(f':{weights}')} "
            f"({_summary(error)}); name the architecture it was made for, or copy the file again "
            "if it is damaged"
        ) from error
    finally:
        root.handlers[:] = before  # open_clip's first log message adds one


def tokenizer_of(registered: str, checkpoint: Checkpoint) -> Callable[[list[str]], Tensor]:
    """Load the tokenizer of a registered configuration; raises `ModelError`."""
    try:
        tokenizer: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(registered)
    except Exception as error:  # each kind of tokenizer raises its own errors
        raise ModelError(
            f"{checkpoint.name}: its tokenizer cannot be loaded ({_summary(error)}); delete the "
            "model from the Hugging Face cache, and open it again with a network connection"
        ) from error
    return tokenizer


def _summary(error: Exception) -> str:
    """Summarise an error in one line of at most 200 characters."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 200 else f"{line[:199]}…"
