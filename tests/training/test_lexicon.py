"""Lexicons: what words mean, learned from captions of the same pictures."""

from itertools import product

from indexer.encoders.lexicon import Lexicon
from indexer.training.mini.lexicon import learned, lexicon, with_both_parts

THINGS = {"Hund": "dog", "Hunde": "dogs", "Katze": "cat", "Pferd": "horse"}
DOING = {"läuft": "runs", "schläft": "sleeps", "springt": "jumps"}
PLACES = {"im Schnee": "in the snow", "im Wasser": "in the water", "im Garten": "in a garden"}
CAPTIONS = [
    (f"{thing} {doing} {place}", ["some people look on", f"{a} {b} {c}"])
    for (thing, a), (doing, b), (place, c) in product(THINGS.items(), DOING.items(), PLACES.items())
]


def test_words_mean_what_captions_of_the_same_pictures_say():
    table = lexicon(learned(CAPTIONS, "de"), "de")
    expected = {"hund": "dog", "hunde": "dogs", "katze": "cat", "lauft": "runs", "garten": "garden"}
    assert {word: table[word][0] for word in expected} == expected
    assert table["im"][0] == "in the"  # grammar is not learned
    assert table["hund-"][0] in ("dog", "dogs")
    assert table["hund"][1] > 0


def test_word_of_too_few_captions_has_no_meaning():
    rare = [(f"Igel {doing}", [f"a hedgehog {english}"]) for doing, english in DOING.items()]
    assert "igel" not in lexicon(learned([*CAPTIONS, *rare[:2]], "de"), "de")
    assert lexicon(learned([*CAPTIONS, *rare], "de"), "de")["igel"][0] == "hedgehog"


def test_compound_that_is_linked_to_one_part_gets_both(tmp_path):
    file = tmp_path / "de.tsv"
    rows = {"tennis": ("tennis", 1), "spieler": ("player", 5), "tennisspieler": ("tennis", 5)}
    file.write_text("".join(f"{word}\t{one}\t{two}\n" for word, (one, two) in rows.items()))
    whole = with_both_parts(rows, Lexicon("German", file, "german", compounds=True))
    assert whole["tennisspieler"] == ("tennis player", 5)
    assert whole["spieler"] == rows["spieler"]
