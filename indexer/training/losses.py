"""The losses of alignment."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(v_i: Tensor, v_t: Tensor, scale: Tensor, smoothing: float = 0.0) -> Tensor:
    """Symmetric InfoNCE of matching rows (van den Oord 2018; both ways as in CLIP, 2021).

    `v_i`, `v_t`: unit rows (n, d); row k of one matches row k of the other and nothing else.
    `scale`: the inverse temperature. Cross-entropy over the n candidates of each row, with
    label smoothing.
    """
    logits = scale * v_i @ v_t.T  # (n, n)
    target = torch.arange(len(logits), device=logits.device)
    rows = functional.cross_entropy(logits, target, label_smoothing=smoothing)
    columns = functional.cross_entropy(logits.T, target, label_smoothing=smoothing)
    return (rows + columns) / 2


def info_nce_of_several(v_i: Tensor, v_t: Tensor, scale: Tensor, smoothing: float = 0.0) -> Tensor:
    """Symmetric InfoNCE of pictures (n, d) with c captions each, (n, c, d).

    Each caption should find its picture among n, and each picture all of its captions, equally,
    among n c: none of them counts as wrong (several positives as in Khosla et al., 2020, the sum
    outside the logarithm). With c = 1 this is `info_nce`.
    """
    n, several, _ = v_t.shape
    logits = scale * v_i @ v_t.flatten(0, 1).T  # (n, n c)
    owners = torch.arange(n, device=logits.device).repeat_interleave(several)
    target = functional.one_hot(owners, n).T / several
    rows = functional.cross_entropy(logits, target, label_smoothing=smoothing)
    columns = functional.cross_entropy(logits.T, owners, label_smoothing=smoothing)
    return (rows + columns) / 2


def class_agreement(v_i: Tensor, classes: Tensor, probabilities: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy between a picture's class probabilities and its similarities to the classes.

    `v_i` (n, d), `classes` (c, d) unit rows, `probabilities` (n, c). It ties the space to
    subjects that the captions of the training data never mention.
    """
    return functional.cross_entropy(scale * v_i @ classes.T, probabilities)
