"""Prompts of generated pictures, without settings and negative prompts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_END = re.compile(r"\n\s*(negative prompt|steps|seed|sampler|parameters)\s*:", re.IGNORECASE)
_KEYS = ("positive_prompt", "prompt", "text", "text_g", "text_l", "string")
_NETWORK = re.compile(r"<\w+:[^<>]*>")  # "<lora:name:0.8>"
_WEIGHT = re.compile(r":\d+(?:\.\d+)?(?=\))")  # "(word:1.2)"
_SETTINGS = re.compile(r"\bSteps: \d+, (?:[\w ]+: [^,]+, )*?(?:Sampler|CFG scale|Seed): ")
_LABEL = re.compile(r"prompt:(?=\s*\{)", re.IGNORECASE)
_MAX_CHARACTERS = 1_000_000
_MOST_READ = 20_000  # characters in which settings are looked for
_MAX_STEPS = 20  # from the sampler back to the text


def prompt_of(text: str) -> str:
    """The prompt in a text as generators write it; empty if there is none.

    Those are lines of Automatic1111, and JSON of ComfyUI (a graph of nodes) and InvokeAI.
    """
    text = _LABEL.sub("", text.lstrip())
    if len(text) > _MAX_CHARACTERS:
        return ""
    if text.lstrip().startswith(("{", "[")):
        return _bare(_in_json(text))
    return _bare(_END.split(f"\n{text}", maxsplit=1)[0])


def is_prompt(text: str) -> bool:
    """Whether a text is a prompt with the settings of a generator, or as ComfyUI labels it."""
    return bool(_SETTINGS.search(text[:_MOST_READ]) or _LABEL.match(text))


def _bare(prompt: str) -> str:
    return _WEIGHT.sub("", _NETWORK.sub("", prompt)).strip()


def _in_json(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if isinstance(value, dict) and any(_is_node(node) for node in value.values()):
        return ", ".join(dict.fromkeys(_of_graph(value)))
    return next((text for part in _parts(value) for text in _texts(part)), "")


def _parts(value: Any) -> list[Any]:
    """A value, and the objects directly in it."""
    return [value, *(value.values() if isinstance(value, dict) else ())]


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and "class_type" in node


def _of_graph(graph: dict[str, Any]) -> list[str]:
    """The texts that lead to the positive side of a sampler; without a sampler, all texts."""
    nodes = [node for node in graph.values() if _is_node(node)]
    starts = [
        link
        for node in nodes
        if isinstance(inputs := node.get("inputs"), dict) and (link := inputs.get("positive"))
    ]
    found = [text for link in starts for text in _upstream(graph, link, _MAX_STEPS)]
    if found or starts:
        return found
    return [text for node in nodes for text in _texts(node.get("inputs"))]


def _upstream(graph: dict[str, Any], link: Any, steps: int) -> Iterator[str]:
    """The texts of a node and, unless it has one, of those that it takes its input from."""
    node = graph.get(str(link[0])) if isinstance(link, list) and link else None
    inputs = node.get("inputs") if isinstance(node, dict) else None
    if not isinstance(inputs, dict) or not steps:
        return
    texts = list(_texts(inputs))
    yield from texts
    for value in inputs.values() if not texts else ():
        yield from _upstream(graph, value, steps - 1)


def _texts(value: Any) -> Iterator[str]:
    """The texts of the keys that hold a prompt; InvokeAI puts lists of objects there."""
    for key in _KEYS if isinstance(value, dict) else ():
        held = value.get(key)
        if isinstance(held, str) and held.strip():
            yield held
        elif isinstance(held, list) and held and isinstance(held[0], dict):
            yield from _texts(held[0])
