"""Packing of the pretrained towers: as they are shipped, ready to run without PyTorch.

Each tower is exported to ONNX by PyTorch. Its tensors are then taken out: those of the trunks go
into one file in about half their size, those of the tails are in every heads file, and the plan
says how each is made of them. `picfuse train towers` does it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from indexer.embedding import Floats
from indexer.encoders.mini.export import TOWERS, export
from indexer.encoders.mini.heads import STEP, eight_bits
from indexer.encoders.mini.image_tower import ImageTower, Trunk
from indexer.encoders.mini.packages import TEXT_TOWER
from indexer.encoders.mini.tensors import ALIGNMENT, NORMALISATION, PlannedTensor, folded
from indexer.encoders.mini.text_tower import TextTower, TextTrunk
from indexer.encoders.mini.towers import MAX_TOKENS
from indexer.errors import ModelError
from indexer.training.mini.heads_model import arrays
from indexer.weights_file import packed

BY_BYTES = ("word_embeddings.weight", "query.weight", "key.weight")  # endings of names
POSITIONS = "text.embeddings.position_embeddings.weight"
CONSTANT = 1024  # elements; larger tensors must not stay in a graph
TOLERANCE = 1e-5  # between a tensor of a graph and what it is made of

Sources = Mapping[str, Floats]


def pack(folder: Path, heads: Path) -> Iterator[str]:
    """Write the graphs, the plan, the weights and the tokenizer of the towers into a folder.

    Yields the name of each tower before it is exported. `heads` may be any heads file: it
    leaves no trace. Raises `ModelError` if a tensor of a graph is of unknown origin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trunks, tails = _trunks(), _tails(heads)
    (folder / "towers.safetensors").write_bytes(packed(_halved(trunks), "about", "trunks of mini"))
    shutil.copyfile(TEXT_TOWER.path.with_name("tokenizer.json"), folder / "tokenizer.json")
    candidates = list(_candidates(trunks | tails))
    plan = {}
    for tower in TOWERS:
        yield tower
        with TemporaryDirectory() as temporary:
            exported = Path(temporary) / "tower.onnx"
            export(tower, exported, heads)
            model = onnx.load(exported)
        plan[tower] = _take_out(model, tower, candidates)
        onnx.save(model, folder / f"{tower}.onnx")
    written = {tower: [_facts(planned) for planned in own] for tower, own in plan.items()}
    (folder / "plan.json").write_text(json.dumps(written) + "\n", "utf-8")


def _facts(planned: PlannedTensor) -> dict[str, Any]:
    """The entry of a tensor in the plan, without default values."""
    facts = asdict(planned).items()
    return {key: value for key, value in facts if value is not None and value is not False}


def _trunks() -> dict[str, Floats]:
    """The tensors of both trunks, by their names among the shipped weights."""
    states = {"image.": Trunk().net.state_dict(), "text.": TextTrunk().net.state_dict()}
    tensors = {
        f"{prefix}{name}": tensor.numpy()
        for prefix, state in states.items()
        for name, tensor in state.items()
        if tensor.is_floating_point()
    }
    return tensors | {POSITIONS: tensors[POSITIONS][:MAX_TOKENS]}


def _tails(heads: Path) -> dict[str, Floats]:
    """The tensors of both tails, by their names in a heads file."""
    return arrays(ImageTower(heads).tail.stored() | TextTower(heads).tail.stored())


def _halved(tensors: Sources) -> dict[str, NDArray[Any]]:
    """Vectors in float32, matrices in float16, the largest in 8-bit integers with their scale."""
    small: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        if name.endswith(BY_BYTES):
            small[name], small[f"{name}{STEP}"] = eight_bits(tensor)
        else:
            small[name] = tensor if tensor.ndim < 2 else tensor.astype(np.float16)
    return small


def _candidates(sources: Sources) -> Iterator[tuple[PlannedTensor, Floats]]:
    """Possible origins of a tensor in a graph, each with the value that it gives."""
    names = [name for name, tensor in sources.items() if tensor.ndim]
    for name, following in zip(names, [*names[1:], ""], strict=True):
        tensor = sources[name]
        if tensor.ndim == 4:  # in a network, a convolution is followed by its normalisation
            norm = following.removesuffix(".weight")
            own = [sources[f"{norm}.{part}"] for part in NORMALISATION]
            for is_bias in (False, True):
                how = PlannedTensor("", 0, name, norm=norm, is_bias=is_bias)
                yield how, folded(tensor, own, is_bias=is_bias)
        else:
            yield PlannedTensor("", 0, name), tensor
            if tensor.ndim == 2:
                yield PlannedTensor("", 0, name, turned=True), tensor.T


def _take_out(
    model: onnx.ModelProto, tower: str, candidates: Sequence[tuple[PlannedTensor, Floats]]
) -> list[PlannedTensor]:
    """Take the tensors out of a graph; returns the plan of the file that will hold them."""
    plan, offset = [], 0
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        how = _origin(value, candidates) if value.dtype == np.float32 and value.ndim else None
        if how is None:
            if value.dtype == np.float32 and value.size > CONSTANT:
                raise ModelError(f"tower {tower!r}: nothing explains its tensor {tensor.name!r}")
            continue
        plan.append(replace(how[0], name=tensor.name, offset=offset))
        tensor.dims[0] = len(how[1])  # of the positions, only those that are read
        _point(tensor, f"{tower}.weights", offset, how[1].nbytes)
        offset += -(-how[1].nbytes // ALIGNMENT) * ALIGNMENT
    _strip(model)
    return plan


def _origin(
    value: Floats, candidates: Sequence[tuple[PlannedTensor, Floats]]
) -> tuple[PlannedTensor, Floats] | None:
    """The nearest candidate of a tensor's shape, or of its beginning; None if none is near."""
    best, least = None, TOLERANCE
    for candidate in candidates:
        other = candidate[1]
        if other.shape[1:] == value.shape[1:] and len(other) <= len(value):
            difference = float(np.abs(value[: len(other)] - other).max(initial=0))
            if difference < least:
                best, least = candidate, difference
    return best


def _point(tensor: onnx.TensorProto, location: str, offset: int, length: int) -> None:
    """Let a tensor of a graph name its place in a file, instead of its value."""
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)


def _strip(model: onnx.ModelProto) -> None:
    """Remove the notes on the line of code that each node came from."""
    model.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
