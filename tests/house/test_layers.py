"""The layers: imports point one way, and only the surface speaks."""

import ast
import sys
from functools import cache
from importlib import import_module

import pytest
from conftest import ROOT

LAYERS = ("indexer", "search", "ui")  # each may import those before it
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for layer in LAYERS
    for path in sorted((ROOT / layer).rglob("*.py"))
}
CORE = [name for name in FILES if not name.startswith("ui")]


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text())


@cache
def nodes_of(name: str) -> list[ast.AST]:
    return list(ast.walk(tree(name)))


def imported(name: str, nodes=None) -> set[str]:
    """Modules that a module imports, anywhere in it, by their whole names."""
    found = set()
    for node in nodes or nodes_of(name):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            assert node.module
            found |= {
                f"{node.module}.{alias.name}"
                if f"{node.module}.{alias.name}" in FILES
                else node.module
                for alias in node.names
            }
    return found


def at_start(name: str) -> set[str]:
    """Modules that are imported as soon as a module is: not in functions, not for types only."""
    waiting, found = list(tree(name).body), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        found.append(node)
        waiting += list(ast.iter_child_nodes(node))
    return imported(name, found)


def top(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_every_layer_has_modules():
    assert {name.partition(".")[0] for name in FILES} == set(LAYERS)


def test_imports_point_one_way():
    for name in FILES:
        layer = name.partition(".")[0]
        above = set(LAYERS[LAYERS.index(layer) + 1 :])
        assert not top(imported(name)) & above, name


def test_core_neither_speaks_nor_exits():
    for name in CORE:
        assert not top(imported(name)) & {"click", "streamlit", "rich"}, name
        for node in nodes_of(name):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"print", "input", "exit", "quit", "sys.exit", "os._exit"}, (
                    f"{name}:{node.lineno} calls {called}"
                )


def test_only_few_modules_import_faiss():
    homes = [name for name in FILES if "faiss" in top(imported(name))]
    assert set(homes) == {
        "indexer.vectors.faiss_view", "indexer.training.mini.assembly", "search.neighbours",
    }  # fmt: skip


HEAVY = {"torch", "timm", "transformers", "open_clip", "onnx"}
HEAVY_HOMES = (
    "indexer.training",
    "indexer.encoders.mini.export",
    "indexer.encoders.mini.image_tower",
    "indexer.encoders.mini.text_tower",
    "indexer.encoders.open_clip.encoder",
    "indexer.encoders.open_clip.checkpoints",
    "indexer.encoders.open_clip.exports",
    "indexer.encoders.open_clip.model",
    "indexer.encoders.open_clip.places",
    "indexer.encoders.open_clip.tokenizer_export",
    "indexer.encoders.mini.quantising",
)


def test_heavy_packages_are_imported_in_known_places_only():
    for name in FILES:
        if not name.startswith(HEAVY_HOMES):
            assert not top(at_start(name)) & HEAVY, name


def test_core_imports_nothing_of_its_own_inside_functions():
    for name in CORE:
        for node in nodes_of(name):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = [
                    part for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom)
                ]
                assert not top(imported(name, inside or [ast.Pass()])) & set(LAYERS), name


ROOMS = {  # from the ground up: a room imports only from rooms of rows above its own
    "indexer": (
        {
            "decoupling", "dot_products", "embedding", "errors", "files", "interpreter",
            "locations", "progress", "settings", "weights_file",
        },
        {"kinds"},
        {"metadata"},
        {"captions", "metrics", "tag_head"},
        {"pictures"},
        {"recognition"},
        {"catalogue", "encoders"},
        {"fusion"},
        {"vectors"},
        {"confidence"},
        {"library"},
        {"pipeline", "datasets"},
        {"shards"},
        {"cluster", "milvus"},
        {"doctor", "watching", "training"},
    ),
    "search": (
        {"query", "where", "neighbours", "projection"},
        {"ranking"},
        {"words"},
        {"answer"},
        {"searcher", "export"},
        {"collection"},
        {
            "albums", "audit", "browsing", "duplicates", "evaluation", "heat_map", "library_map",
            "map_regions", "remote",
        },
    ),
}  # fmt: skip
MOST_FILES = {"indexer": 12, "search": 10, "ui/cli": 3, "ui/views": 8}  # side by side in a root


def named(name: str) -> set[str]:
    """Modules that a module names in texts, as `import_module` takes them."""
    return {
        node.value
        for node in nodes_of(name)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value
    } & set(FILES)


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Of each module: all that it imports, at any time and for types only too."""
    return {name: (imported(name) | named(name)) & set(FILES) - {name} for name in FILES}


def test_no_modules_import_each_other_in_a_circle(imports):
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in imports[name]:
                visit(other, (*path, name))
            done.add(name)

    for name in imports:
        visit(name, ())


@pytest.mark.parametrize("layer", ROOMS)
def test_rooms_import_only_what_is_below_them(imports, layer):
    floors = {room: floor for floor, rooms in enumerate(ROOMS[layer]) for room in rooms}
    inside = [name for name in FILES if name.startswith(f"{layer}.")]
    assert {name.split(".")[1] for name in inside} == set(floors)
    for name in inside:
        room = name.split(".")[1]
        for other in imports[name]:
            if other.startswith(f"{layer}.") and other.split(".")[1] != room:
                assert floors[other.split(".")[1]] < floors[room], f"{name} imports {other}"


@pytest.mark.parametrize("root", MOST_FILES)
def test_few_files_lie_side_by_side_in_a_root(root):
    assert len(list((ROOT / root).glob("*.py"))) <= MOST_FILES[root]


NAMES = {
    "indexer": [
        "Failure", "IndexOptions", "IndexReport", "Library", "PicfuseError", "Progress",
        "index_folder", "indexing",
    ],
    "search": [
        "Answer", "Hit", "Query", "SearchOptions", "Searcher", "Term", "draw_map",
        "export_records", "find_duplicates", "locate", "suggest_captions", "worst_captions",
    ],
    "indexer.captions": [
        "Caption", "CaptionFile", "CaptionScan", "embedded_captions", "find_captions", "united",
    ],
    "indexer.encoders": [
        "IMAGE", "TEXT", "Encoder", "Lexicon", "LimitedEncoder", "LocatingEncoder", "Pixels",
        "RestingEncoder", "Rows", "TranslatingEncoder", "centred_query", "load_encoder",
        "unit_rows",
    ],
}  # fmt: skip


@pytest.mark.parametrize("package", NAMES)
def test_public_names_are_pinned_and_there(package):
    module = import_module(package)
    assert list(module.__all__) == NAMES[package]
    assert all(getattr(module, name) is not None for name in NAMES[package])


@pytest.mark.parametrize("package", ["indexer", "search"])
def test_public_names_are_sorted(package):
    assert NAMES[package] == sorted(NAMES[package])


@pytest.mark.parametrize("package", ["indexer", "search"])
def test_unknown_name_of_a_package_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = import_module(package).nonsense


def test_every_module_and_public_name_has_a_docstring():
    for name in CORE:
        module = tree(name)
        if FILES[name].read_text().strip():
            assert ast.get_docstring(module), f"{name} has no docstring"
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"


HEADLESS = ("What ", "How ", "Do so", "So many", "Which ", "Whose ", "Where ")


def test_docstrings_begin_with_a_noun_or_a_verb():
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for name in FILES:
        texts = [ast.get_docstring(node) for node in nodes_of(name) if isinstance(node, kinds)]
        assert not [text for text in texts if text and text.startswith(HEADLESS)], name


def test_modules_stay_short():
    assert not [name for name in FILES if len(FILES[name].read_text().splitlines()) > 300]


def test_no_module_inside_the_surface_shadows_a_layer():
    """`streamlit run ui/app.py` puts `ui/` first on the import path; a worker process keeps it."""
    taken = {*LAYERS, *sys.stdlib_module_names}
    assert not [path for path in (ROOT / "ui").iterdir() if path.stem in taken]


def test_no_folder_of_tests_shadows_a_package():
    """Their folder is on the import path: `tests/search` would shadow the package."""
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert not folders & set(LAYERS)
    assert not list((ROOT / "tests").rglob("__init__.py"))
