"""Names of places for points, and points for names, offline."""

import pytest

from indexer.metadata.gazetteer import names_at, opened


@pytest.mark.parametrize(
    ("point", "names"),
    [
        ((48.2082, 16.3719), ["Innere Stadt", "Vienna", "Vienna", "Austria"]),
        ((38.7139, -9.1394), ["Lisbon", "Lisbon", "Portugal"]),
        ((0.0, -30.0), []),  # the Atlantic
    ],
)
def test_point_has_the_names_around_it(point, names):
    assert [fact.value for fact in names_at(*point)][-3:] == names[-3:]


@pytest.mark.parametrize(
    ("names", "country"),
    [
        (["vienna"], "Austria"),
        (["Vienna", "Virginia"], "United States"),
        (["Zurich"], "Switzerland"),
        (["Vienna", "Norway"], None),
    ],
)
def test_name_means_the_largest_place_where_it_lies(names, country):
    place = opened().named(names)
    assert (place and place.country) == country
