"""Streamlit's harness for tests of pages.

Each of its apps looks through all installed packages for components, which takes a quarter of a
second: here the first one does so for all.
"""

from functools import cache

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

__all__ = ["AppTest"]

manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
