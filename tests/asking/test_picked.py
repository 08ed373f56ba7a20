"""Albums of picked pictures: a list that somebody arranges, of pictures that come and go."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import text

from indexer import IndexOptions, index_folder
from indexer.catalogue.values import FAVOURITES, PICKED
from indexer.errors import InputError
from search import Query, Searcher, SearchOptions
from search.albums import delete_album, named_album, rename_album, restore_album, save_album
from search.browsing.picked import (
    add_pictures,
    album_ids,
    create_album,
    favourites,
    ids_at,
    move_pictures,
    picked_albums,
    picked_answer,
    remove_pictures,
    set_cover,
    set_favourites,
)

IDS = st.lists(st.integers(1, 6), max_size=4)  # 6 is no picture
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), IDS),
        st.tuples(st.just("remove"), IDS),
        st.tuples(st.just("move"), IDS, st.integers(0, 6)),
        st.tuples(st.just("unplug"), st.sets(st.integers(1, 5))),
    ),
    max_size=8,
)


def index(library, folder):
    return index_folder(library, folder, options=IndexOptions(workers=1))


@pytest.fixture
def names(colour_library):
    """The id of each picture, by its name."""
    pictures = colour_library.catalogue.pictures(range(9))
    return {picture.path.stem: key for key, picture in pictures.items()}


def unplugged(library, ids):
    """Make just these pictures missing."""
    with library._engine.begin() as connection:
        connection.execute(text("UPDATE pictures SET state = 'present'"))
        for key in ids:
            connection.execute(text(f"UPDATE pictures SET state = 'missing' WHERE id = {key}"))


def shown(library):
    """The names of the pictures in the album, in its order."""
    return [hit.path.name for hit in picked_answer(library, "Mine").hits]


def moved(album, ids, before, away):
    """What a list is after a move; None if it cannot be made."""
    here = [key for key in dict.fromkeys(ids) if key in album and key not in away]
    rest = [key for key in album if key not in here]
    if before and (before not in rest or before in away):
        return None
    place = rest.index(before) if before else len(rest)
    return [*rest[:place], *here, *rest[place:]]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_album_is_the_list_that_its_changes_make(colour_library, changes):
    library, album, away = colour_library, [], set()
    unplugged(library, away)
    create_album(library, "Mine")
    for change, ids, *more in changes:
        if change == "unplug":
            unplugged(library, away := ids)
        elif change == "add":
            new = [key for key in dict.fromkeys(ids) if key not in album and key != 6]
            assert add_pictures(library, "Mine", ids) == len(new)
            album += new
        elif change == "remove":
            assert remove_pictures(library, "Mine", ids) == len(set(ids) & set(album))
            album = [key for key in album if key not in ids]
        elif (after := moved(album, ids, more[0], away)) is not None:
            move_pictures(library, "Mine", ids, before=more[0] or None)
            album = after
        else:
            with pytest.raises(InputError, match="no other picture"):
                move_pictures(library, "Mine", ids, before=more[0])
        present = [key for key in album if key not in away]
        assert album_ids(library, "Mine") == present
        (told,) = picked_albums(library)
        assert (told.pictures, told.away) == (len(present), len(album) - len(present))
    delete_album(library, "Mine")
    assert picked_albums(library) == []


def test_picture_stays_in_its_album_when_it_moves_or_is_edited(colour_library, pictures, names):
    add_pictures(colour_library, "Mine", [names["red"], names["blue"], names["green"]])
    (pictures / "deep").mkdir()
    (pictures / "red.png").rename(pictures / "deep" / "crimson.png")  # moves
    Image.new("RGB", (16, 12), "navy").save(pictures / "blue.png")  # is edited
    (pictures / "green.png").unlink()  # is deleted
    index(colour_library, pictures)
    assert shown(colour_library) == ["crimson.png", "blue.png"]
    (album,) = picked_albums(colour_library)
    assert (album.pictures, album.away) == (2, 1)
    Image.new("RGB", (16, 12), "green").save(pictures / "emerald.png")  # comes back
    index(colour_library, pictures)
    assert shown(colour_library) == ["crimson.png", "blue.png", "emerald.png"]


def test_copies_are_one_picture_of_an_album(colour_library, pictures, names):
    shutil.copy(pictures / "red.png", pictures / "again.png")
    index(colour_library, pictures)
    (copy,) = ids_at(colour_library, [pictures / "again.png"])
    add_pictures(colour_library, "Mine", [copy, names["red"]])
    assert album_ids(colour_library, "Mine") == [copy]
    (pictures / "again.png").unlink()
    index(colour_library, pictures)
    assert album_ids(colour_library, "Mine") == [names["red"]]


def test_album_outlives_its_folder(colour_library, pictures, names):
    add_pictures(colour_library, "Mine", [names["red"], names["blue"]])
    with colour_library.writing() as batch:
        batch.folders.forget(colour_library.catalogue.folders()[0].id)
    assert album_ids(colour_library, "Mine") == []
    index(colour_library, pictures)
    assert shown(colour_library) == ["red.png", "blue.png"]


def test_cover_is_the_first_picture_or_the_one_that_was_chosen(colour_library, names):
    def cover():
        (album,) = picked_albums(colour_library)
        return album.cover

    create_album(colour_library, "Mine")
    assert cover() is None
    add_pictures(colour_library, "Mine", [names["red"], names["blue"]])
    assert cover() == names["red"]
    set_cover(colour_library, "Mine", names["blue"])
    assert cover() == names["blue"]
    unplugged(colour_library, [names["blue"]])
    assert cover() == names["red"]
    set_cover(colour_library, "Mine", None)
    unplugged(colour_library, [])
    assert cover() == names["red"]
    with pytest.raises(InputError, match="has no picture"):
        set_cover(colour_library, "Mine", names["green"])


def test_favourites_are_an_album_whatever_others_are_called(colour_library, names):
    assert favourites(colour_library) == []
    set_favourites(colour_library, [names["red"]], on=False)
    save_album(colour_library, "Favourites", "red")
    set_favourites(colour_library, [names["red"], names["blue"]], on=True)
    set_favourites(colour_library, [names["red"]], on=False)
    create_album(colour_library, "Aachen")
    assert favourites(colour_library) == [names["blue"]]
    told = [(album.name, album.kind) for album in picked_albums(colour_library)]
    assert told == [("Favourites 2", FAVOURITES), ("Aachen", PICKED)]
    rename_album(colour_library, "Favourites 2", "Best")
    set_favourites(colour_library, [names["green"]], on=True)
    assert album_ids(colour_library, "Best") == [names["blue"], names["green"]]


def test_names_are_for_albums_of_all_kinds_once(colour_library, names):
    save_album(colour_library, "Reds", "red")
    add_pictures(colour_library, "Mine", [names["red"]])
    refused = {
        "already exists": [
            lambda: create_album(colour_library, " Mine "),
            lambda: create_album(colour_library, "Reds"),
            lambda: rename_album(colour_library, "Mine", "Reds"),
            lambda: rename_album(colour_library, "Reds", "Mine"),
        ],
        "is a search": [lambda: add_pictures(colour_library, "Reds", [names["red"]])],
        "holds picked pictures": [
            lambda: save_album(colour_library, "Mine", "red", replace=True),
            lambda: save_album(colour_library, "Mine", "red"),
        ],
        "not a valid album name": [
            lambda: create_album(colour_library, "\n"),
            lambda: add_pictures(colour_library, "a\x1bb", []),
            lambda: rename_album(colour_library, "Mine", "x" * 201),
        ],
        "no album": [
            lambda: remove_pictures(colour_library, "Reds", []),
            lambda: album_ids(colour_library, "None"),
            lambda: rename_album(colour_library, "None", "Some"),
            lambda: delete_album(colour_library, "None"),
            lambda: named_album(colour_library, "Mine"),
        ],
    }
    for said, attempts in refused.items():
        for attempt in attempts:
            with pytest.raises(InputError, match=said):
                attempt()
    assert album_ids(colour_library, "Mine") == [names["red"]]
    rename_album(colour_library, "Reds", "Red ones")
    assert colour_library.albums.names() == ["Red ones"]


def test_search_stays_within_an_album(colour_library, names):
    add_pictures(colour_library, 'The "best"', [names["blue"], names["red"]])
    within = Query.parse("red"), SearchOptions(where='album: "The \\"BEST\\""')
    hits = Searcher(colour_library).ask(*within).hits
    assert [hit.picture_id for hit in hits] == [names["red"], names["blue"]]
    page = picked_answer(colour_library, 'The "best"', k=1)
    assert [hit.picture_id for hit in page.hits] == [names["blue"]]
    assert page.next_offset == 1
    last = picked_answer(colour_library, 'The "best"', k=1, offset=1)
    assert ([hit.picture_id for hit in last.hits], last.next_offset) == ([names["red"]], None)


def test_command_line_picks_pictures(colour_library, pictures):
    colour_library.close()
    at = ("--library", colour_library.path)
    red, blue = pictures / "red.png", pictures / "blue.png"
    assert run("album", "Favourites", "--add", blue, red, *at).stdout == (
        "added: 2; Favourites has 2 now\n"
    )
    assert run("album", "Favourites", "--remove", blue, *at).exit_code == 0
    assert str(red) in run("album", "Favourites", *at).stdout
    assert run("album", *at).stdout == "      1  Favourites\n"
    told = json.loads(run("album", "Favourites", "--json", *at).stdout)
    assert (told["kind"], told["away"], len(told["hits"])) == (FAVOURITES, 0, 1)
    red.unlink()
    run("index", pictures, *at)
    assert "1 picture is missing" in run("album", *at).stdout
    assert run("album", "Favourites", *at).exit_code == 1
    for wrong in (
        ("x", "--add"), ("x", "--add", pictures / "nothing.png"), ("--add", red),
        ("x", "--add", "--remove", red), ("x", "--add", red, "--weight", "0.5"),
        ("x", "--rename", "y"),
    ):  # fmt: skip
        assert run("album", *wrong, *at).exit_code == 2
    assert run("album", "Favourites", "--rename", "Best", *at).exit_code == 0
    assert run("album", "Best", "--delete", *at).exit_code == 0
    assert run("album", *at).exit_code == 1


def test_deleted_albums_come_back_whole(colour_library):
    library = colour_library
    ids = library.catalogue.present_ids()
    add_pictures(library, "Best", ids[::-1])
    set_cover(library, "Best", ids[1])
    set_favourites(library, ids[:2], on=True)
    save_album(library, "reds", "red", like=ids[:1])
    names = [album.name for album in picked_albums(library)]
    before = [library.picked.album(name) for name in names], library.albums.named("reds")
    deleted = [delete_album(library, name) for name in (*names, "reds")]
    assert library.picked.names() == library.albums.names() == []
    for one in deleted:
        restore_album(library, one)
    assert ([library.picked.album(name) for name in names], library.albums.named("reds")) == before
    assert album_ids(library, "Best") == list(ids[::-1])
    with pytest.raises(InputError, match="already exists"):
        restore_album(library, deleted[0])
    gone = delete_album(library, "Favourites")
    library_favourites = create_album(library, "Favourites")
    rename_album(library, library_favourites, "Newer")
    restore_album(library, gone)
    kinds = {album.name: album.kind for album in picked_albums(library)}
    assert kinds == {"Newer": FAVOURITES, "Best": PICKED, "Favourites": PICKED}
