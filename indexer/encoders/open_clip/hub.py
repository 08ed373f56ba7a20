"""Files of huggingface.co: from the cache that its other users share, else downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import (
    HfApi,
    hf_hub_download,
    is_offline_mode,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from indexer.errors import InputError, ModelError

PATIENCE = 10.0  # seconds until a silent network counts as none


@dataclass(frozen=True, slots=True)
class Hub:
    """Fetches files for the encoder `name`; `offline` leaves it the cache alone.

    What is cached is never asked for again. All methods raise `ModelError`, quickly, when a file
    is not cached and cannot be downloaded, and `InputError` for an impossible repository name.
    """

    name: str
    offline: bool

    def file(self, repository: str, names: Sequence[str]) -> Path:
        """The first of the named files that the repository has."""
        cached = cached_file(repository, names)
        if cached is not None:
            return cached
        present = self._listing(repository)
        chosen = next((name for name in names if name in present), None)
        if chosen is None:
            raise ModelError(f"{self.name}: {repository} on huggingface.co has no {names[0]}")
        with self._reasons(repository):
            return Path(hf_hub_download(repository, chosen))

    def folder(self, repository: str, patterns: Sequence[str], needed: Sequence[str]) -> Path:
        """A folder with the repository's files of these patterns, at least one of `needed`."""
        cached = cached_folder(repository, patterns)
        if cached is not None and holds(cached, needed):
            return cached
        self._listing(repository)
        with self._reasons(repository):
            folder = Path(snapshot_download(repository, allow_patterns=list(patterns)))
        if not holds(folder, needed):
            raise ModelError(f"{self.name}: {repository} on huggingface.co has no {needed[0]}")
        return folder

    def _listing(self, repository: str) -> set[str]:
        """The names of a repository's files.

        A single request without retries: with no network it fails at once, where the first
        request of a download would be repeated for half a minute.
        """
        if self.offline or is_offline_mode():
            forbids = "--offline" if self.offline else "HF_HUB_OFFLINE"
            raise self._missing(repository, f"{forbids} forbids downloading it")
        with self._reasons(repository):
            found = HfApi().model_info(repository, timeout=PATIENCE)
            return {file.rfilename for file in found.siblings or ()}

    @contextmanager
    def _reasons(self, repository: str) -> Iterator[None]:
        try:
            yield
        except HFValidationError as error:
            raise InputError(f"{self.name}: {repository!r} is not a repository name") from error
        except HfHubHTTPError as error:
            reason = str(error).strip().splitlines()[0]
            raise self._missing(repository, f"huggingface.co refuses it ({reason})") from error
        except PermissionError as error:
            raise self._missing(repository, f"it cannot be saved ({error})") from error
        except Exception as error:  # the HTTP client's own tree, changed from version to version
            raise self._missing(repository, f"there is no network ({_line(error)})") from error

    def _missing(self, repository: str, why: str) -> ModelError:
        return ModelError(
            f"{self.name}: {repository} is not cached on this machine, and {why}; "
            "use the built-in model 'mini', which needs no download"
        )


def _line(error: Exception) -> str:
    """The last line of a message, where the cause stands."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def holds(folder: Path, names: Sequence[str]) -> bool:
    """Whether one of these files lies in the folder."""
    return any((folder / name).is_file() for name in names)


def cached_file(repository: str, names: Sequence[str]) -> Path | None:
    """The first of these files that lies in the cache; touches no network."""
    try:
        found = [try_to_load_from_cache(repository, name) for name in names]
    except HFValidationError:
        return None
    return next((Path(path) for path in found if isinstance(path, str)), None)


def cached_folder(repository: str, patterns: Sequence[str]) -> Path | None:
    """The cached files of a repository, perhaps not all of them; touches no network."""
    try:
        patterns = list(patterns)
        return Path(snapshot_download(repository, allow_patterns=patterns, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def recorded_hash(path: Path) -> str | None:
    """The SHA-256 under which the cache keeps a file, as huggingface.co gave it, if it did."""
    name = path.resolve().name
    return name if re.fullmatch("[0-9a-f]{64}", name) else None
