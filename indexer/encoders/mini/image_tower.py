"""The built-in model's image tower in PyTorch.

Weights are loaded after their hash is checked, from safetensors or with `weights_only`.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from indexer.encoders.mini.heads import PLACE, TAIL
from indexer.encoders.mini.packages import IMAGE_TOWER
from indexer.errors import ModelError

FIRST_STAGE = 3  # of seven, from 0: the first stage whose channels the image head reads
TAIL_STAGE = 5  # the tail begins after the first block of this stage


class Trunk(nn.Module):
    """EfficientNet-Lite2 (ImageNet): pixels to features of several scales and class probabilities.

    The features are the mean and maximum of each channel of several stages: earlier stages still
    distinguish colours and textures. The means over the four quarters tell where things are.
    Pooling takes no measurable time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = timm.create_model("tf_efficientnet_lite2", pretrained=False)
        stored = torch.load(IMAGE_TOWER.verified(), weights_only=True, map_location="cpu")
        # The file has other names for its tensors than timm, in the same order.
        names = list(self.net.state_dict())
        self.net.load_state_dict(dict(zip(names, stored.values(), strict=True)))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map uint8 (n, 320, 320, 3) to float32 (n, 5504), (n, 2000) and the tail's input.

        The latter is the output (n, 208, 10, 10) of the first block of stage 5.
        """
        maps, x, read = self.maps(pixels)
        parts = [part for y in maps for part in (y.mean((2, 3)), y.amax((2, 3)))]
        parts += quarters(maps[-1])
        pooled = x.mean((2, 3))
        whole = self.net.classifier(pooled).softmax(-1)
        return torch.cat([*parts, x.amax((2, 3)), pooled], -1), self.shown(whole, x), read

    def shown(self, whole: Tensor, x: Tensor) -> Tensor:
        """Append to class probabilities (n, 1000) the largest of each class at any place.

        The classifier reads the mean of each square of 3 x 3 cells of the last map `x`.
        """
        places = functional.avg_pool2d(x, PLACE, 1).flatten(2).transpose(1, 2)
        return torch.cat([whole, self.net.classifier(places).softmax(-1).amax(1)], -1)

    def maps(self, pixels: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Maps (n, c, h, w) of the last stages, the final (n, 1280, 10, 10), the tail's input."""
        images = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        x, maps = self.net.bn1(self.net.conv_stem(images)), []
        read = x
        for stage, blocks in enumerate(self.net.blocks):
            for number, block in enumerate(blocks):
                x = block(x)
                read = x if (stage, number) == (TAIL_STAGE, 0) else read
            if stage >= FIRST_STAGE:
                maps.append(x)
        return maps, self.net.bn2(self.net.conv_head(x)), read


class Tail(nn.Module):
    """A second copy of the trunk's last blocks, trained on pairs; the first still classifies.

    Its normalisation keeps the statistics of ImageNet, even during training.
    """

    width = 2560  # of its features: means and maxima

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        net = deepcopy(trunk.net)
        self.blocks = nn.Sequential(*net.blocks[TAIL_STAGE][1:], *net.blocks[TAIL_STAGE + 1])
        self.last = nn.Sequential(net.conv_head, net.bn2)
        self.train()

    def forward(self, read: Tensor) -> Tensor:
        """Turn maps (n, 208, 10, 10) into means and maxima of 1,280 channels, (n, 2560)."""
        x = self.map(read)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], -1)

    def map(self, read: Tensor) -> Tensor:
        """The final map (n, 1280, 10, 10)."""
        x: Tensor = self.last(self.blocks(read))
        return x

    def train(self, mode: bool = True) -> Tail:
        """Stay in evaluation mode: training mode would change the normalisation's statistics."""
        del mode
        return super().train(False)

    def stored(self) -> dict[str, Tensor]:
        """The tensors, by their names in a heads file."""
        return {f"{TAIL}{k}": t for k, t in self.state_dict().items() if t.is_floating_point()}

    def load(self, heads: Path) -> None:
        """Load the tensors of a heads file. Raises `ModelError` if they do not fit."""
        tensors = {k.removeprefix(TAIL): t.float() for k, t in load_file(heads).items()}
        own = self.state_dict()
        state = {k: tensors.get(k, t) if t.is_floating_point() else t for k, t in own.items()}
        if not {k for k, t in own.items() if t.is_floating_point()} <= set(tensors) or any(
            state[k].shape != t.shape for k, t in own.items()
        ):
            raise ModelError(f"{heads}: has no tail that fits the image tower; train it again")
        self.load_state_dict(state)


class ImageTower(nn.Module):
    """The trunk and the tail of a heads file."""

    def __init__(self, heads: Path) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.tail = Tail(self.trunk)
        self.tail.load(heads)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Map uint8 (n, 320, 320, 3) to float32 (n, 8064) and class probabilities (n, 2000)."""
        pooled, probabilities, read = self.trunk(pixels)
        return torch.cat([pooled, self.tail(read)], -1), probabilities


class Maps(nn.Module):
    """The image tower without pooling: features of each place of a picture."""

    def __init__(self, heads: Path) -> None:
        super().__init__()
        tower = ImageTower(heads)
        self.trunk, self.tail = tower.trunk, tower.tail

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Map uint8 (n, 320, 320, 3) to maps (n, c, h, w), in the order of `MAPS`.

        The classes are logits; their mean over places equals the classifier's output.
        """
        maps, last, read = self.trunk.maps(pixels)
        net = self.trunk.net
        classes = net.classifier(last.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return (*maps, last, self.tail.map(read), classes)


def quarters(x: Tensor) -> list[Tensor]:
    """Means (n, c) over the four quarters of a map (n, c, h, w); of odd sides, they overlap."""
    h, w = ((side + 1) // 2 for side in x.shape[2:])
    return [
        part.mean((2, 3))
        for rows in (x[:, :, :h], x[:, :, -h:])
        for part in (rows[..., :w], rows[..., -w:])
    ]
