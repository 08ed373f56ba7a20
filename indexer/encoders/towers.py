"""The built-in model's pretrained towers in PyTorch, and their export to ONNX.

Run as `python -m indexer.encoders.towers NAME FILE`. Weights are loaded only after their hash
is checked, as safetensors or with `weights_only`.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from indexer.encoders.packages import IMAGE_TOWER, TEXT_TOWER
from indexer.errors import ModelError


class ImageTower(nn.Module):
    """EfficientNet-Lite2 (ImageNet): pixels to pooled features and class probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.net = timm.create_model("tf_efficientnet_lite2", pretrained=False)
        stored = torch.load(IMAGE_TOWER.verified(), weights_only=True, map_location="cpu")
        # The file names its tensors otherwise than timm, in the same order.
        names = list(self.net.state_dict())
        self.net.load_state_dict(dict(zip(names, stored.values(), strict=True)))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, 260, 260, 3) to float32 (n, 1280) and (n, 1000)."""
        images = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        pooled = self.net.forward_head(self.net.forward_features(images), pre_logits=True)
        return pooled, self.net.classifier(pooled).softmax(-1)


class TextTower(nn.Module):
    """MiniLM-L6: tokens to the unit-length mean of the last layer, as it was trained."""

    def __init__(self) -> None:
        super().__init__()
        path = TEXT_TOWER.verified()
        config = BertConfig.from_pretrained(path.parent, attn_implementation="eager")
        self.net = BertModel(config, add_pooling_layer=False)
        stored = load_file(path)
        kept = {name: stored[name] for name in self.net.state_dict() if name in stored}
        self.net.load_state_dict(kept)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """int64 (n, length) twice to float32 (n, 384)."""
        states = self.net(input_ids=tokens, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=-1)


def export(name: str, path: Path) -> None:
    """Write the ONNX graph of the tower "image" or "text", batch (and length) left open."""
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=512)
    tower: nn.Module
    if name == "image":
        tower, shapes = ImageTower(), [{0: batch}]
        example: tuple[Tensor, ...] = (torch.zeros(2, 260, 260, 3, dtype=torch.uint8),)
        names = (["pixels"], ["pooled", "probabilities"])
    elif name == "text":
        tower, shapes = TextTower(), [{0: batch, 1: length}] * 2
        example = (torch.ones(2, 9, dtype=torch.int64), torch.ones(2, 9, dtype=torch.int64))
        names = (["tokens", "mask"], ["sentence"])
    else:
        raise ModelError(f"no tower {name!r}; there are 'image' and 'text'")
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


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    export(sys.argv[1], Path(sys.argv[2]))
