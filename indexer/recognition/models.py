"""The models that find and read text: PP-OCR, in the package rapidocr."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from indexer.errors import InputError, ModelError
from indexer.kinds.extras import OCR_EXTRA

MODELS = "PP-OCRv6 small, 1"  # and how they are used: texts that others read are read again
_PACKAGE = "rapidocr"
_FILES = {  # by their part of RapidOCR's settings, with the SHA-256 of their bytes
    "Det": (
        "PP-OCRv6_det_small.onnx",
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    ),
    "Rec": (
        "PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    ),
    "Cls": (
        "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
}


def are_installed() -> bool:
    """Whether the package with the models is installed."""
    return find_spec(_PACKAGE) is not None


def check_installed() -> None:
    """Raise `InputError` if the package with the models is not installed."""
    if not are_installed():
        raise InputError(
            "the text in pictures cannot be read: its models are not installed; to install them: "
            f"pip install 'picfuse[{OCR_EXTRA}]'"
        )


def model_files() -> dict[str, Path]:
    """The files of the models, by their part of RapidOCR's settings.

    Raises `InputError` if they are not installed, and `ModelError` for one that is not as it was
    published.
    """
    check_installed()
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "models"
    return {part: _checked(folder / name, digest) for part, (name, digest) in _FILES.items()}


def _checked(file: Path, digest: str) -> Path:
    remedy = f"install it again: pip install --force-reinstall 'picfuse[{OCR_EXTRA}]'"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}); {remedy}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(f"{file}: not the model that picfuse knows; {remedy}")
    return file
