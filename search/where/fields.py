"""The fields of `--where`, each with its operators and its condition in SQL."""

from __future__ import annotations

from sqlalchemy import exists, func, or_, select, true

from indexer.catalogue.schema import (
    CaptionRow,
    FolderRow,
    PictureRow,
    PictureTag,
    TagHeadRow,
    TagRow,
)
from indexer.metadata.fields import PLACES
from indexer.pictures.formats import FORMATS
from search.where import bounds
from search.where.albums import album
from search.where.facts import FACTS, lens, place, said, text, with_fact, with_text
from search.where.measures import ORDERED, measured, modified, modified_stored, taken, taken_stored
from search.where.values import (
    Field,
    FieldContext,
    Sql,
    UnusableError,
    any_of,
    is_pattern,
    pattern_of,
    words_of,
)

_FORMATS = {"jpg": "jpeg", "tif": "tiff", "heic": "heif"}
_KINDS = {"jpeg": ("jpeg", "mpo")}  # Pillow calls a JPEG with several pictures an MPO
_BYTES = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9}
_EQUAL = (":", "=", "!=")


def _folder(value: str, _: FieldContext) -> Sql:
    return func.folded(FolderRow.path, PictureRow.relative).regexp_match(
        f"(^|/){pattern_of(value.strip('/'))}/"
    )


def _file(value: str, _: FieldContext) -> Sql:
    pattern = pattern_of(value)
    whole = f"(^|/){pattern}$" if is_pattern(value) else f"{pattern}[^/]*$"
    return func.folded(PictureRow.relative).regexp_match(whole)


def _camera(value: str, _: FieldContext) -> Sql:
    return func.folded(PictureRow.camera).regexp_match(pattern_of(value))


def _caption(value: str, _: FieldContext) -> Sql:
    holds = func.folded(CaptionRow.text).regexp_match(words_of(value))
    return exists().where(CaptionRow.picture_id == PictureRow.id, holds).correlate(PictureRow)


def _tag(value: str, context: FieldContext) -> Sql:
    if value.casefold() not in {name.casefold() for name in context.tags}:
        known = f"there are {', '.join(sorted(context.tags))}" if context.tags else "there are none"
        raise UnusableError(f"no tag {value!r}; {known}")
    tags = (
        select(TagRow.id)
        .join(TagHeadRow, TagHeadRow.id == TagRow.head_id)
        .where(TagHeadRow.encoder_id == context.encoder_id)
        .where(func.folded(TagRow.name) == value.casefold())
    )
    return (
        exists()
        .where(PictureTag.picture_id == PictureRow.id, PictureTag.tag_id.in_(tags))
        .correlate(PictureRow)
    )


def _format(value: str, _: FieldContext) -> Sql:
    name = _format_name(value)
    known = [format.lower() for format in FORMATS]
    if name not in known:
        raise UnusableError(f"takes {', '.join(known[:-1])} or {known[-1]}")
    return or_(*(func.lower(PictureRow.format) == kind for kind in _kinds_of(value)))


def _format_name(value: str) -> str:
    name = value.lower().lstrip(".")
    return _FORMATS.get(name, name)


def _kinds_of(value: str) -> tuple[str, ...]:
    """The names that Pillow gives a format."""
    name = _format_name(value)
    return _KINDS.get(name, (name,))


def _orientation(value: str, _: FieldContext) -> Sql:
    width, height = PictureRow.width, PictureRow.height
    known = {"landscape": width > height, "portrait": width < height, "square": width == height}
    if value.lower() not in known:
        raise UnusableError("takes landscape, portrait or square")
    return known[value.lower()]


def _has(value: str, context: FieldContext) -> Sql:
    tagged = (
        exists()
        .where(PictureTag.picture_id == PictureRow.id, PictureTag.tag_id == TagRow.id)
        .where(TagRow.head_id == TagHeadRow.id, TagHeadRow.encoder_id == context.encoder_id)
        .correlate(PictureRow)
    )
    known = {
        "caption": exists().where(CaptionRow.picture_id == PictureRow.id).correlate(PictureRow),
        "date": PictureRow.taken.is_not(None),
        "camera": PictureRow.camera.is_not(None),
        "place": or_(PictureRow.latitude.is_not(None), with_fact(PLACES)),
        "tag": tagged,
        "lens": PictureRow.lens.is_not(None),
        "rating": PictureRow.rating.is_not(None),
        "text": with_text(true()),
        **{name: with_fact(fields) for name, fields in FACTS.items()},
    }
    if value.lower() not in known:
        *names, last = known
        raise UnusableError(f"takes {', '.join(names)} or {last}")
    return known[value.lower()]


_MEGAPIXELS = PictureRow.width * PictureRow.height / 1e6
_HAVING: dict[str, tuple[str, ...]] = {
    "caption": ("caption",), "date": ("taken",), "camera": ("camera",), "lens": ("lens",),
    "place": ("latitude", *PLACES), "rating": ("rating",), "text": ("text",), **FACTS,
}  # fmt: skip


def _spoken(meaning: str, name: str) -> Field:
    """A field of words that facts say."""
    fields = FACTS[name]
    return Field(meaning, _EQUAL, any_of(said(*fields)), bounds.said(fields, name))


FIELDS = {
    "folder": Field(
        "a folder on its path: 2021, holidays/rome",
        _EQUAL,
        any_of(_folder),
        bounds.each(bounds.folder),
    ),
    "file": Field(
        "its name or part of it; * and ? stand for anything",
        _EQUAL,
        any_of(_file),
        bounds.each(bounds.file),
    ),
    "taken": Field(
        "when it was taken: last winter, 2019..2021, may 2020", ORDERED, taken, taken_stored
    ),
    "modified": Field(
        "when its file was last changed: yesterday", ORDERED, modified, modified_stored
    ),
    "camera": Field(
        "maker and model, or part of it: canon",
        _EQUAL,
        any_of(_camera),
        bounds.containing("camera"),
    ),
    "lens": Field(
        "its maker and model, or part of it: 35mm", _EQUAL, any_of(lens), bounds.containing("lens")
    ),
    "place": Field(
        "where: Vienna; Vienna within 10 km; 48.2, 16.37 within 10 km; or a box",
        _EQUAL,
        place,
        bounds.place,
    ),
    "person": _spoken("who is in it: Anna", "person"),
    "keyword": _spoken("a keyword, or a level of one: safari/kenya", "keyword"),
    "title": _spoken("words of its title, headline or alternative text", "title"),
    "comment": _spoken("words of a comment", "comment"),
    "prompt": _spoken("words of the prompt it was generated from", "prompt"),
    "rating": measured(
        "stars, from 1 to 5", "rating", PictureRow.rating, {"": 1, "stars": 1, "star": 1}
    ),
    "flag": _spoken("picked, rejected, favourite, or a colour: red", "flag"),
    "size": measured("size of its file: 2 MB", "size", PictureRow.size, _BYTES),
    "width": measured("in pixels", "width", PictureRow.width, {"": 1, "px": 1}),
    "height": measured("in pixels", "height", PictureRow.height, {"": 1, "px": 1}),
    "megapixels": measured("width times height", "megapixels", _MEGAPIXELS, {"": 1, "mp": 1}),
    "orientation": Field(
        "landscape, portrait or square",
        _EQUAL,
        any_of(_orientation),
        bounds.marked("orientation", lambda value: (value.lower(),)),
    ),
    "format": Field(
        "format of its file: jpeg, png, webp",
        _EQUAL,
        any_of(_format),
        bounds.marked("format", _kinds_of),
    ),
    "tag": Field("a tag it has", _EQUAL, any_of(_tag)),
    "album": Field("an album of picked pictures that it is in", _EQUAL, any_of(album)),
    "caption": Field(
        "consecutive words of a caption",
        _EQUAL,
        any_of(_caption),
        bounds.said(("caption",), "captions", folded=True),
    ),
    "text": Field(
        "consecutive words that it shows: platform 9",
        _EQUAL,
        any_of(text),
        bounds.said(("text",), "texts"),
    ),
    "has": Field(
        "caption, date, camera, place, person, rating, tag …",
        _EQUAL,
        any_of(_has),
        bounds.having(_HAVING),
    ),
}
