"""Many pictures of a few dozen bytes, and picfuse as a command that has the tiny encoder."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

ENCODER = "tiny"
HERE = Path(__file__).parent
FOLDERS = 100


def make_pictures(folder: Path, count: int, captions: int = 0, *, table: bool = False) -> None:
    """Make `count` different pictures in 100 folders; the last `captions` of them have a caption.

    Captions stand in a file beside each picture, or all in one `table`.
    """
    for number in range(FOLDERS):
        (folder / f"{number:02}").mkdir(parents=True)
    names = [f"{number % FOLDERS:02}/{number:06}.png" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(_png(number))
    captioned = [(name, f"picture {name} of many") for name in names[count - captions :]]
    if table:
        rows = [f"{name},{caption}\n" for name, caption in captioned]
        (folder / "captions.csv").write_text("".join(["file,caption\n", *rows]))
        return
    for name, caption in captioned:
        (folder / name).with_suffix(".txt").write_text(caption + "\n")


def _png(number: int) -> bytes:
    """A picture of one pixel, whose colour is the number."""
    pixel = zlib.compress(b"\0" + number.to_bytes(3, "big"))
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", pixel), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def environment(room: Path) -> dict[str, str]:
    """The environment of commands that know the encoder `tiny`, as an installed package's.

    Byte code is kept, as it is for a user, whatever is set here: else compiling every module would
    be most of what is measured.
    """
    facts = room / "site" / "tiny_encoder-1.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-encoder\nVersion: 1\n")
    entry = f"[picfuse.encoders]\n{ENCODER} = tiny_encoder:open_encoder\n"
    (facts / "entry_points.txt").write_text(entry)
    paths = [str(HERE.parent), str(HERE), str(facts.parent), os.environ.get("PYTHONPATH", "")]
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONPYCACHEPREFIX": str(room / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return os.environ | own


def picfuse(*arguments: object, env: dict[str, str]) -> dict[str, Any]:
    """Run picfuse as a user does; what it prints with --json. It must end well."""
    words = [sys.executable, "-P", "-m", "ui", *map(str, arguments), "--json"]
    done = subprocess.run(words, env=env, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
