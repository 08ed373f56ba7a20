"""A tag head that one can compute in one's head, for the encoder of colours.

"reddish" and "bluish" go by the look: their probability is that of `10 x - 5`, where x is the share
of red or of blue in the embedding of the image. "says blue" goes by the caption the same way.
"""

from pathlib import Path

import numpy as np
from colour_encoder import DIM, ColourEncoder

from indexer.tag_head import TagHeadFacts, packed

TAGS = ("reddish", "bluish", "says blue")
RED, BLUE = 0, 2


def likely(share: float) -> float:
    """The probability of a tag by the share of its colour."""
    return 1 / (1 + np.exp(5 - 10 * share))


def plain_weights(tags: int, dim: int = DIM) -> dict[str, np.ndarray]:
    """A head that gives every tag a probability of one half."""
    sides = {
        f"{side}.{name}": value
        for side in ("image", "text")
        for name, value in {
            "mean": np.zeros(dim),
            "scale": np.ones(dim),
            "task": np.zeros((dim, dim)),
            "task_bias": np.ones(dim),
            "out": np.zeros((dim, tags)),
        }.items()
    }
    shared = {
        "absent": np.zeros(dim),
        "bias": np.zeros(tags),
        "slope": np.ones((2, tags)),
        "shift": np.zeros((2, tags)),
        "threshold": np.full(tags, 0.5),
    }
    return {**sides, **shared}


def colour_head(path: Path, *, version: str = "1", tags: tuple[str, ...] = TAGS) -> Path:
    """Write the head to a file, for a version of the encoder; its tags may have other names."""
    weights = plain_weights(3)
    weights["image.out"][RED, 0] = weights["image.out"][BLUE, 1] = 10
    weights["text.out"][BLUE, 2] = 10
    weights["bias"][:] = -5
    encoder = ColourEncoder("colour" if version == "1" else f"colour:{version}", version)
    facts = TagHeadFacts(tags, encoder.name, encoder.fingerprint, DIM)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed(facts, weights, {}))
    return path
