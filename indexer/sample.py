"""The sample photographs that come with picfuse."""

from __future__ import annotations

from pathlib import Path


def sample_folder() -> Path:
    """Where they lie: inside the installed package of the user interface, or in the checkout."""
    root = Path(__file__).parents[1]
    installed = root / "ui" / "sample"
    return installed if installed.is_dir() else root / "data" / "sample"
