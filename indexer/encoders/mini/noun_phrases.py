"""Noun phrases: "dog", "a dog", "the dogs" and "a photo of dogs" ask for the same pictures.

The text tower learned from sentences and takes these for different things. A text that is nothing
but a noun phrase is therefore reduced to its words in the singular, so that all its forms have one
row. That of a single noun is the mean of a few sentences about it (prompt ensembling, Radford et
al., 2021).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("plurals.tsv")
MOST_WORDS = 3  # of a noun phrase; longer ones describe a scene
TEMPLATES = ("{one}", "a photo of {a}", "several {many}", "a close up of {a}", "{a} outside")
_PICTURE = re.compile(
    r"^\s*(?:(?:an?|the|some|any|my|our|this|that|these|those|all)\s+)?"
    r"(?:photo(?:graph)?|picture|image|pic|snapshot)s?\s+(?:of|with|showing)\s+",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r"(?:an?|the|some|any|my|your|our|this|that|these|those|all)\s+", re.IGNORECASE
)
_MANS = ("human", "german", "roman", "norman", "ottoman", "caiman", "shaman", "talisman")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# A text with one of these is more than a noun phrase, or none.
_OTHER_WORDS = (
    "and or nor but not no without with of in on at to into onto inside outside from by for as "
    "through over under up down off out near along across around behind beside between against "
    "toward towards there here while when where who what which is are was were be being been am "
    "has have had do does it its he she they them his her their we i you something someone "
    "somebody anything anyone nothing everything very"
)
_NO_NOUNS = frozenset(_OTHER_WORDS.split())


def sentences_for(text: str) -> list[str]:
    """The sentences whose mean row is the row of a text: of a single noun several, else one.

    Sentences about a phrase that shows nothing, as "a photo of a tax report", would find pictures.
    """
    plain = without_prefix(text)
    phrase = noun_phrase(plain)
    if phrase is None:
        return [plain]
    return [phrase] if " " in phrase else sentences_about(phrase)


def without_prefix(text: str) -> str:
    """A text without "a photo of" at its start; every picture is one."""
    return _PICTURE.sub("", text, count=1)


def noun_phrase(text: str) -> str | None:
    """The words of a text that is nothing but a noun phrase, in the singular; None for others.

    `text` has no prefix any more. Articles and other determiners are left out.
    """
    plain = text.strip().rstrip(".!?").casefold()
    while found := _DETERMINER.match(plain):
        plain = plain[found.end() :].lstrip()
    words = plain.split()
    if not 1 <= len(words) <= MOST_WORDS or _NO_NOUNS & set(words):
        return None
    if not all(map(_WORD.fullmatch, words)):
        return None
    return " ".join([*words[:-1], singular(words[-1])])


def sentences_about(phrase: str) -> list[str]:
    """Sentences about a noun phrase in the singular, whose mean row is that of the phrase."""
    return forms_of(phrase, TEMPLATES)


def forms_of(phrase: str, templates: Iterable[str]) -> list[str]:
    """Templates with a phrase in the singular for `{one}`, with an article `{a}`, as `{many}`."""
    article = "an" if phrase[0] in "aeiou" else "a"
    forms = {"one": phrase, "a": f"{article} {phrase}", "many": plural(phrase)}
    return [template.format(**forms) for template in templates]


def singular(word: str) -> str:
    """The singular of a noun in lower case; other words may lose an "s"."""
    return _exceptions().get(word) or by_rule(word)


def by_rule(word: str) -> str:
    """The singular of a noun by the rules of English spelling alone."""
    if word.endswith("men"):
        return f"{word[:-2]}an"
    if len(word) < 4 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "zzes", "ches", "shes")):
        return word[:-2]
    return word[:-1]


def plural(phrase: str) -> str:
    """The plural of a noun phrase in the singular."""
    start, last = phrase[: phrase.rfind(" ") + 1], phrase.rpartition(" ")[2]
    if _exceptions().get(last) == last:  # "scissors"
        return phrase
    return start + (_irregular_plurals().get(last) or regular_plural(last))


def regular_plural(noun: str) -> str:
    """The plural of a noun by the rules of English spelling alone."""
    if noun.endswith("man") and not noun.endswith(_MANS):
        return f"{noun[:-2]}en"
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return noun + ("es" if re.search(r"(?:s|x|z|ch|sh)$", noun) else "s")


@cache
def _exceptions() -> dict[str, str]:
    """The singular of forms that the rules get wrong; see `indexer.training.mini.plurals`."""
    lines = (line.partition("\t") for line in TABLE.read_text("utf-8").splitlines())
    return {form: noun for form, _, noun in lines}


@cache
def _irregular_plurals() -> dict[str, str]:
    """Irregular plurals, by their singular."""
    return {
        noun: form
        for form, noun in _exceptions().items()
        if form != noun and (form.endswith(("ves", "oes")) or not form.endswith("s"))
    }
