"""The 1,000 classes of ImageNet-1k: names and definitions, which timm ships."""

from __future__ import annotations

from timm.data import ImageNetInfo

from indexer.training.datasets import ClassText, plain_sentence


def imagenet_classes(*, definitions: bool) -> list[ClassText]:
    """Name of each class and its text, in the order of the classifier's outputs.

    The name is the first of a class's synonyms. The text is a plain sentence with it, or all
    synonyms with the definition.
    """
    info = ImageNetInfo("imagenet-1k")
    described = [info.index_to_description(index) for index in range(info.num_classes())]
    names = [synonyms.split(", ")[0] for synonyms in described]
    if not definitions:
        return [(name, plain_sentence(name)) for name in names]
    detailed = (info.index_to_description(i, detailed=True) for i in range(info.num_classes()))
    return list(zip(names, detailed, strict=True))


def imagenet_wordings() -> list[list[str]]:
    """What the classes may be called: lists of 1,000 texts, one for each way to put it.

    All synonyms with the definition, plain sentences with the first and the last synonym, and the
    first one alone.
    """
    info = ImageNetInfo("imagenet-1k")
    synonyms = [info.index_to_description(index).split(", ") for index in range(info.num_classes())]
    return [
        [text for _, text in imagenet_classes(definitions=True)],
        [plain_sentence(names[0]) for names in synonyms],
        [plain_sentence(names[-1]) for names in synonyms],
        [names[0] for names in synonyms],
    ]
