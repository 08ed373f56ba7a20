"""The gallery's front end: its own tests, run by node, and how the server gives it out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.gallery.assets import FRONT, asset_routes, front_address

TESTS = Path(__file__).with_name("front")
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node is installed")
def test_modules_of_the_front_end_pass_their_tests():
    files = sorted(map(str, TESTS.glob("*.test.mjs")))
    run = subprocess.run([str(NODE), "--test", *files], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout
    passed = re.search(r"pass (\d+)", run.stdout)
    assert passed is not None
    assert int(passed[1]) > len(files)


def test_server_gives_out_the_modules_and_nothing_else():
    client = TestClient(Starlette(routes=asset_routes("/pf")))
    address = front_address("/pf")
    main = client.get(f"{address}/main.js")
    assert main.text == (FRONT / "main.js").read_text(encoding="utf-8")
    assert "immutable" in main.headers["Cache-Control"]
    assert main.headers["Content-Type"].startswith("text/javascript")
    for path in (f"{address}/none.js", f"{address}/style.css", "/pf/gallery/0/main.js"):
        assert client.get(path).status_code == 404
    for path in ("..%2fassets.py", "%2e%2e%2fassets.py", "package.json"):
        assert client.get(f"{address}/{path}").status_code == 404


@pytest.mark.parametrize("module", sorted(FRONT.glob("*.js")), ids=lambda path: path.stem)
def test_modules_import_only_modules_that_are_there_and_stay_short(module):
    source = module.read_text(encoding="utf-8")
    imported = re.findall(r'from "\./([^"]+)"', source)
    assert [name for name in imported if not (FRONT / name).is_file()] == []
    assert len(source.splitlines()) <= 300
    assert source.startswith("/**")
