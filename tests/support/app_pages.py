"""Streamlit's harness for tests of pages.

Each of its apps looks through all installed packages for components, which takes a quarter of a
second: here the first one does so for all.
"""

import json
from functools import cache
from typing import Any

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

__all__ = ["AppTest", "gallery", "seen"]

manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def gallery(at: AppTest) -> dict[str, Any]:
    """What the page tells its gallery (`ui/gallery/data.py`)."""
    told = [json.loads(one.proto.json) for one in at.get("bidi_component") if one.proto.json]
    (found,) = [data for data in told if "kind" in data]
    return found


def seen(at: AppTest) -> list[str]:
    """The captions of the hits in the gallery, or their names, in their order."""
    return [item["caption"] or item["name"] for item in gallery(at).get("items", ())]
