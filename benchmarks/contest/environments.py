"""A virtual environment for each peer: their requirements clash with each other's and picfuse's."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Peer:
    """A package of PyPI that picfuse is compared with, and the size of its environment.

    `lacking`: what it needs, but does not ask for.
    """

    name: str
    requirement: str
    room: str
    lacking: tuple[str, ...] = ()


RCLIP = Peer("rclip", "rclip==3.3.0", "300 MB")
SENTENCE_TRANSFORMERS = Peer(
    "sentence-transformers",
    "sentence-transformers[image]==6.2.0",
    "6 GB, most of it what PyPI's torch brings for graphics cards",
)
CLIP_RETRIEVAL = Peer(
    "clip-retrieval",
    "clip-retrieval==2.45.0",
    "6 GB, most of it PyTorch",
    ("setuptools<81",),  # its CLIP imports pkg_resources
)


def python_of(peer: Peer, folder: Path) -> Path:
    """The Python of a peer's environment in a folder, which is made if it is missing.

    An interrupted installation starts again. Raises `ClickException` if pip fails.
    """
    home = folder / f"{peer.name}-{peer.requirement.rpartition('==')[2]}"
    python, ready = home / "bin" / "python", home / ".ready"
    if not ready.exists():
        click.echo(f"Installing {peer.requirement} from PyPI into {home} ({peer.room}) …")
        venv.create(home, clear=True, with_pip=True)
        words = [str(python), "-m", "pip", "install", "--quiet", peer.requirement, *peer.lacking]
        if subprocess.run(words, stdout=sys.stderr).returncode:
            raise click.ClickException(f"{peer.requirement} could not be installed into {home}")
        ready.touch()
    return python
