"""Patterns of --exclude: the rules of .gitignore, below one folder."""

from pathlib import Path

import pytest

from indexer.errors import InputError
from indexer.pictures.exclusion import Exclusion, from_above, from_below, pattern_for


@pytest.mark.parametrize(
    ("patterns", "out", "left"),
    [
        (["*.gif"], ["a.gif", "x/y/b.gif"], ["a.gif.jpg"]),
        (["a/*.jpg"], ["a/b.jpg"], ["a/b/c.jpg", "x/a/b.jpg"]),
        (["/raw"], ["raw"], ["x/raw"]),
        (["**/shots/**"], ["shots/a.jpg", "x/shots/a.jpg"], ["shots.jpg"]),
        (["*.png", "!keep.png"], ["a.png"], ["keep.png", "x/keep.png"]),
        (["!keep.png", "*.png"], ["keep.png"], []),
        ([r"\!odd.png", "\\#1"], ["!odd.png", "#1"], ["odd.png"]),
        (["Raw"], ["Raw"], ["raw"]),
    ],
)
def test_patterns_have_the_rules_of_gitignore(patterns, out, left):
    exclusion = Exclusion(patterns)
    assert all(exclusion.leaves_out(path.encode()) for path in out)
    assert not any(exclusion.leaves_out(path.encode()) for path in left)


def test_slash_at_the_end_means_folders():
    exclusion = Exclusion(["raw/"])
    assert exclusion.leaves_out(b"x/raw", folder=True)
    assert not exclusion.leaves_out(b"x/raw")


def test_pattern_that_leaves_nothing_out_is_known():
    exclusion = Exclusion(["*.gif", "nowhere", "*.png"])
    for path in (b"a.png", b"b.gif", b"c.jpg"):
        exclusion.leaves_out(path)
    assert exclusion.matched == {0, 2}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/home/me/pics/raw", "/raw"),
        ("!/home/me/pics/raw", "!/raw"),
        ("./raw/x", "/raw/x"),
        ("#recycle", "\\#recycle"),
        ("/home/me/picsx", "/home/me/picsx"),
        ("*.gif", "*.gif"),
    ],
)
def test_pattern_may_be_written_as_a_path(written, meant):
    assert pattern_for(Path("/home/me/pics"), written) == meant


@pytest.mark.parametrize("pattern", ["!", "\\", "/", "["])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(InputError, match="not a pattern"):
        pattern_for(Path("/pics"), pattern)


@pytest.mark.parametrize("pattern", ["*.gif", "/a/b", "a/*", "**/c", "!x/y", "d[1]/"])
def test_pattern_means_the_same_in_the_folder_above_and_back(pattern):
    above = from_above(pattern, "in [1]")
    for path in ("x.gif", "a/b", "a/z", "q/c", "c", "x/y", "a/b/c"):
        inside = Exclusion([pattern]).leaves_out(path.encode())
        assert Exclusion([above]).leaves_out(f"in [1]/{path}".encode()) == inside
        below = Exclusion(from_below(above, "in [1]"))
        assert below.leaves_out(path.encode()) == inside
    assert not Exclusion([above]).leaves_out(b"elsewhere/x.gif")


def test_contents_of_a_folder_can_be_left_out_but_for_one():
    exclusion = Exclusion(["raw/**", "!raw/keep.jpg"])
    assert not exclusion.leaves_out(b"raw", folder=True)
    assert exclusion.leaves_out(b"raw/a.jpg")
    assert not exclusion.leaves_out(b"raw/keep.jpg")
