"""Recommended models of open_clip, each by one word: `--model clip`."""

from __future__ import annotations

from dataclasses import dataclass

BYTES_A_WEIGHT = 4  # in the files that are downloaded


@dataclass(frozen=True, slots=True)
class RecommendedModel:
    """A pinned model: its open_clip name, size and published figures.

    `weights`: in millions. `work`: gigaflops of the image tower for one picture, computed as
    2 l (12 d² n + 2 n² d) for l layers of width d over n places. `recall`: R@1 of texts to images
    on COCO, zero-shot, in per cent, as published.
    """

    word: str
    name: str
    weights: float
    work: float
    recall: float
    licence: str
    about: str

    @property
    def gigabytes(self) -> float:
        """Size of the download."""
        return self.weights * BYTES_A_WEIGHT / 1000


RECOMMENDED = (
    RecommendedModel(
        "clip",
        "open_clip:ViT-B-32-SigLIP2-256/webli",
        376.9,
        11.5,
        47.2,
        "Apache-2.0",
        "the best that a CPU runs well; many languages",
    ),
    RecommendedModel(
        "clip-fast",
        "open_clip:ViT-B-32-256/datacomp_s34b_b86k",
        151.3,
        11.5,
        39.9,
        "MIT",
        "the smallest download; English",
    ),
    RecommendedModel(
        "clip-multilingual",
        "open_clip:ViT-B-16-SigLIP2-256/webli",
        375.2,
        46.2,
        53.2,
        "Apache-2.0",
        "many languages; sees four times as much detail as 'clip', in four times the time",
    ),
    RecommendedModel(
        "clip-best",
        "open_clip:PE-Core-L-14-336/meta",
        671.1,
        381.2,
        57.1,
        "Apache-2.0",
        "finds most; for a GPU or much patience; English",
    ),
)


def spelled_out(name: str) -> str:
    """The name of an encoder, with a word for a recommended model replaced by its name."""
    return next((model.name for model in RECOMMENDED if model.word == name), name)
