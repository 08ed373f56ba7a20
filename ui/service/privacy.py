"""Privacy: answers without paths of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from indexer.errors import PicfuseError
from ui.cli.output.text import valid
from ui.service.served import Libraries

_PATHS = ("library", "picture", "old", "new")  # other fields that may hold a path


def without_paths(value: Any) -> Any:
    """A JSON value in which the name of a file stands for its path."""
    if isinstance(value, list):
        return [without_paths(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _kept(key, one) for key, one in value.items() if key != "path_base64"}
    if isinstance(path := kept.pop("path", None), str):
        return {"name": Path(path).name, **kept}
    return kept


def _kept(key: str, value: Any) -> Any:
    if key in _PATHS and isinstance(value, str):
        return Path(value).name
    if key in ("folders", "unlike") or (key == "like" and value and isinstance(value[0], str)):
        return [Path(one).name if isinstance(one, str) else without_paths(one) for one in value]
    return without_paths(value)


def names_of_paths(libraries: Libraries) -> Mapping[str, str]:
    """Names that stand for paths of libraries and of their folders in messages."""
    names: dict[str, str] = {}
    for served in libraries:
        names[str(served.path)] = f"library {served.name!r}"
        with suppress(PicfuseError), served.asking() as searcher:
            for folder in searcher.library.catalogue.folders():
                path = str(folder.path)
                names[path] = names[valid(path)] = folder.path.name or "/"
    return names


def without_folders(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value whose texts, such as conditions, name no path of a folder or library."""
    if isinstance(value, dict):
        return {key: without_folders(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one, names) for one in value]
    return without_named(value, names) if isinstance(value, str) else value


def without_named(text: str, names: Mapping[str, str]) -> str:
    """A message in which names stand for paths, the longest first."""
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    return text
