"""The fusion of a library: its catalogue holds learned weights, so that it needs no other file."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING

from indexer.catalogue.lookup.pictures import Catalogue
from indexer.catalogue.values import KEPT_FUSION, MOVING, SETTINGS
from indexer.errors import LibraryDamaged, ModelError
from indexer.fusion import Fusion, restore_fusion
from indexer.settings import LibrarySettings

if TYPE_CHECKING:  # it brings SQLAlchemy, which a query does not need
    from indexer.catalogue.changes.batch import Batch


def keep_fusion(batch: Batch, fusion: Fusion) -> None:
    """Copy the learned weights of a fusion, if it has any, into the catalogue."""
    if fusion.content:
        batch.settings.set(_key(fusion.fingerprint), _text(fusion))


def is_kept(catalogue: Catalogue, fusion: Fusion) -> bool:
    """Whether the catalogue has undamaged weights of a fusion."""
    return not fusion.content or catalogue.setting(_key(fusion.fingerprint)) == _text(fusion)


def kept_fusion(catalogue: Catalogue, settings: LibrarySettings) -> Fusion:
    """The fusion that a library is set to. Raises `LibraryDamaged` when its weights are lost."""
    name, fingerprint = settings.fusion, settings.fusion_key
    stored = catalogue.setting(_key(fingerprint)) or ""
    try:
        content = b64decode(stored, validate=True)
        fusion = restore_fusion(name, content, "the library's copy")
    except (ValueError, ModelError) as error:
        raise _lost(name, str(error)) from error
    if fusion.fingerprint != fingerprint:
        raise _lost(name, "they are not those it was built with")
    return fusion


def forget_fusions(batch: Batch, catalogue: Catalogue, *used: LibrarySettings) -> None:
    """Delete weights that neither the library, nor a move that was begun, nor `used` need."""
    stored = (catalogue.setting(name) for name in (SETTINGS, MOVING))
    needed: Iterable[LibrarySettings] = (
        *used,
        *(LibrarySettings.from_json(text) for text in stored if text is not None),
    )
    batch.settings.unset_others(KEPT_FUSION, [_key(settings.fusion_key) for settings in needed])


def _key(fingerprint: str) -> str:
    return f"{KEPT_FUSION}{fingerprint}"


def _text(fusion: Fusion) -> str:
    return b64encode(fusion.content).decode()


def _lost(name: str, reason: str) -> LibraryDamaged:
    return LibraryDamaged(
        f"the weights of the library's fusion {name!r} cannot be used ({reason}); run 'picfuse "
        f"index --fusion {name}' to copy them from their source again, or use --fusion concat"
    )
