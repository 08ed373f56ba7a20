"""Files of huggingface.co: from the cache shared with its other programs, or downloaded."""

from __future__ import annotations

import logging
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

logger = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds after which a silent network counts as absent


@dataclass(frozen=True, slots=True)
class Hub:
    """Fetches files for the encoder `name`; `offline` restricts it to the cache.

    Cached files are never requested again. All methods raise `ModelError`, quickly, if a file is
    not cached and cannot be downloaded, and `InputError` for an impossible repository name.
    """

    name: str
    offline: bool

    def file(self, repository: str, names: Sequence[str]) -> Path:
        """Fetch the first of these files that the repository has."""
        cached = cached_file(repository, names)
        if cached is not None:
            return cached
        present = self._listing(repository)
        first = next((name for name in names if name in present), None)
        if first is None:
            raise ModelError(f"{self.name}: {repository} on huggingface.co has no {names[0]}")
        size = f" ({present[first] / 1e9:.1f} GB)" if present[first] else ""
        logger.info("downloading %s%s from huggingface.co, once only", repository, size)
        with self._reasons(repository):
            return Path(hf_hub_download(repository, first))

    def folder(self, repository: str, patterns: Sequence[str], needed: Sequence[str]) -> Path:
        """Fetch the repository's files of these patterns to a folder with one of `needed`."""
        cached = cached_folder(repository, patterns)
        if cached is not None and holds(cached, needed):
            return cached
        self._listing(repository)
        with self._reasons(repository):
            folder = Path(snapshot_download(repository, allow_patterns=list(patterns)))
        if not holds(folder, needed):
            raise ModelError(f"{self.name}: {repository} on huggingface.co has no {needed[0]}")
        return folder

    def _listing(self, repository: str) -> dict[str, int]:
        """Names of a repository's files, with their bytes (0: unknown).

        One request without retries: without a network it fails at once, whereas a download would
        repeat its first request for half a minute.
        """
        if self.offline or is_offline_mode():
            forbids = "--offline" if self.offline else "HF_HUB_OFFLINE"
            raise self._missing(repository, f"{forbids} forbids downloading it")
        with self._reasons(repository):
            info = HfApi().model_info(repository, timeout=PATIENCE, files_metadata=True)
            return {file.rfilename: file.size or 0 for file in info.siblings or ()}

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
        except Exception as error:  # errors of the HTTP client, which change between versions
            raise self._missing(repository, f"there is no network ({_line(error)})") from error

    def _missing(self, repository: str, why: str) -> ModelError:
        return ModelError(
            f"{self.name}: {repository} is not cached on this machine, and {why}; "
            "use the built-in model 'mini', which needs no download"
        )


def _line(error: Exception) -> str:
    """The last line of a message, which holds the cause."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def holds(folder: Path, names: Sequence[str]) -> bool:
    """Whether a folder holds one of these files."""
    return any((folder / name).is_file() for name in names)


def cached_file(repository: str, names: Sequence[str]) -> Path | None:
    """The first of these files in the cache, or None; does not use the network."""
    try:
        paths = [try_to_load_from_cache(repository, name) for name in names]
    except HFValidationError:
        return None
    return next((Path(path) for path in paths if isinstance(path, str)), None)


def cached_folder(repository: str, patterns: Sequence[str]) -> Path | None:
    """Folder of the cached files of a repository, perhaps not all; does not use the network.

    None if nothing is cached.
    """
    try:
        patterns = list(patterns)
        return Path(snapshot_download(repository, allow_patterns=patterns, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def recorded_hash(path: Path) -> str | None:
    """The SHA-256 from huggingface.co that names a file in the cache; None if it has none."""
    name = path.resolve().name
    return name if re.fullmatch("[0-9a-f]{64}", name) else None
