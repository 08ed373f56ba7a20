"""Classes of ImageNet, and what they are kinds of."""

from indexer.training.mini.imagenet import (
    MAX_CLASSES,
    MIN_CLASSES,
    Hypernyms,
    imagenet_classes,
    imagenet_kinds,
)


def kinds_called(name):
    return [kind for kind in imagenet_kinds() if name in kind.texts]


def names_of(kind):
    names = [name for name, _ in imagenet_classes(definitions=False)]
    return {names[number] for number in kind.classes}


def test_hypernyms_are_those_of_all_levels():
    table = Hypernyms()
    above = {table.names[synset] for synset in table.above("n03345487")}  # fire engine
    assert {"truck", "motor vehicle", "vehicle", "artifact"} <= above
    assert "animal" not in above


def test_nothing_is_above_itself():
    table = Hypernyms()
    assert not [synset for synset in table.names if synset in table.above(synset)]


def test_kind_has_the_classes_below_it():
    (birds,) = kinds_called("bird")
    assert {"cock", "robin", "flamingo"} <= names_of(birds)
    assert not {"tabby", "airliner"} & names_of(birds)


def test_kind_is_called_by_each_of_its_names_and_by_its_definition():
    (trunks,) = kinds_called("proboscidean")
    assert "proboscidian" in trunks.texts
    assert any("trunk" in text for text in trunks.texts)
    assert names_of(trunks) == {"Indian elephant", "African elephant"}


def test_what_nobody_looks_for_is_no_kind():
    assert not kinds_called("entity")
    sizes = {len(kind.classes) for kind in imagenet_kinds()}
    assert MIN_CLASSES <= min(sizes) < max(sizes) <= MAX_CLASSES
