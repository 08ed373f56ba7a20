"""Duplicates: the same bytes, the same picture, a similar shot; of real photographs."""

import io
import os
import shutil

import numpy as np
import pytest
from command_line import SAMPLE, answered, run
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from indexer import IndexOptions, Library, index_folder
from indexer.embedding import unit_rows
from indexer.errors import InputError, LibraryLocked
from indexer.library.records import copies
from indexer.pictures.hashes import perceptual_hash
from indexer.pipeline.pruning import forget_folder
from search import Searcher
from search.duplicates import Tier, find_duplicates, finding, move_to_trash
from search.duplicates.candidates import SAME_BITS, _similar
from search.ranking import looks


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Photographs of the sample library, and variants of one of them; a library of all."""
    folder = tmp_path_factory.mktemp("album")
    names = sorted(path for path in SAMPLE.rglob("*.jpg"))[:12]
    for path in names:
        shutil.copy(path, folder / path.name)
    original = Image.open(names[0]).convert("RGB")
    width, height = original.size
    shutil.copy(names[0], folder / "copy.jpg")
    original.resize((width // 2, height // 2)).save(folder / "small.jpg", quality=80)
    original.save(folder / "poor.jpg", quality=30)
    ImageEnhance.Brightness(original).enhance(1.2).save(folder / "bright.jpg")
    _turned(original).save(folder / "turned.jpg", exif=_sideways())
    edge = width // 20, height // 20, width - width // 20, height - height // 20
    original.crop(edge).save(folder / "cropped.jpg")
    with Library.create(tmp_path_factory.mktemp("library") / "l") as library:
        index_folder(library, folder)
    return names[0].name, tmp_path_factory.getbasetemp(), library.path


def _turned(image):
    return image.transpose(Image.Transpose.ROTATE_90)


def _sideways():
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer turns it by a quarter, clockwise
    return exif


def _names(library, tier):
    with Library.open(library, read_only=True) as opened:
        return [
            {copy.path.name for copy in group.pictures} for group in find_duplicates(opened, tier)
        ]


def test_identical_ones_have_the_same_bytes(album):
    name, _, library = album
    assert _names(library, Tier.IDENTICAL) == [{name, "copy.jpg"}]


def test_the_same_picture_is_known_by_its_look_whatever_its_file(album):
    name, _, library = album
    (group,) = _names(library, Tier.SAME)
    variants = {"copy.jpg", "small.jpg", "poor.jpg", "bright.jpg", "turned.jpg"}
    assert group - {"cropped.jpg"} == {name} | variants


def test_a_part_of_a_picture_is_similar_to_it(album):
    name, _, library = album
    (group,) = [g for g in _names(library, Tier.SIMILAR) if name in g]
    assert group >= {name, "copy.jpg", "small.jpg", "poor.jpg", "bright.jpg", "cropped.jpg"}


def test_the_best_copy_has_most_pixels_and_then_the_largest_file(album):
    _, _, library = album
    with Library.open(library, read_only=True) as opened:
        (group,) = find_duplicates(opened, Tier.SAME)
    ranked = [(copy.width * copy.height, copy.size) for copy in group.pictures]
    assert ranked == sorted(ranked, reverse=True)
    assert group.pictures[-1].path.name == "small.jpg"


def test_the_command_lists_groups_for_people_and_for_scripts(album):
    _, _, library = album
    fields = answered("duplicates", "--library", library)
    assert fields["tier"] == "same"
    (group,) = fields["groups"]
    said = run("duplicates", "--library", library).stdout.splitlines()
    assert [line.split()[-1] for line in said] == [copy["path"] for copy in group]
    assert [" best " in line for line in said] == [n == 0 for n in range(len(group))]
    spare = run("duplicates", "-0", "--library", library).stdout.split("\0")
    assert spare == [copy["path"] for copy in group if copy["spare"]] + [""]
    assert len(spare) > 3
    assert not group[0]["spare"]


def test_a_library_without_any_says_so(home):
    result = run("duplicates", "--library", home)
    assert result.exit_code == 1
    assert "no duplicates" in result.stderr


@pytest.fixture
def home(colour_pictures, tmp_path):
    """A library of five pictures that differ."""
    with Library.create(tmp_path / "home", encoder="colour") as library:
        index_folder(library, colour_pictures)
    return tmp_path / "home"


def test_pictures_whose_hash_is_not_known_yet_are_not_alike_for_that():
    v_i = unit_rows(np.array([[1, 0], [0.9, 0.43]], np.float32))  # a cosine of 0.90
    rows = np.arange(2)
    assert len(_similar(np.zeros((2, 8), np.uint8), rows, v_i)) == 0
    assert len(_similar(np.ones((2, 8), np.uint8), rows, v_i)) == 1
    assert perceptual_hash(Image.new("RGB", (64, 48), "green")) == bytes(8)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(20, 95), st.floats(0.4, 1.0))
def test_a_hash_outlives_recompression_and_resizing(seed, quality, scale):
    """Of pictures with large shapes, as photographs have them."""
    shapes = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(shapes).resize((400, 300), Image.Resampling.BICUBIC)
    packed = io.BytesIO()
    smaller = image.resize((round(400 * scale), round(300 * scale)))
    smaller.save(packed, "JPEG", quality=quality)
    hashes = [perceptual_hash(im) for im in (image, Image.open(packed).convert("RGB"))]
    differing = int.from_bytes(hashes[0]) ^ int.from_bytes(hashes[1])
    assert differing.bit_count() <= SAME_BITS


def test_tier_may_be_named(colour_library):
    named = find_duplicates(colour_library, "identical")
    assert named == find_duplicates(colour_library, Tier.IDENTICAL)
    with pytest.raises(InputError, match="no tier 'alike'; use identical, same, similar"):
        find_duplicates(colour_library, "alike")


# Files, not paths


@pytest.fixture
def shelf(paint, pictures, library):
    """Index a folder of plain pictures anew; what `duplicates` answers, and prints with `-0`."""
    paint("blue.png")

    def asked(*folders):
        index_folder(library, *(folders or [pictures]), options=IndexOptions(workers=1))
        return listed(library)

    return asked


def listed(library, *options):
    """The answer as JSON, and the names that `-0` prints."""
    where = ("duplicates", *options, "--library", library.path)
    printed = run(*where, "-0").stdout_bytes.split(b"\0")[:-1]
    status = run(*where, "--json").exit_code
    return answered(*where, status=status), [os.path.basename(path) for path in printed]


def names(group):
    return [os.path.basename(copy["path"]) for copy in group]


def test_folder_under_two_paths_has_no_duplicates(shelf, paint, pictures, tmp_path):
    paint("red.png")
    (tmp_path / "again").symlink_to(pictures)
    for folder in (tmp_path / "again", pictures):
        fields, spare = shelf(folder)
    assert (fields["groups"], fields["hard_links"], spare) == ([], [], [])


def test_link_is_no_duplicate_of_its_target_and_never_the_best_copy(shelf, paint, pictures):
    paint("z/red.png")
    (pictures / "a.png").symlink_to(pictures / "z" / "red.png")
    assert shelf()[0]["groups"] == []
    shutil.copy(pictures / "z" / "red.png", pictures / "b.png")
    os.utime(pictures / "b.png", (2e9, 2e9))
    fields, spare = shelf()
    assert [names(group) for group in fields["groups"]] == [["red.png", "b.png"]]
    assert spare == [b"b.png"]


def test_hard_link_is_told_and_never_listed_for_removal(shelf, paint, pictures, library):
    (pictures / "b.png").hardlink_to(paint("red.png"))
    fields, spare = shelf()
    assert (fields["groups"], spare) == ([], [])
    assert [names(paths) for paths in fields["hard_links"]] == [["b.png", "red.png"]]
    assert "hard link" in run("duplicates", "--library", library.path).stdout
    shutil.copy(pictures / "b.png", pictures / "a.png")
    os.utime(pictures / "a.png", (1e9, 1e9))  # the oldest, but it is the one that wins room
    fields, spare = shelf()
    assert [names(group) for group in fields["groups"]] == [["b.png", "a.png"]]
    assert names(fields["groups"][0][0]["hard_links"]) == ["red.png"]
    assert spare == [b"a.png"]


def test_folder_that_is_mounted_twice_has_no_duplicates(
    shelf, paint, pictures, library, monkeypatch
):
    """A bind mount: one device and number of a file, under two real paths."""
    first = paint("a/red.png")
    shelf()
    (pictures / "b").mkdir()
    shutil.copy2(first, pictures / "b" / "red.png")
    assert [names(group) for group in shelf()[0]["groups"]] == [["red.png", "red.png"]]
    true = type(first).stat

    def mounted(path, **options):
        return true(first if path.name == first.name else path, **options)

    monkeypatch.setattr(type(first), "stat", mounted)
    fields, spare = listed(library)
    assert (fields["groups"], fields["hard_links"], spare) == ([], [], [])


def gone(path):
    path.unlink()


def other_picture(path):
    Image.new("RGB", (20, 20), "green").save(path)


def other_bytes(path):
    """Other bytes of the same length and time."""
    before = path.stat()
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("harm", [gone, other_picture, other_bytes])
@pytest.mark.parametrize("tier", ["identical", "same", "similar"])
def test_last_copy_is_not_listed_when_the_best_has_changed(
    shelf, paint, pictures, library, harm, tier
):
    first = paint("red-1.png")
    os.utime(first, (1e9, 1e9))
    shutil.copy(first, pictures / "red-2.png")
    assert shelf()[1] == [b"red-2.png"]
    harm(first)
    fields, spare = listed(library, "--tier", tier)
    assert spare == []
    assert fields["groups"] == []
    assert names(fields["left_out"]) == ["red-1.png"]
    said = run("duplicates", "-0", "--tier", tier, "--library", library.path).stderr
    assert said == "picfuse: 1 file has changed or gone since it was indexed: run picfuse index\n"


# Moving copies to the trash


def refuse(path):
    raise OSError(5, "there is no trash on this disk")


def linked(path):
    """The file under another name takes the place of a copy."""
    path.unlink()
    path.hardlink_to(path.with_name("red-1.png"))


def pointing(path):
    path.unlink()
    path.symlink_to(path.with_name("red-1.png"))


@pytest.mark.parametrize(
    ("harmed", "harm", "reason"),
    [
        ("red-1.png", gone, "the best copy is no longer what it was"),
        ("red-1.png", other_picture, "the best copy is no longer what it was"),
        ("red-1.png", other_bytes, "the best copy is no longer what it was"),
        ("red-2.png", gone, "gone since it was indexed"),
        ("red-2.png", other_picture, "changed since it was indexed"),
        ("red-2.png", other_bytes, "changed since it was indexed"),
        ("red-2.png", linked, "it is the best copy under another name"),
        ("red-2.png", pointing, "it is the best copy under another name"),
    ],
)
def test_copy_stays_if_it_or_the_best_one_is_not_what_was_listed(
    shelf, paint, pictures, library, harmed, harm, reason
):
    first = paint("red-1.png")
    os.utime(first, (1e9, 1e9))
    shutil.copy2(first, pictures / "red-2.png")
    shelf()
    found = find_duplicates(library, Tier.SAME)
    harm(pictures / harmed)
    done = move_to_trash(found.groups, lambda path: pytest.fail(f"{path} was moved"))
    assert [(one.path.name, one.reason) for one in done.kept] == [("red-2.png", reason)]


def test_trash_takes_all_copies_but_the_best_one_and_a_refusal_is_told(
    shelf, paint, pictures, library
):
    first = paint("red-1.png")
    os.utime(first, (1e9, 1e9))
    for number in (2, 3):
        shutil.copy(first, pictures / f"red-{number}.png")
    shelf()
    (group,) = find_duplicates(library, Tier.SAME)
    (_, why) = (one.reason for one in move_to_trash([group], refuse).kept)
    assert why == "the trash cannot take it: there is no trash on this disk"
    done = move_to_trash([group])
    assert [copy.path.name for copy in done.moved] == ["red-2.png", "red-3.png"]
    assert [path.name for path in pictures.glob("red*")] == ["red-1.png"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be read")
def test_file_that_cannot_be_read_is_left_out(shelf, paint, pictures, library):
    shutil.copy(paint("red.png"), pictures / "b.png")
    shelf()
    (pictures / "b.png").chmod(0)
    fields, spare = listed(library)
    assert (fields["groups"], spare) == ([], [])
    assert "Permission denied" in fields["left_out"][0]["reason"]


def test_name_that_is_not_utf8_is_listed_by_its_bytes(shelf, paint):
    paint("red.png")
    paint(os.fsdecode(b"red-\xff.png"))
    assert shelf()[1] in ([b"red.png"], [b"red-\xff.png"])


# Parts that differ


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Receipts that differ in a number, one tripod's shots, and a copy of one of each."""
    folder = tmp_path_factory.mktemp("papers")
    for number in (3071, 8264):
        receipt(number).save(folder / f"receipt-{number}.png")
        tripod(number).save(folder / f"beach-{number}.png")
    receipt(3071).save(folder / "receipt-copy.jpg", quality=60)
    tripod(3071).resize((480, 320)).save(folder / "beach-copy.jpg", quality=85)
    with Library.create(tmp_path_factory.mktemp("library") / "l") as library:
        index_folder(library, folder)
    return library.path


def receipt(number):
    image = Image.new("RGB", (600, 900), "white")
    draw = ImageDraw.Draw(image)
    for line in range(20):
        text = f"No {number}" if line == 2 else f"{line * 7919 % 997} things  {line * 37 % 50}.00"
        draw.text((60, 40 + 42 * line), text, "black", ImageFont.load_default(28))
    return image


def tripod(number):
    with Image.open(SAMPLE / "breaking-wave.jpg") as photograph:
        image = photograph.convert("RGB").resize((960, 640))
    left = number % 700
    ImageDraw.Draw(image).ellipse((left, 500, left + 40, 540), (200, 40, number % 200))
    return image


def test_pictures_that_differ_in_a_part_are_not_the_same(papers):
    with Library.open(papers, read_only=True) as opened:
        groups = find_duplicates(opened, Tier.SAME)
        assert {frozenset(copy.path.stem for copy in group.pictures) for group in groups} == {
            frozenset({"receipt-3071", "receipt-copy"}),
            frozenset({"beach-3071", "beach-copy"}),
        }
        hits = Searcher(opened).search("paper", k=10, fold=True).hits
    folded = {frozenset({hit.path.stem, *(p.path.stem for p in hit.folded)}) for hit in hits}
    assert folded == {
        frozenset({"receipt-3071", "receipt-copy"}),
        frozenset({"receipt-8264"}),
        frozenset({"beach-3071", "beach-copy"}),
        frozenset({"beach-8264"}),
    }


def test_files_are_compared_once_and_again_by_other_code_only(papers, tmp_path, monkeypatch):
    place = shutil.copytree(papers, tmp_path / "library")
    with Library.open(place) as library:
        library.put_comparisons({}, "no code")  # deletes what other code found
    opened = []
    compared = looks.are_copies
    monkeypatch.setattr(looks, "are_copies", lambda *pair: opened.append(pair) or compared(*pair))

    def asked():
        opened.clear()
        with Library.open(place) as library:
            return find_duplicates(library), len(opened)

    first, times = asked()
    assert times
    assert asked() == (first, 0)
    with monkeypatch.context() as other:
        other.setattr(looks, "rule", lambda: "other code")
        assert asked() == (first, times)
    assert asked() == (first, times)  # what the other code found has taken its place
    with Library.open(place) as library:
        kept = library.catalogue.column("SELECT count(*) FROM comparisons")
        forget_folder(library, library.catalogue.folders()[0].path)
        assert [kept, library.catalogue.column("SELECT count(*) FROM comparisons")] == [
            [times],
            [0],
        ]


def test_comparisons_that_cannot_be_kept_are_made_all_the_same(papers, tmp_path):
    place = shutil.copytree(papers, tmp_path / "library")
    with Library.open(place) as library:
        library.put_comparisons({}, "no code")
    with Library.open(place, read_only=True) as reader:
        assert len(find_duplicates(reader)) == 2
    with Library.open(place) as library:
        with Library.open(place) as other, other.writing():
            with pytest.raises(LibraryLocked):
                library.put_comparisons({}, "no code")
            assert len(find_duplicates(library)) == 2
        assert library.catalogue.column("SELECT count(*) FROM comparisons") == [0]


def test_only_what_is_like_the_best_copy_itself_is_spare(colour_library, monkeypatch):
    """`similar` goes on from one picture to the next, and the last is like the first no more."""
    best, *others = (
        copy.content_hash for copy in sorted(copies(colour_library.catalogue), key=size)
    )
    near = {best: {others[0]}, others[0]: {best, others[1]}, others[1]: {others[0]}}
    monkeypatch.setattr(finding, "candidates", lambda *_: near)
    (group,) = find_duplicates(colour_library, Tier.SIMILAR)
    assert [copy.content_hash for copy in group.pictures[:1]] == [best]
    assert len(group.pictures) == 3
    assert [copy.content_hash for copy in group.spare] == [others[0]]


def size(copy):
    """A key that sorts pictures of as many pixels as `duplicates` ranks them."""
    return -copy.size, copy.modified, str(copy.path)
