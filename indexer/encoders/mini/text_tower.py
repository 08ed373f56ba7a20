"""The built-in model's text tower in PyTorch: MiniLM, and a second copy of its last layers.

The copy is trained on pairs, as the tail of the image tower is; what the first one says stays.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from indexer.encoders.mini.heads import STEP, TEXT_TAIL
from indexer.encoders.mini.packages import TEXT_TOWER
from indexer.errors import ModelError

READ_AT = 4  # layers of six, whose states the tail reads
MASKED = -1e4  # added to the attention that what pads a sentence would get


class TextTrunk(nn.Module):
    """MiniLM-L6: tokens to the unit-length mean of the last layer, as it was trained."""

    def __init__(self) -> None:
        super().__init__()
        path = TEXT_TOWER.verified()
        config = BertConfig.from_pretrained(path.parent, attn_implementation="eager")
        self.net = BertModel(config, add_pooling_layer=False)
        stored = load_file(path)
        kept = {name: stored[name] for name in self.net.state_dict() if name in stored}
        self.net.load_state_dict(kept)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """int64 (n, length) twice to float32 (n, 384) and what the tail reads, (n, length, 384)."""
        found = self.net(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
        return sentence(found.last_hidden_state, mask), found.hidden_states[READ_AT]


class TextTail(nn.Module):
    """A second copy of the last layers, trained on pairs of pictures and captions."""

    def __init__(self, trunk: TextTrunk) -> None:
        super().__init__()
        self.layers = deepcopy(trunk.net.encoder.layer[READ_AT:])

    def forward(self, read: Tensor, mask: Tensor) -> Tensor:
        """States (n, length, 384) of the trunk to unit-length means of the last layer, (n, 384)."""
        attention = (1 - mask.to(read.dtype))[:, None, None] * MASKED
        for layer in self.layers:
            states = layer(read, attention)
            read = states[0] if isinstance(states, tuple) else states  # by version of transformers
        return sentence(read.float(), mask)

    def stored(self) -> dict[str, Tensor]:
        """Its tensors, as a heads file names them."""
        return {f"{TEXT_TAIL}{name}": tensor for name, tensor in self.state_dict().items()}

    def load(self, heads: Path) -> None:
        """Take the tensors of a heads file. Raises `ModelError` when they do not fit."""
        tensors = {k.removeprefix(TEXT_TAIL): t.float() for k, t in load_file(heads).items()}
        scaled = {k: t * tensors.get(f"{k}{STEP}", 1.0) for k, t in tensors.items()}
        own = self.state_dict()
        if any(k not in scaled or scaled[k].shape != t.shape for k, t in own.items()):
            raise ModelError(f"{heads}: has no tail that fits the text tower; train it again")
        self.load_state_dict({k: scaled[k] for k in own})


class TextTower(nn.Module):
    """The trunk and the tail of a heads file."""

    def __init__(self, heads: Path) -> None:
        super().__init__()
        self.trunk = TextTrunk()
        self.tail = TextTail(self.trunk)
        self.tail.load(heads)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Map int64 (n, length) twice to float32 (n, 768)."""
        known, read = self.trunk(tokens, mask)
        return torch.cat([known, self.tail(read, mask)], -1)


def sentence(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the states (n, length, 384) of words, of unit length."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=-1)
