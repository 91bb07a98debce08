"""The house keeps its floors: an import may only point down."""

import ast
from pathlib import Path

import pytest

import skbag

PACKAGE = Path(skbag.__file__).parent

# Each floor may import from the floors before it, and none of its own.
FLOORS = [
    {"_items"},
    {
        "_dtypes",
        "_version",
        "_threads",
        "_global_settings",
        "_callbacks",
        "_documents",
        "_memory",
        "_footprint",
        "_label_sets",
        "_top_k",
        "_token_rules",
        "exceptions",
    },
    {
        "_bags",
        "_features",
        "_interner",
        "_byte_tokenizer",
        "_clusters",
        "_label_divergence",
        "_losses",
        "_sorting",
        "_packing",
        "_byte_levels",
        "_sorted_numbers",
    },
    {
        "_compact_table",
        "_fit_checks",
        "_fingerprints",
        "_subwords",
        "_ranks",
        "_indicator",
        "_statistics",
    },
    {"_labels", "_class_weight", "_class_pruning", "_process_group"},
    {"_occurrences"},
    {
        "_encoder",
        "_fitted",
        "_targets",
        "_lexicon",
        "_counting",
        "_buckets",
        "_compact_state",
        "_adaptive_softmax",
        "_explanation_html",
    },
    {"_analysis", "_one_text", "_samples"},
    {
        "_byte_encoder",
        "_plain_encoder",
        "_hashed_encoder",
        "_pretrained",
        "_weighting",
        "_recipe",
        "_network",
        "_batches",
        "_onnx_graph",
    },
    {
        "_vocabulary",
        "_model",
        "_placement",
        "_device",
        "_lazy_bags",
        "_first_guess",
        "_column_scales",
        "_torch_module",
        "_compact_byte_encoder",
        "_compact_plain_encoder",
        "_compact_selection",
    },
    {
        "_merging",
        "_settings",
        "_training",
        "_inputs",
        "_state",
        "_compression",
        "_head_start",
        "_inspection",
        "_fitted_model",
    },
    {"_memory_guard", "_shared_tokens", "_explanation", "_validation"},
    {"_preparation", "_training_run", "_parameters", "_pickling", "_saving"},
    {"_checkpoint"},
    {"_fitting", "_file_content", "_inspecting", "_diagram"},
    {"_travelling", "_joining"},
    {"_classifier"},
    {"_persistence", "tuning"},
]
TORCH_ROOMS = {
    "_process_group",
    "_validation",
    "_sorting",
    "_adaptive_softmax",
    "_network",
    "_batches",
    "_placement",
    "_device",
    "_head_start",
    "_training",
    "_training_run",
    "_threads",
    "_torch_module",
}


def modules() -> list[str]:
    return sorted(path.stem for path in PACKAGE.glob("*[a-z].py"))


def floor_of(module: str) -> int:
    return next(i for i, names in enumerate(FLOORS) if module in names)


def imports_of(module: str, *, top_level_only: bool = False) -> set[str]:
    """Dotted names that a module imports anywhere, even inside functions."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "skbag":
            found |= {f"skbag.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def displays() -> list[str]:
    return sorted(f"displays/{path.stem}" for path in PACKAGE.glob("displays/*.py"))


@pytest.mark.parametrize("module", displays())
def test_displays_know_the_estimator_from_outside(module):
    # The top floor: pictures of public attributes, which need no room of the house.
    own = {name for name in imports_of(module) if name.partition(".")[0] == "skbag"}
    assert all(name.startswith("skbag.displays") for name in own)
    top_level = imports_of(module, top_level_only=True)
    assert not {"matplotlib", "torch"} & {name.split(".")[0] for name in top_level}


def test_nothing_below_knows_the_displays():
    below = set().union(*map(imports_of, modules()))
    assert not any(name.startswith("skbag.displays") for name in below)


def test_every_module_has_a_floor():
    assert modules() == sorted(set().union(*FLOORS))


@pytest.mark.parametrize("module", modules())
def test_imports_point_down(module):
    own = {name.split(".")[1] for name in imports_of(module) if "skbag." in name}
    assert {name for name in own if floor_of(name) >= floor_of(module)} == set()


@pytest.mark.parametrize("module", modules())
def test_nothing_imports_the_package_itself(module):
    assert "skbag" not in imports_of(module)


@pytest.mark.parametrize("module", modules())
def test_torch_stays_in_its_rooms(module):
    imports_torch = {"torch"} & {name.split(".")[0] for name in imports_of(module)}
    if module != "_losses":  # for type checkers only
        assert not imports_torch or module in TORCH_ROOMS


@pytest.mark.parametrize("module", [m for m in modules() if m not in TORCH_ROOMS])
def test_other_rooms_meet_torch_only_when_training(module):
    own = {
        name.split(".")[1]
        for name in imports_of(module, top_level_only=True)
        if "skbag." in name
    }
    if module != "_fitting":  # itself imported inside fit and partial_fit
        assert own & (TORCH_ROOMS - {"_threads"}) == set()
