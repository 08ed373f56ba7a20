"""Stand-in weights: one open_clip model with random numbers, in the form of each contestant.

A program of its own, so that the measuring process never loads PyTorch:
`python benchmarks/contest/weights.py FOLDER`. It runs in picfuse's environment and writes

    model.safetensors         the file for picfuse, as `open_clip:ViT-B-32-256:FILE`
    rclip/                    the files that rclip otherwise downloads, under their names
    sentence-transformers/    the same tensors with the names of transformers, in a folder that
                              sentence-transformers opens
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, SimpleTokenizer, default_bpe
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

ARCHITECTURE = "ViT-B-32-256"
SEED = 0
HEAD_WIDTH = 64  # unless a configuration of open_clip names one
RCLIP_MODEL = "ViT-B-32-256-datacomp_s34b_b86k"  # the folder in which rclip looks
LAYERS = {  # of a transformer's block: open_clip's name, and that of transformers
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
OTHERS = {  # outside the blocks; the projections are transposed
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final": "text_model.final_layer_norm",
    "text_projection": "text_projection.weight",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre": "vision_model.pre_layrnorm",
    "visual.ln_post": "vision_model.post_layernorm",
    "visual.proj": "visual_projection.weight",
    "logit_scale": "logit_scale",
}
TRANSPOSED = ("text_projection", "visual.proj")


class TextTower(nn.Module):
    """The text tower as a module for export: tokens (n, 77) to rows (n, 512)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        rows: Tensor = self.model.encode_text(tokens)
        return rows


def make_weights(folder: Path, architecture: str = ARCHITECTURE) -> None:
    """Write the stand-in weights of all contestants; the folder appears only when complete."""
    torch.manual_seed(SEED)
    model = open_clip.create_model(architecture, pretrained=None).eval()
    config = _config(open_clip.get_model_config(architecture))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as room:
        made = Path(room) / "weights"
        made.mkdir()
        save_file(model.state_dict(), made / "model.safetensors")
        _save_for_rclip(model, made / "rclip")
        _save_for_sentence_transformers(model, config, made / "sentence-transformers")
        made.rename(folder)


def _save_for_rclip(model: Any, folder: Path) -> None:
    """Two ONNX files in float32, with the exporter, opset and names of rclip's own files."""
    towers, vocabulary = folder / RCLIP_MODEL, folder / "tokenizer"
    towers.mkdir(parents=True)
    vocabulary.mkdir()
    pixels = torch.zeros(1, 3, *model.visual.image_size)
    tokens = torch.zeros(1, DEFAULT_CONTEXT_LENGTH, dtype=torch.long)
    _export(model.visual, pixels, towers / "visual.onnx")
    _export(TextTower(model), tokens, towers / "textual.onnx")
    shutil.copyfile(default_bpe(), vocabulary / Path(default_bpe()).name)


def _export(tower: nn.Module, example: Tensor, path: Path) -> None:
    axes = {name: {0: "batch"} for name in ("input", "output")}
    with (
        warnings.catch_warnings()
    ):  # with gradients: without them PyTorch fuses what it cannot export
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tower.eval(),
            (example,),
            str(path),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes=axes,
            opset_version=18,
            dynamo=False,
        )


def _save_for_sentence_transformers(model: Any, config: CLIPConfig, folder: Path) -> None:
    """A folder laid out like `sentence-transformers/clip-ViT-B-32` on the hub."""
    inner = folder / "0_CLIPModel"
    inner.mkdir(parents=True)
    module = {"idx": 0, "name": "0", "path": inner.name}
    module["type"] = "sentence_transformers.models.CLIPModel"
    (folder / "modules.json").write_text(json.dumps([module]))
    clip = CLIPModel(config).eval()
    clip.load_state_dict(dict(_renamed(model.state_dict())), strict=True)
    clip.save_pretrained(inner)
    side = model.visual.image_size[0]
    sizes = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    CLIPImageProcessor(**sizes).save_pretrained(inner)
    _save_tokenizer(inner)


def _config(known: Mapping[str, Any]) -> CLIPConfig:
    """The configuration of an open_clip model, in the form of transformers."""
    vision, text, dim = known["vision_cfg"], known["text_cfg"], known["embed_dim"]
    pixels = {name: vision[name] for name in ("image_size", "patch_size")}
    heads = vision["width"] // vision.get("head_width", HEAD_WIDTH)
    words = {"vocab_size": text["vocab_size"], "max_position_embeddings": text["context_length"]}
    ends = {"bos_token_id": text["vocab_size"] - 2, "eos_token_id": text["vocab_size"] - 1}
    return CLIPConfig(
        vision_config=_tower(vision, heads, dim) | pixels,
        text_config=_tower(text, text["heads"], dim) | words | ends,
        projection_dim=dim,
    )


def _tower(known: Mapping[str, Any], heads: int, dim: int) -> dict[str, Any]:
    return {
        "hidden_size": known["width"],
        "intermediate_size": 4 * known["width"],
        "num_hidden_layers": known["layers"],
        "num_attention_heads": heads,
        "projection_dim": dim,
        "hidden_act": "gelu",
    }


def _renamed(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Tensors of open_clip under the names of transformers, with separate q, k and v."""
    for name, tensor in tensors.items():
        if "resblocks." not in name:
            yield _outer_name(name), tensor.T.contiguous() if name in TRANSPOSED else tensor
            continue
        tower = "vision_model" if name.startswith("visual.") else "text_model"
        number, _, part = name.partition("resblocks.")[2].partition(".")
        block = f"{tower}.encoder.layers.{number}"
        if part.startswith("attn.in_proj_"):
            kind = part.removeprefix("attn.in_proj_")
            for letter, third in zip("qkv", tensor.chunk(3), strict=True):
                yield f"{block}.self_attn.{letter}_proj.{kind}", third.contiguous()
        else:
            layer, _, kind = part.rpartition(".")
            yield f"{block}.{LAYERS[layer]}.{kind}", tensor


def _outer_name(name: str) -> str:
    layer, _, kind = name.rpartition(".")
    return OTHERS[name] if name in OTHERS else f"{OTHERS[layer]}.{kind}"


def _save_tokenizer(folder: Path) -> None:
    """Write open_clip's vocabulary in the files of the tokenizer of transformers."""
    tokenizer = SimpleTokenizer()
    marks = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {marks.get(token, token): n for token, n in tokenizer.encoder.items()}
    merges = ["#version: 0.2", *(" ".join(pair) for pair in tokenizer.bpe_ranks), ""]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    (folder / "merges.txt").write_text("\n".join(merges), "utf-8")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": DEFAULT_CONTEXT_LENGTH}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


if __name__ == "__main__":
    make_weights(Path(sys.argv[1]))
