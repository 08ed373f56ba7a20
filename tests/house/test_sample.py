"""The sample library: every picture opens, is small and attributed, and captioned as documented."""

import csv
import re
from collections import Counter
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
README = ROOT / "data" / "README.md"
QUERIES = ROOT / "tests" / "golden" / "sample_queries.tsv"
SUFFIXES = {".jpg", ".png", ".webp"}
IMAGE_DESCRIPTION = 0x010E
LICENCES = {
    "CC0-1.0",
    "Public domain",
    *(f"CC-BY-{version}" for version in ("2.0", "2.5", "3.0", "4.0")),
    *(f"CC-BY-SA-{version}" for version in ("2.0", "2.5", "3.0", "4.0")),
    *("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-or-later", "LGPL-3.0-only"),
}


def pictures() -> list[Path]:
    return sorted(path for path in SAMPLE.iterdir() if path.suffix in SUFFIXES)


def names() -> set[str]:
    return {path.name for path in pictures()}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        if path.suffix == ".csv":
            return list(csv.DictReader(lines, strict=True))
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True))


def caption_rows() -> list[dict[str, str]]:
    return table(SAMPLE / "captions.csv")


def embedded_caption(path: Path) -> str:
    with Image.open(path) as image:
        return str(image.getexif().get(IMAGE_DESCRIPTION, ""))


def section(heading: str) -> str:
    return README.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]


def listed(heading: str) -> set[str]:
    return set(re.findall(r"^- `([^`]+)`$", section(heading), re.MULTILINE))


def test_library_has_at_least_forty_pictures() -> None:
    assert len(pictures()) >= 40


def test_library_takes_at_most_six_megabytes() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) <= 6_000_000


def test_library_holds_jpeg_png_and_webp() -> None:
    assert {path.suffix for path in pictures()} == SUFFIXES


def test_library_holds_nothing_but_pictures_their_captions_and_the_attribution() -> None:
    sidecars = {path.name for path in SAMPLE.glob("*.txt")}
    tables = {"captions.csv", "ATTRIBUTION.tsv"}
    assert {path.name for path in SAMPLE.iterdir()} == names() | sidecars | tables


def test_pictures_open_in_colour_and_are_small() -> None:
    for path in pictures():
        with Image.open(path) as image:
            image.load()
            assert image.mode == "RGB", path
            assert 200 < max(image.size) <= 640, path


def test_pictures_carry_no_metadata_but_a_caption() -> None:
    for path in pictures():
        with Image.open(path) as image:
            assert set(image.getexif()) <= {IMAGE_DESCRIPTION}, path
            assert not {"icc_profile", "xmp", "photoshop", "comment"} & set(image.info), path


def test_picture_names_are_lower_case_words_with_hyphens() -> None:
    assert [name for name in names() if not re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+", name)] == []


def test_no_two_pictures_share_a_stem() -> None:
    assert len({path.stem for path in pictures()}) == len(pictures())


def test_every_picture_is_attributed_exactly_once() -> None:
    rows = Counter(row["picture"] for row in table(SAMPLE / "ATTRIBUTION.tsv"))
    assert rows == Counter(names())


def test_attribution_leaves_no_cell_empty() -> None:
    rows = table(SAMPLE / "ATTRIBUTION.tsv")
    assert [
        row["picture"] for row in rows if not all((cell or "").strip() for cell in row.values())
    ] == []


def test_attribution_is_no_caption_table() -> None:
    header = (SAMPLE / "ATTRIBUTION.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t")
    assert header == ["picture", "work", "author", "licence", "licence_url", "origin", "changes"]


def test_every_licence_is_free() -> None:
    assert {row["licence"] for row in table(SAMPLE / "ATTRIBUTION.tsv")} <= LICENCES


def test_a_licence_has_one_address() -> None:
    pairs = {(row["licence"], row["licence_url"]) for row in table(SAMPLE / "ATTRIBUTION.tsv")}
    assert len(pairs) == len({licence for licence, _ in pairs})
    assert all(url.startswith("https://") for _, url in pairs)


def test_every_origin_names_package_version_and_path() -> None:
    origins = [row["origin"] for row in table(SAMPLE / "ATTRIBUTION.tsv")]
    form = re.compile(r"[a-z0-9.-]+ \d\S* \((Debian|PyPI wheel)\): \S+/.+")
    assert [origin for origin in origins if not form.fullmatch(origin)] == []


def test_every_caption_row_names_a_picture() -> None:
    assert {row["file"] for row in caption_rows()} <= names()


def test_captions_are_distinct_sentences_of_some_words() -> None:
    captions = [row["caption"] for row in caption_rows()]
    assert len(set(captions)) == len(captions)
    assert [caption for caption in captions if len(caption.split()) < 4] == []


def test_some_pictures_have_two_captions() -> None:
    assert max(Counter(row["file"] for row in caption_rows()).values()) == 2


def test_every_sidecar_lies_beside_its_picture_and_is_not_empty() -> None:
    stems = {path.stem for path in pictures()}
    sidecars = list(SAMPLE.glob("*.txt"))
    assert len(sidecars) == 4
    assert all(sidecar.stem in stems and sidecar.read_text("utf-8").strip() for sidecar in sidecars)


def test_two_pictures_carry_their_caption_in_exif() -> None:
    embedded = [path.name for path in pictures() if embedded_caption(path)]
    assert embedded == ["mountain-path.jpg", "pink-tulips.jpg"]


def test_no_picture_has_its_caption_in_two_places() -> None:
    places = Counter({row["file"] for row in caption_rows()})
    places.update(path.name for path in pictures() if path.with_suffix(".txt").exists())
    places.update(path.name for path in pictures() if embedded_caption(path))
    assert max(places.values()) == 1


def test_exactly_the_documented_pictures_have_no_caption() -> None:
    captioned = {row["file"] for row in caption_rows()}
    bare = {
        path.name
        for path in pictures()
        if path.name not in captioned
        and not path.with_suffix(".txt").exists()
        and not embedded_caption(path)
    }
    assert len(bare) == 5
    assert bare == listed("Without a caption")


def test_readme_counts_the_pictures() -> None:
    assert f"`sample/` holds {len(pictures())} small photographs" in README.read_text("utf-8")


def test_there_are_thirty_queries_for_thirty_pictures() -> None:
    rows = table(QUERIES)
    assert len(rows) == len({row["query"] for row in rows}) == 30
    assert len({row["picture"] for row in rows}) == 30


def test_every_query_names_a_picture() -> None:
    assert {row["picture"] for row in table(QUERIES)} <= names()


def test_some_queries_ask_for_pictures_without_a_caption() -> None:
    assert {row["picture"] for row in table(QUERIES)} & listed("Without a caption")


def test_no_query_is_taken_from_a_caption() -> None:
    captions = [row["caption"].casefold() for row in caption_rows()]
    captions += [path.read_text("utf-8").casefold() for path in SAMPLE.glob("*.txt")]
    queries = [row["query"].casefold() for row in table(QUERIES)]
    assert [query for query in queries if any(query in caption for caption in captions)] == []
