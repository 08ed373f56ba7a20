"""Copies of damaged files, reduced to the parts that their pixels need.

Decoders reject a whole picture for a metadata block that is cut short or too large, although every
viewer skips it. A JPEG without its last bytes still looks whole, or nearly so.
"""

import zlib
from collections.abc import Iterator

MAX_PROFILE_BYTES = 16 * 2**20  # of a colour profile or text of a PNG, unpacked

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_END_OF_IMAGE = b"\xff\xd9"
_MORE_BITS = bytes(range(7, 250, 3))
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Least number of bytes in a sound chunk of this name.
_LEAST = {b"gAMA": 4, b"cHRM": 32, b"pHYs": 9, b"sRGB": 1, b"iCCP": 3, b"acTL": 8, b"fcTL": 26}
_TRANSPARENCY = {0: 2, 2: 6, 3: 1}  # least bytes of tRNS, by the colour type in the header
_APP0, _EXIF, _ADOBE, _APP15, _COMMENT, _START_OF_SCAN = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE, 0xDA
_ADOBE_BYTES = 16  # of the segment with its length: it says how colours are stored


def without_broken_metadata(content: bytes) -> bytes | None:
    """Return a PNG without texts and broken chunks, or a JPEG whose only metadata is EXIF.

    None if there is nothing to leave out.
    """
    if content.startswith(_PNG):
        rest = b"".join(_sound_chunks(content))
        return _PNG + rest if len(rest) + len(_PNG) < len(content) else None
    if content.startswith(_JPEG):
        rest = b"".join(_needed_segments(content))
        return _JPEG + rest if len(rest) + len(_JPEG) < len(content) else None
    return None


def ended_jpegs(content: bytes) -> tuple[bytes, bytes]:
    """Return a JPEG that ends early with an end mark: alone, and after a few extra bits.

    If only the mark was missing, both have the same pixels, since bits after the last pixel are
    ignored. If pixels are missing too, the extra bits are taken for some of them, so that nothing
    is missing above the first row in which both differ.
    """
    return content + _END_OF_IMAGE, content + _MORE_BITS + _END_OF_IMAGE


def missing_share(content: bytes, sound: float, *, progressive: bool, grey: bool) -> float:
    """The share of a JPEG's bytes that is missing, if its last scan has this share of sound rows.

    1 if scans may be missing behind that one. The last of a progressive JPEG brings luminance, by
    itself, to its highest frequency and its last bit.
    """
    mark = b"\xff" + bytes([_START_OF_SCAN])
    start, luminance = content.rfind(mark), content[content.find(mark) + 5 :][:1]
    components = int.from_bytes(content[start + 4 : start + 5], "big")
    header = content[start + 5 + 2 * components :][:3]
    if not sound or len(header) < 3:
        return 1.0
    lowest, highest, bits = header
    if progressive:
        whole = lowest > 0 and highest == 63 and bits & 0x0F == 0
        is_last = whole and components == 1 and content[start + 5 :][:1] == luminance
    else:
        is_last = components > 1 or grey
    missing = (len(content) - start) * (1 - sound) / sound
    return missing / (len(content) + missing) if is_last else 1.0


def _sound_chunks(content: bytes) -> Iterator[bytes]:
    position = len(_PNG)
    colours = content[25] if len(content) > 25 else 0
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        name = content[position + 4 : position + 8]
        end = position + 12 + length
        critical = name[:1].isupper()
        if name == b"IDAT":  # the pixels and everything after them
            yield content[position:]
            return
        if critical or _is_sound(name, content[position + 8 : end], colours):
            yield content[position:end]
        position = end


def _is_sound(name: bytes, body: bytes, colours: int) -> bool:
    if name in _TEXTS:
        return False
    data, checksum = body[:-4], body[-4:]
    if name == b"iCCP" and _is_bomb(data.partition(b"\0")[2][1:]):
        return False
    least = _TRANSPARENCY.get(colours, 0) if name == b"tRNS" else _LEAST.get(name, 0)
    return len(data) >= least and zlib.crc32(name + data) == int.from_bytes(checksum, "big")


def _is_bomb(packed: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(packed, MAX_PROFILE_BYTES)) == MAX_PROFILE_BYTES
    except zlib.error:
        return False  # decoders ignore it


def _needed_segments(content: bytes) -> Iterator[bytes]:
    position = len(_JPEG)
    while content[position : position + 1] == b"\xff" and position + 4 <= len(content):
        marker = content[position + 1]
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if marker == _START_OF_SCAN:
            break
        if _is_needed(marker, end - position - 2):
            yield content[position:end]
        position = end
    yield content[position:]


def _is_needed(marker: int, length: int) -> bool:
    if marker == _ADOBE:
        return length >= _ADOBE_BYTES - 2
    return marker == _EXIF or not (_APP0 <= marker <= _APP15 or marker == _COMMENT)
