"""TGA, the one format without a signature: its header has to agree with itself."""

from __future__ import annotations

_FOOTER = b"TRUEVISION-XFILE"
_FOOTER_BYTES = 26
_HEADER_BYTES = 18
_MAPPED, _TRUE, _GREY, _PACKED = 1, 2, 3, 8  # kinds of pixels; those packed are 8 higher
_DEPTHS = {_MAPPED: (8,), _TRUE: (15, 16, 24, 32), _GREY: (8, 16)}


def is_targa(content: bytes) -> bool:
    """Whether a file is a TGA: it has the footer, or a header that fits its length exactly."""
    if len(content) < _HEADER_BYTES:
        return False
    if _FOOTER in content[-_FOOTER_BYTES:]:
        return True
    named, mapped, kind, depth = content[0], content[1], content[2], content[16]
    plain = kind & ~_PACKED
    if mapped > 1 or depth not in _DEPTHS.get(plain, ()) or (plain == _MAPPED) != bool(mapped):
        return False
    width, height = (int.from_bytes(content[at : at + 2], "little") for at in (12, 14))
    colours = int.from_bytes(content[5:7], "little") * ((content[7] + 7) // 8) if mapped else 0
    start, pixels = _HEADER_BYTES + named + colours, width * height * ((depth + 7) // 8)
    if not pixels:
        return False
    return (
        start < len(content) < start + 2 * pixels
        if kind & _PACKED
        else (len(content) == start + pixels)
    )
