"""Texts of metadata: bytes of an unknown character set, and values made fit to be shown."""

from __future__ import annotations

import html
import re
import unicodedata

MAX_CHARACTERS = 2_000

# Escape sequences that change colours and titles of a terminal: none of it is text.
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(\x07|\x1b\\)|(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_UNWANTED = {"Cc": " ", "Cs": ""}  # control characters; halves of surrogate pairs
_ENTITY = re.compile(r"&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,31}\d{0,2});", re.IGNORECASE)
_NOTHING = frozenset({"nan", "null", "none", "n/a", "(null)", "undefined", "nil", "<na>"})
_CYRILLIC = re.compile(rb"[\xc0-\xff\xa8\xb8]")
_LETTERS = re.compile(rb"[A-Za-z\xc0-\xff\xa8\xb8]")
# Letters with an accent in Mac Roman are signs of no word in Windows-1252.
_MAC_LETTER = re.compile(rb"(?<=[A-Za-z])[\x80-\x84\x86-\x90\x98-\x9d\x9f](?=[A-Za-z])")
_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
_MOSTLY = 0.6  # of the letters: no language that is written in Latin letters has so many accents


def said(text: str) -> str:
    """A tidied text; empty if it only says that there is none."""
    text = tidied(text)
    return "" if text.casefold() in _NOTHING else text


def tidied(text: str) -> str:
    """The text in one line, NFC, cut at a word, with characters in place of HTML entities."""
    if not text.isprintable():
        text = _ESCAPES.sub("", text)
        text = "".join(_UNWANTED.get(unicodedata.category(char), char) for char in text)
        text = text.replace("\ufeff", "")
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    return _shortened(" ".join(unicodedata.normalize("NFC", text).split()))


def decoded(data: bytes) -> str:
    """Decode UTF-8, declared or not; otherwise the character set that the bytes look like.

    Those are Shift-JIS, the Cyrillic Windows-1251, Mac Roman, and Windows-1252 for all else.
    """
    data = data.partition(b"\0")[0] if b"\0" in data.rstrip(b"\0") else data.rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(character_set(data), "replace")


def character_set(data: bytes) -> str:
    """The character set that bytes look like, which are not UTF-8."""
    letters = len(_LETTERS.findall(data))
    if _is_japanese(data):
        return "shift_jis"
    if letters > 2 and len(_CYRILLIC.findall(data)) > _MOSTLY * letters:
        return "cp1251"
    accents = sum(byte >= 0x80 for byte in data)
    if accents and len(_MAC_LETTER.findall(data)) == accents:
        return "mac_roman"
    return "cp1252"


def _is_japanese(data: bytes) -> bool:
    try:
        text = data.decode("shift_jis")
    except UnicodeDecodeError:
        return False
    foreign = [char for char in text if not char.isascii()]
    signs = sum(_JAPANESE.match(char) is not None for char in foreign)
    return len(foreign) > 1 and signs > _MOSTLY * len(foreign)


def _character(entity: re.Match[str]) -> str:
    """The character of an HTML entity; the entity itself if it stands for none that is shown."""
    character = html.unescape(entity[0])
    return character if character.isprintable() or character.isspace() else entity[0]


def _shortened(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    head = text[: MAX_CHARACTERS + 1]
    return head.rpartition(" ")[0] or head[:MAX_CHARACTERS]
