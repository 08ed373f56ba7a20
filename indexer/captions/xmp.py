"""Captions in XMP, inside a picture or in a file beside it."""

from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from indexer.captions.caption import UnusableFile

_DC = "{http://purl.org/dc/elements/1.1/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def xmp_texts(packet: bytes | str) -> list[str]:
    """Return description, title and joined keywords; raises UnusableFile for damaged XML."""
    root = _parsed(packet)
    return [
        *_values(root, "description"),
        *_values(root, "title"),
        ", ".join(_values(root, "subject")),
    ]


def _parsed(packet: bytes | str) -> Any:
    empty = b" \t\r\n\0" if isinstance(packet, bytes) else " \t\r\n\0\ufeff"
    try:
        return fromstring(packet.strip(empty))  # type: ignore[arg-type]
    except DefusedXmlException as error:  # entities may grow without end, or name other files
        reason = (
            "it is not valid XMP (it declares entities, which are not allowed); export it again"
        )
        raise UnusableFile(reason) from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnusableFile(f"it is not valid XMP ({error}); export it again") from error


def _values(root: Any, name: str) -> list[str]:
    """Return the texts of a Dublin Core property, the default language first."""
    described = root.iter(f"{_RDF}Description")
    texts = [element.get(_DC + name) for element in described]  # the short form: an attribute
    for element in root.iter(_DC + name):
        items = sorted(element.iter(f"{_RDF}li"), key=lambda li: li.get(_LANGUAGE) != "x-default")
        texts += [item.text for item in items] if items else [element.text]
    return [text.strip() for text in texts if text and text.strip()]
