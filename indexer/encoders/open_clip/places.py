"""Rows of each place of a picture, by the image towers of open_clip.

A tower pools its last features into one row. Here the features of each place pass through the same
layers alone, as if the whole picture looked like that place.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from indexer.errors import ModelError


class _Reached(Exception):  # noqa: N818 - not an error: stops the tower at a module
    """Carries the input of a module out of a tower, before the module runs."""

    def __init__(self, given: Tensor) -> None:
        super().__init__()
        self.given = given


def visual_places(visual: Any, images: Tensor, name: str) -> Tensor:
    """Rows (n, rows, columns, dim), of any length, of prepared pictures (n, 3, size, size).

    Raises `ModelError` for a tower whose last features form no grid of places.
    """
    if hasattr(visual, "transformer") and hasattr(visual.transformer, "resblocks"):
        return _of_transformer(visual, images)
    if hasattr(visual, "attnpool"):
        return _of_resnet(visual, images)
    if hasattr(visual, "trunk") and not hasattr(visual.head, "pool"):
        return _of_timm(visual, images)
    raise ModelError(
        f"{name}: its image tower ({type(visual).__name__}) cannot locate a query in a "
        "picture; use the built-in model, or another open_clip model"
    )


def _of_transformer(visual: Any, images: Tensor) -> Tensor:
    """Patch tokens of the last block, through the final norm and projection.

    In that block each attends to itself only; otherwise it would mostly describe the whole picture
    (Zhou et al. 2022, "Extract Free Dense Labels from CLIP", arXiv:2112.01071).
    """
    last = visual.transformer.resblocks[-1]
    tokens = _given_to(last, visual, images)  # (n, 1 + places, width)
    apart = torch.full((tokens.shape[1],) * 2, float("-inf"), device=tokens.device)
    cells = last(tokens, attn_mask=apart.fill_diagonal_(0))[:, 1:]
    if visual.attn_pool is None:
        rows = visual.ln_post(cells)
    else:
        rows = visual._pool(cells.flatten(0, 1)[:, None])[0].unflatten(0, cells.shape[:2])
    projected: Tensor = rows if visual.proj is None else rows @ visual.proj
    return projected.reshape(len(projected), *visual.grid_size, -1)


def _of_resnet(visual: Any, images: Tensor) -> Tensor:
    """The last map, each place projected as if the pooling attended to it alone."""
    cells = _given_to(visual.attnpool, visual, images).permute(0, 2, 3, 1)
    rows: Tensor = visual.attnpool.c_proj(visual.attnpool.v_proj(cells))
    return rows


def _of_timm(visual: Any, images: Tensor) -> Tensor:
    """The last map or patch tokens of a trunk, each passed alone through pooling and head."""
    trunk = visual.trunk
    features = trunk.forward_features(images)
    if features.ndim == 3:
        before = getattr(trunk, "num_prefix_tokens", 0)
        cells = features[:, before:]
        side = round(cells.shape[1] ** 0.5)
        grid = (side, cells.shape[1] // side)
        alone = cells.flatten(0, 1)[:, None].expand(-1, before + 1, -1)  # also what a pooling skips
    else:
        channels_last = getattr(trunk, "output_fmt", "NCHW") == "NHWC"
        cells = features if channels_last else features.permute(0, 2, 3, 1)
        grid = (cells.shape[1], cells.shape[2])
        flat = cells.flatten(0, 2)
        alone = flat[:, None, None] if channels_last else flat[:, :, None, None]
    rows: Tensor = visual.head(trunk.forward_head(alone))
    return rows.reshape(len(images), *grid, -1)


def _given_to(module: nn.Module, visual: Any, images: Tensor) -> Tensor:
    """Run a tower up to one of its modules; returns the module's input."""

    def caught(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        raise _Reached(inputs[0])

    hook = module.register_forward_pre_hook(caught)
    try:
        visual(images)
    except _Reached as reached:
        return reached.given
    finally:
        hook.remove()
    raise ModelError(f"{type(visual).__name__}: its last features are not in the usual place")
