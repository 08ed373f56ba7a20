"""Kinds of files, told by their suffixes: these need not be opened."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.kinds.signatures import (
    ARCHIVE,
    AUDIO,
    DOCUMENT,
    DRAWING,
    OTHER_PICTURE,
    PROGRAM,
    TABLE,
    VIDEO,
    WEB_PAGE,
)

UNFINISHED = "unfinished download"
BACKUP = "backup copy"
IN_CLOUD = "file that is only in the cloud"
BACKUP_ENDS = (b"~", b"_original", b".bak", b".orig")  # of names: editors and exiftool keep copies
CLOUD_END = b".icloud"  # of hidden names: iCloud's place for a file that is not downloaded
CAPTION_FILE = "caption file in an unknown layout"
BESIDE_PICTURE = "RAW beside another picture"
NAMELESS = "file without a suffix"

_RAW = (
    "3fr ari arw cap cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf ori pef"
    " raf raw rw2 rwl rwz sr2 srf srw x3f"
)
RAW_SUFFIXES = frozenset(f".{suffix}" for suffix in _RAW.split())

_BY_KIND = {
    VIDEO: "mp4 m4v mov qt avi mkv webm wmv flv f4v mpg mpeg mpe m2v mts m2ts 3gp 3g2 ogv ogm vob"
    " mxf asf divx rm rmvb insv lrv lrf dv mod tod",
    AUDIO: "mp3 wav flac m4a aac ogg oga opus wma aif aiff mid midi amr ape caf",
    ARCHIVE: "zip tar gz tgz bz2 tbz xz txz 7z rar zst lz4 cbz cbr cb7 cbt iso dmg jar apk cab",
    DOCUMENT: "pdf doc docx docm odt rtf ppt pptx odp pps key pages epub mobi azw3 djvu djv xps"
    " indd pub",
    DRAWING: "svg svgz ai eps ps wmf emf cdr dxf dwg vsd drawio",
    OTHER_PICTURE: "exr hdr pic jxr wdp hdp psb xcf kra clip afphoto sketch procreate xd dds ico"
    " icns cur bpg pcx sgi pict pct fits fit dcm pdn flif",
    TABLE: "xls ods numbers arrow feather sqlite sqlite3 db mdb npy npz h5 hdf5 pkl",
    WEB_PAGE: "html htm xhtml mht mhtml php asp aspx css",
    PROGRAM: "exe dll so dylib msi class pyc o a lib bat cmd com",
    UNFINISHED: "part partial crdownload download opdownload filepart tmp temp aria2 !ut bc! swp"
    " lock",
    CAPTION_FILE: "captions",
}
# Suffixes of other files that are no pictures: they are counted by their suffix.
_PLAIN = (
    "aae bib c cfg cfs conf cpp cs cue dop exif go gpx h hpp icc icm ini java js json5 kml"
    " kmz lnk log lrcat lua m3u md mdx nfo on1 onnx pp3 pt pth py r rb rs rst safetensors sh srt"
    " sub thm toml torrent ts ttf otf tsx url vtt webloc woff woff2 xml yaml yml ipynb"
)

SUFFIX_KINDS: Mapping[bytes, str] = {
    f".{suffix}".encode(): kind for kind, listed in _BY_KIND.items() for suffix in listed.split()
} | {f".{suffix}".encode(): f".{suffix} file" for suffix in _PLAIN.split()}


def by_suffix(suffix: bytes) -> str:
    """The kind of a file about which only its suffix is known."""
    return f"{suffix.decode(errors='replace')} file" if suffix else NAMELESS
