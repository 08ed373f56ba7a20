"""Labels by rule: the broad kind of a picture's ImageNet class, and the moods of its captions."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from timm.data import ImageNetInfo

# The kind of a class. WordNet numbers its nouns in the order of its files, in which kinds of
# animals, dishes, plants and landscapes follow each other: these are told by the number of the
# synset. Artefacts follow no such order: their kind is the first one with one of its words in the
# name or definition of the class (timm ships both).
RANGES = {
    "fish": [(1439000, 1500000), (2510000, 2660000)],
    "bird": [(1500000, 1625000), (1790000, 1862000), (2000000, 2060000)],
    "reptile or amphibian": [(1625000, 1765000)],
    "spider, crab, snail and the like": [
        (1765000, 1790000),
        (1900000, 2000000),
        (2300000, 2323000),
    ],
    "dog": [(2085000, 2114000)],
    "mammal": [(1870000, 1900000), (2060000, 2085000), (2114000, 2140000), (2323000, 2510000)],
    "insect": [(2160000, 2290000)],
    "food": [(7560000, 7940000)],
    "landscape": [(9190000, 9480000)],
    "plant or mushroom": [(11600000, 13140000)],
}
WORDS = {
    "vehicle": (
        "vehicle", "car", "truck", "van", "bus", "locomotive", "train", "aircraft", "airplane",
        "airship", "ship", "boat", "vessel", "warship", "wagon", "cart", "bicycle", "motorcycle",
        "spacecraft", "sled", "ambulance", "submarine", "canoe", "minivan", "limousine", "jeep",
    ),
    "musical instrument": (
        "musical", "instrument with", "wind instrument", "percussion", "stringed", "woodwind",
        "guitar", "drum", "violin", "piano", "flute", "horn", "harp", "keyboard instrument",
    ),
    "clothing": (
        "garment", "clothing", "cloth covering", "hat", "cap", "coat", "dress", "skirt", "robe",
        "gown", "shoe", "shoes", "scarf", "necktie", "swimsuit", "trousers", "hosiery", "sock",
        "worn by", "worn on", "worn over", "jacket", "sweater", "mask", "helmet", "suit", "apron",
    ),
    "furniture": (
        "furniture", "table", "chair", "bed", "bookcase", "desk", "cabinet", "sofa", "seat", "crib",
        "wardrobe", "chest", "couch", "bench", "lamp", "curtain", "quilt", "bedding",
    ),
    "building": (
        "building", "structure", "house", "church", "mosque", "shrine", "palace", "shop", "store",
        "bridge", "fence", "roof", "tower", "monument", "residence", "dwelling", "temple", "dam",
        "establishment", "pillar", "barrier", "arch", "greenhouse", "theater", "room", "library",
    ),
}  # fmt: skip
OTHER = "thing"
KINDS = (*RANGES, *WORDS, OTHER)

# A picture has a mood if at least two of its captions 2 to 5 have one of these words.
# Caption 1 is not used: it is the one that a head may see.
MOODS = {
    "joyful": r"smil(e|es|ed|ing)|laugh(s|ed|ing)?|grin(s|ning)?|happ(y|ily)|joy(ful|fully|ously)?"
    r"|cheer(s|ing|ful|fully)?|delighted|giggl\w*|enjoy(s|ing)?",
    "playful": r"play(s|ed|ing|ful|fully)?|fun|toys?|frolic\w*|romp\w*|tickl\w*|splash(es|ing)?",
    "calm": r"sit(s|ting)?|rest(s|ing)?|relax(es|ed|ing)?|sleep(s|ing)?|asleep|lies|lying"
    r"|lay(s|ing)?|nap(s|ping)?|lounging|peaceful(ly)?|calm(ly)?|quiet(ly)?",
    "lively": r"run(s|ning)?|jump(s|ed|ing)?|leap(s|ing)?|rac(e|es|ing)|sprint\w*|gallop\w*"
    r"|danc(e|es|ing)|flip(s|ping)?|div(e|es|ing)",
    "excited": r"excited(ly)?|cheer(s|ing)?|scream(s|ing)?|yell(s|ing)?|shout(s|ing)?"
    r"|celebrat\w*|wav(e|es|ing)|raised",
    "tense": r"fight(s|ing)?|attack(s|ing)?|bit(e|es|ing)|wrestl(e|es|ing)|growl(s|ing)?|snarl\w*"
    r"|angr(y|ily)|tackl(e|es|ed|ing)|chas(e|es|ing)|argu\w*|threaten\w*",
    "sad": r"cry(ing)?|cries|sad(ly)?|upset|frown(s|ing)?|unhappy|tears|sobbing|lonely",
}
MIN_CAPTIONS = 2
_MOODS = {mood: re.compile(rf"\b({words})\b", re.IGNORECASE) for mood, words in MOODS.items()}
_WORDS = {kind: re.compile(rf"\b({'|'.join(words)})\b") for kind, words in WORDS.items()}


def kind_of(synset: str, text: str) -> str:
    """The kind of an ImageNet class, by the number of its synset, or by its name and definition."""
    number = int(synset[1:])
    for kind, ranges in RANGES.items():
        if any(low <= number < high for low, high in ranges):
            return kind
    return next((kind for kind, words in _WORDS.items() if words.search(text)), OTHER)


def kinds(table: Path) -> dict[str, list[str]]:
    """The kind of each picture in a table with `file` and `synset`."""
    info = ImageNetInfo("imagenet-1k")
    texts = {
        info.index_to_label_name(n): info.index_to_description(n, detailed=True)
        for n in range(info.num_classes())
    }
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["file"]: [kind_of(row["synset"], texts[row["synset"]])] for row in rows}


def moods_of(captions: list[str]) -> list[str]:
    """The moods that these captions agree on."""
    return [
        mood
        for mood, words in _MOODS.items()
        if sum(bool(words.search(caption)) for caption in captions) >= MIN_CAPTIONS
    ]


def moods(tokens: Path) -> dict[str, list[str]]:
    """The moods of each picture of Flickr8k, by its captions 2 to 5."""
    others: dict[str, list[str]] = {}
    for line in tokens.read_text(encoding="utf-8").splitlines():
        name, _, caption = line.partition("\t")
        picture, _, number = name.rpartition("#")
        others.setdefault(picture, []).extend([caption] if number != "0" else [])
    return {picture: moods_of(captions) for picture, captions in others.items()}


def write_labels(table: Path, labels: Mapping[str, list[str]]) -> None:
    """Write a table for `picfuse train tags --labels`; an empty cell means no tag."""
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label"])
        writer.writerows((name, ";".join(tags)) for name, tags in labels.items())
