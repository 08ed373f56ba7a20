"""Export of the built-in model's towers to ONNX, by PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from indexer.encoders.mini.encoder import TRANSFORM
from indexer.encoders.mini.image_tower import ImageTower, Maps, Trunk
from indexer.encoders.mini.places import MAPS
from indexer.encoders.mini.text_tower import TextTower, TextTrunk
from indexer.errors import ModelError

TOWERS = ("image", "trunk", "maps", "text", "words")


def export(name: str, path: Path, heads: Path) -> None:
    """Write the ONNX graph of the tower "image", "trunk", "maps", "text" or "words".

    Batch and length stay variable. The tails of the towers are read from the file `heads`;
    "trunk" and "words" (the trunk of the text tower) have none.
    """
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=512)
    side = TRANSFORM.size
    pixels = (torch.zeros(2, side, side, 3, dtype=torch.uint8),)
    example: tuple[Tensor, ...] = pixels
    tower: nn.Module
    if name == "image":
        tower, shapes = ImageTower(heads), [{0: batch}]
        names = (["pixels"], ["pooled", "probabilities"])
    elif name == "trunk":
        tower, shapes = Trunk(), [{0: batch}]
        names = (["pixels"], ["pooled", "probabilities", "read"])
    elif name == "maps":
        tower, shapes = Maps(heads), [{0: batch}]
        names = (["pixels"], [*MAPS])
    elif name in ("text", "words"):
        plain = name == "words"
        tower = TextTrunk() if plain else TextTower(heads)
        shapes = [{0: batch, 1: length}] * 2
        example = (torch.ones(2, 9, dtype=torch.int64), torch.ones(2, 9, dtype=torch.int64))
        names = (["tokens", "mask"], ["sentence", "read"] if plain else ["sentence"])
    else:
        raise ModelError(f"no tower {name!r}; there are {', '.join(map(repr, TOWERS))}")
    torch.onnx.export(
        tower.eval(),
        example,
        str(path),
        dynamo=True,
        dynamic_shapes=tuple(shapes),
        input_names=names[0],
        output_names=names[1],
        external_data=False,
        verbose=False,
    )
