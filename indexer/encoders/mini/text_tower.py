"""The built-in model's text tower in PyTorch: MiniLM, and a second copy of its last layers.

The copy is trained on pairs, like the tail of the image tower; the original is unchanged.
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

READ_AT = 4  # the tail reads the states after this layer of six
MASKED = -1e4  # added to the attention on padding


class TextTrunk(nn.Module):
    """The original MiniLM-L6: tokens to the unit-length mean of the last layer."""

    def __init__(self) -> None:
        super().__init__()
        path = TEXT_TOWER.verified()
        config = BertConfig.from_pretrained(path.parent, attn_implementation="eager")
        self.net = BertModel(config, add_pooling_layer=False)
        stored = load_file(path)
        state = {name: stored[name] for name in self.net.state_dict() if name in stored}
        self.net.load_state_dict(state)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Map int64 (n, length) twice to float32 (n, 384) and the tail's input (n, length, 384)."""
        out = self.net(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
        return sentence(out.last_hidden_state, mask), out.hidden_states[READ_AT]


class TextTail(nn.Module):
    """A second copy of the last layers, trained on pairs of pictures and captions."""

    def __init__(self, trunk: TextTrunk) -> None:
        super().__init__()
        self.layers = deepcopy(trunk.net.encoder.layer[READ_AT:])

    def forward(self, read: Tensor, mask: Tensor) -> Tensor:
        """Map states (n, length, 384) of the trunk to unit-length means (n, 384)."""
        attention = (1 - mask.to(read.dtype))[:, None, None] * MASKED
        for layer in self.layers:
            states = layer(read, attention)
            # Depends on the version of transformers:
            read = states[0] if isinstance(states, tuple) else states
        return sentence(read.float(), mask)

    def stored(self) -> dict[str, Tensor]:
        """The tensors, by their names in a heads file."""
        return {f"{TEXT_TAIL}{name}": tensor for name, tensor in self.state_dict().items()}

    def load(self, heads: Path) -> None:
        """Load the tensors of a heads file. Raises `ModelError` if they do not fit."""
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
    """The unit-length mean (n, 384) of the states (n, length, 384) of words."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=-1)
