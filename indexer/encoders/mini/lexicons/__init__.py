"""The lexicons of the built-in model, made by `indexer.training.mini.lexicon`."""

from pathlib import Path

from indexer.encoders.lexicon import Lexicon

STEMMERS = {"de": "german", "fr": "french", "cs": "czech"}  # by code, as Snowball calls them
COMPOUNDS = frozenset({"de"})  # languages that write several words as one


def lexicon_file(code: str) -> Path:
    """The file of a language."""
    return Path(__file__).with_name(f"{code}.tsv")


def open_lexicon(code: str, file: Path) -> Lexicon:
    """The lexicon of a language in a file."""
    stemmer = STEMMERS[code]
    return Lexicon(stemmer.capitalize(), file, stemmer, compounds=code in COMPOUNDS)


def open_lexicons() -> tuple[Lexicon, ...]:
    """All lexicons; none is read before it is asked."""
    return tuple(open_lexicon(code, lexicon_file(code)) for code in STEMMERS)
