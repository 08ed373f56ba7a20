"""The built-in model's image tower in PyTorch.

Weights are loaded only after their hash is checked, as safetensors or with `weights_only`.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from indexer.encoders.mini.heads import TAIL
from indexer.encoders.mini.packages import IMAGE_TOWER
from indexer.errors import ModelError

FIRST_STAGE = 3  # of seven, from 0: the first whose channels the image head reads
TAIL_STAGE = 5  # the tail begins behind the first block of this one


class Trunk(nn.Module):
    """EfficientNet-Lite2 (ImageNet): pixels to features of several scales and class probabilities.

    What later stages no longer tell apart, such as colours and textures, is read from the earlier
    ones: the mean and the maximum of each channel of the last stages. The means over the four
    quarters say where things are. Together it costs the tower no measurable time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = timm.create_model("tf_efficientnet_lite2", pretrained=False)
        stored = torch.load(IMAGE_TOWER.verified(), weights_only=True, map_location="cpu")
        # The file names its tensors otherwise than timm, in the same order.
        names = list(self.net.state_dict())
        self.net.load_state_dict(dict(zip(names, stored.values(), strict=True)))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (n, 260, 260, 3) to float32 (n, 5504), (n, 1000) and what the tail reads.

        The latter is the map (n, 208, 9, 9) that the first block of stage 5 gives.
        """
        maps, x, read = self.maps(pixels)
        parts = [part for y in maps for part in (y.mean((2, 3)), y.amax((2, 3)))]
        parts += quarters(maps[-1])
        pooled = x.mean((2, 3))
        probabilities = self.net.classifier(pooled).softmax(-1)
        return torch.cat([*parts, x.amax((2, 3)), pooled], -1), probabilities, read

    def maps(self, pixels: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """The maps (n, c, h, w) of the last stages, the last one of all (n, 1280, 9, 9), and what
        the tail reads.
        """
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
    """A second copy of the trunk's last blocks, trained on pairs; the first goes on classifying.

    Its normalisation keeps the statistics of ImageNet, also while it is trained.
    """

    width = 2560  # of its features: means and maxima

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        net = deepcopy(trunk.net)
        self.blocks = nn.Sequential(*net.blocks[TAIL_STAGE][1:], *net.blocks[TAIL_STAGE + 1])
        self.last = nn.Sequential(net.conv_head, net.bn2)
        self.train()

    def forward(self, read: Tensor) -> Tensor:
        """Maps (n, 208, 9, 9) of the trunk to means and maxima of 1,280 channels, (n, 2560)."""
        x = self.map(read)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], -1)

    def map(self, read: Tensor) -> Tensor:
        """The last map (n, 1280, 9, 9)."""
        x: Tensor = self.last(self.blocks(read))
        return x

    def train(self, mode: bool = True) -> Tail:
        """Never in training mode: that would move the statistics of the normalisation."""
        del mode
        return super().train(False)

    def stored(self) -> dict[str, Tensor]:
        """Its tensors, as a heads file names them."""
        return {f"{TAIL}{k}": t for k, t in self.state_dict().items() if t.is_floating_point()}

    def load(self, heads: Path) -> None:
        """Take the tensors of a heads file. Raises `ModelError` when they do not fit."""
        tensors = {k.removeprefix(TAIL): t.float() for k, t in load_file(heads).items()}
        own = self.state_dict()
        kept = {k: tensors.get(k, t) if t.is_floating_point() else t for k, t in own.items()}
        if not {k for k, t in own.items() if t.is_floating_point()} <= set(tensors) or any(
            kept[k].shape != t.shape for k, t in own.items()
        ):
            raise ModelError(f"{heads}: has no tail that fits the image tower; train it again")
        self.load_state_dict(kept)


class ImageTower(nn.Module):
    """The trunk and the tail of a heads file."""

    def __init__(self, heads: Path) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.tail = Tail(self.trunk)
        self.tail.load(heads)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (n, 260, 260, 3) to float32 (n, 8064) and class probabilities (n, 1000)."""
        pooled, probabilities, read = self.trunk(pixels)
        return torch.cat([pooled, self.tail(read)], -1), probabilities


class Maps(nn.Module):
    """The image tower before anything is pooled: what each place of a picture shows."""

    def __init__(self, heads: Path) -> None:
        super().__init__()
        tower = ImageTower(heads)
        self.trunk, self.tail = tower.trunk, tower.tail

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """uint8 (n, 260, 260, 3) to maps (n, c, h, w), in the order of `MAPS`.

        The classes are logits: their mean over places is what the classifier says of the mean.
        """
        maps, last, read = self.trunk.maps(pixels)
        net = self.trunk.net
        classes = net.classifier(last.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return (*maps, last, self.tail.map(read), classes)


def quarters(x: Tensor) -> list[Tensor]:
    """Means (n, c) over the four quarters of a map (n, c, h, w); they overlap by a row."""
    h, w = ((side + 1) // 2 for side in x.shape[2:])
    return [
        part.mean((2, 3))
        for rows in (x[:, :, :h], x[:, :, -h:])
        for part in (rows[..., :w], rows[..., -w:])
    ]
