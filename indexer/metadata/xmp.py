"""XMP, inside a picture or in a file beside it: everything that it says of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from indexer.metadata.comments import commented
from indexer.metadata.dates import moment_of
from indexer.metadata.exif import named_once
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.points import degrees_in, point
from indexer.metadata.ratings import rating_facts, rating_of_percent, rating_of_stars
from indexer.metadata.texts import tidied

SOURCE = "xmp"
MAX_BYTES = 16_000_000  # of a packet; more is a picture or a sound in disguise
_SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "core": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "mwg": "http://www.metadataworkinggroup.com/schemas/regions/",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
    "regions": "http://ns.acdsee.com/regions/",
    "ms": "http://ns.microsoft.com/photo/1.0/",
    "ms12": "http://ns.microsoft.com/photo/1.2/",
    "region": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "dm": "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_TEXTS = (  # a field, and the properties that hold it
    ("description", ("dc:description",)),
    ("title", ("dc:title",)),
    ("headline", ("photoshop:Headline",)),
    ("alternative", ("core:AltTextAccessibility", "core:ExtDescrAccessibility")),
    ("person", ("ext:PersonInImage", "ext:PersonName", "region:PersonDisplayName")),
    ("location", ("core:Location", "ext:Sublocation", "ext:LocationName")),
    ("city", ("photoshop:City", "ext:City")),
    ("state", ("photoshop:State", "ext:ProvinceState")),
    ("country", ("photoshop:Country", "ext:CountryName")),
)
_DATES = (
    ("original", ("exif:DateTimeOriginal", "photoshop:DateCreated")),
    ("digitised", ("xmp:CreateDate", "exif:DateTimeDigitized")),
    ("modified", ("tiff:DateTime", "xmp:ModifyDate")),
)
_KEYWORD_PATHS = (
    ("lr:hierarchicalSubject", "|"), ("digiKam:TagsList", "/"), ("ms:LastKeywordXMP", "/"),
    ("ms12:LastKeywordXMP", "/"), ("mediapro:CatalogSets", "|"),
)  # fmt: skip
_NO_FACES = ("focus", "barcode")  # of the types of a region
_PICKS = {
    "digiKam:PickLabel": {"1": "rejected", "3": "picked"},
    "dm:pick": {"-1": "rejected", "1": "picked"},
}


def xmp_facts(packet: bytes | str, source: str = SOURCE) -> Iterator[Fact]:
    """The facts in a packet. Raises ValueError, with the reason and a remedy, for damaged XML."""
    properties = _Properties(_parsed(packet))
    for field, names in _TEXTS:
        yield from facts_of(field, properties.texts(*names), source)
    yield from facts_of("person", properties.faces(), source)
    yield from commented(properties.first("exif:UserComment"), source)
    paths = [(text, sign) for name, sign in _KEYWORD_PATHS for text in properties.texts(name)]
    yield from keyword_facts(properties.texts("dc:subject"), paths, source)
    yield from _dates(properties, source)
    yield from _place(properties, source)
    yield from _devices(properties, source)
    yield from _marks(properties, source)


def _parsed(packet: bytes | str) -> Any:
    empty = b" \t\r\n\0" if isinstance(packet, bytes) else " \t\r\n\0\ufeff"
    if len(packet) > MAX_BYTES:
        raise ValueError(f"its XMP is larger than {MAX_BYTES:,} bytes; export it again")
    try:
        return fromstring(packet.strip(empty))  # type: ignore[arg-type]
    except DefusedXmlException as error:  # entities may grow without end, or name other files
        reason = (
            "it is not valid XMP (it declares entities, which are not allowed); export it again"
        )
        raise ValueError(reason) from error
    except (ParseError, ValueError, LookupError) as error:
        raise ValueError(f"it is not valid XMP ({error}); export it again") from error


def _tag(name: str) -> str:
    space, _, local = name.partition(":")
    return f"{{{_SPACES[space]}}}{local}"


class _Properties:
    """The properties of a packet by name, wherever they stand: as elements or as attributes."""

    def __init__(self, root: Any) -> None:
        self._texts: dict[str, list[str]] = {}
        self._faces: list[str] = []
        for element in root.iter():
            self._read(element)

    def _read(self, element: Any) -> None:
        for name, value in element.attrib.items():  # the short form
            if name.startswith("{"):
                self._texts.setdefault(name, []).append(value)
        if not isinstance(element.tag, str):  # a comment
            return
        self._texts.setdefault(element.tag, []).extend(_values(element))
        for name, kind in ((_MWG_NAME, _MWG_TYPE), (_ACDSEE_NAME, _ACDSEE_TYPE)):
            face = _said(element, name)
            if face and _said(element, kind).lower() not in _NO_FACES:
                self._faces.append(face)

    def texts(self, *names: str) -> list[str]:
        """The texts of properties, those of the first name first."""
        found = (text for name in names for text in self._texts.get(_tag(name), ()))
        return [text.strip() for text in found if text and text.strip()]

    def first(self, *names: str) -> str:
        """The first text of properties; empty if there is none."""
        return next(iter(self.texts(*names)), "")

    def faces(self) -> list[str]:
        """The names of regions that are faces, people or pets."""
        return self._faces


_MWG_NAME, _MWG_TYPE = _tag("mwg:Name"), _tag("mwg:Type")
_ACDSEE_NAME, _ACDSEE_TYPE = _tag("regions:Name"), _tag("regions:Type")


def _values(element: Any) -> list[str]:
    """The texts of a property, the default language first."""
    lists = [child for child in element if child.tag in _LISTS]
    if not lists:
        return [element.text] if element.text and not len(element) else []
    own = [item for item in lists[0] if item.tag == _ITEM]
    items = sorted(own, key=lambda item: item.get(_LANGUAGE) != "x-default")
    return [item.text for item in items if item.text]


_ITEM = _tag("rdf:li")
_LISTS = {_tag(f"rdf:{kind}") for kind in ("Alt", "Bag", "Seq")}


def _said(element: Any, name: str) -> str:
    child = element.find(name)
    return str(element.get(name) or (child is not None and child.text) or "").strip()


def _dates(properties: _Properties, source: str) -> Iterator[Fact]:
    for kind, names in _DATES if source == SOURCE else _DATES[:-1]:  # a sidecar changes alone
        moments = filter(None, map(moment_of, properties.texts(*names)))
        for moment in moments:
            yield Fact("taken", str(moment), f"{source} {kind}")


def _place(properties: _Properties, source: str) -> Iterator[Fact]:
    latitude, longitude = (
        degrees_in(
            properties.first(f"exif:GPS{name}"),
            properties.first(f"exif:GPS{name}Ref"),
            is_signed=True,
        )
        for name in ("Latitude", "Longitude")
    )
    if (where := point(latitude, longitude)) is not None:
        yield Fact("point", where, source)


def _devices(properties: _Properties, source: str) -> Iterator[Fact]:
    make, model = (tidied(properties.first(f"tiff:{name}")) for name in ("Make", "Model"))
    yield from facts_of("camera", [named_once(make, model)], source)
    lens = tidied(properties.first("exifEX:LensModel", "aux:Lens"))
    yield from facts_of("lens", [named_once("", lens)], source)


def _marks(properties: _Properties, source: str) -> Iterator[Fact]:
    stars = rating_of_stars(properties.first("xmp:Rating", "acdsee:rating"))
    if stars is None:
        stars = rating_of_percent(properties.first("ms:Rating"))
    yield from rating_facts(stars, source)
    flags = [values.get(properties.first(name)) for name, values in _PICKS.items()]
    flags += [properties.first("xmp:Label").lower()]
    yield from facts_of("flag", flags, source)
