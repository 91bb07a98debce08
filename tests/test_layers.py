"""Imports point down the picture in docs/architecture.md, and torch has its place."""

import ast
from functools import cache
from pathlib import Path

import pytest

import skbag

PACKAGE = Path(skbag.__file__).parent

# Each layer may import from those before it; packages of one layer never meet.
ORDER = [
    {"_core"},
    {"_text", "_targets"},
    {"_weighting"},
    {"_model"},
    {"_training", "_persistence"},
    {"_estimator"},
    {"_classifier", "_regressor"},
    {"_search_space"},
    {"_model_files", "labels", "onnx", "tuning"},
]
WITHOUT_IMPORTS = {"exceptions", "_compiled_modules", "_show_versions", "_version"}
TORCH = {"_training", "_core/sorting", "_core/threads"}


NOT_YET: set[str] = set()
"""Modules that still import upwards."""


@cache
def modules() -> list[str]:
    """All of them as `_package/module`, but packages and what stands apart."""
    paths = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    names = {path.with_suffix("").as_posix() for path in paths}
    names = {name for name in names if not name.endswith("__init__")}
    return sorted(name for name in names if name.split("/")[0] not in APART)


APART = {"displays", "datasets", "testing"}


def layer_of(module: str) -> int:
    return next(i for i, names in enumerate(ORDER) if package_of(module) in names)


def package_of(module: str) -> str:
    return module.split("/")[0]


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))


def imports_of(module: str, *, top_level_only: bool = False) -> set[str]:
    """Dotted names that a module imports anywhere, even inside functions."""
    tree = parsed(module)
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            if (PACKAGE.parent / (node.module or "").replace(".", "/")).is_dir():
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported_modules(module: str, *, top_level_only: bool = False) -> set[str]:
    """Modules of skbag that a module imports, as `_package/module`."""
    names = imports_of(module, top_level_only=top_level_only)
    own = {name.removeprefix("skbag.") for name in names if name.startswith("skbag.")}
    return {name.replace(".", "/") for name in own} & set(modules())


def with_torch(modules: set[str]) -> set[str]:
    return {module for module in modules if {module, package_of(module)} & TORCH}


@pytest.mark.parametrize("module", sorted({*modules()} - NOT_YET))
def test_imports_point_down(module):
    own = imported_modules(module)
    if module in WITHOUT_IMPORTS:
        assert own == set()
        return
    others = {name for name in own if package_of(name) != package_of(module)}
    others -= WITHOUT_IMPORTS
    assert {name for name in others if layer_of(name) >= layer_of(module)} == set()


def test_no_module_imports_itself_by_way_of_others():
    below = {module: imported_modules(module) for module in modules()}
    while below:
        free = {module for module, own in below.items() if not own & set(below)}
        assert free, f"a circle among {sorted(below)}"
        below = {module: own for module, own in below.items() if module not in free}


@pytest.mark.parametrize("module", modules())
def test_nothing_imports_the_package_itself(module):
    assert "skbag" not in imports_of(module)


@pytest.mark.parametrize("module", modules())
def test_torch_is_imported_to_train_only(module):
    imports_torch = "torch" in {name.split(".")[0] for name in imports_of(module)}
    # These for type checkers only.
    if module not in ("_targets/losses", "_targets/regression_losses"):
        assert not imports_torch or with_torch({module})
    if package_of(module) == "_core":  # inside functions
        names = imports_of(module, top_level_only=True)
        assert "torch" not in {name.split(".")[0] for name in names}


@pytest.mark.parametrize("module", [m for m in modules() if not with_torch({m})])
def test_importing_another_module_does_not_import_the_training(module):
    own = imported_modules(module, top_level_only=True)
    assert {name for name in own if package_of(name) == "_training"} <= TORCH_FREE


TORCH_FREE = {
    "_training/column_scales",
    "_training/feature_learning",
    "_training/fit_checks",
    "_training/plan",
    "_training/preparation",
    "_training/samples",
    "_training/settings",
}
"""Modules of `_training` that the estimator imports to check its parameters."""


@pytest.mark.parametrize("module", sorted(TORCH_FREE))
def test_modules_without_torch_import_none_that_has_it(module):
    assert "torch" not in {name.split(".")[0] for name in imports_of(module)}


def test_a_fit_imports_torch_only_where_it_turns_out_to_need_it():
    found, new = set(), {"_training/fit"}
    while new:
        found |= new
        new = set().union(
            *(imported_modules(module, top_level_only=True) for module in new)
        )
        new -= found
    assert "_training/column_trainer" in found
    for module in found:
        names = imports_of(module, top_level_only=True)
        assert "torch" not in {name.split(".")[0] for name in names}, module


def displays() -> list[str]:
    return files_of("displays")


def files_of(package: str) -> list[str]:
    return sorted(f"{package}/{path.stem}" for path in PACKAGE.glob(f"{package}/*.py"))


@pytest.mark.parametrize("module", displays())
def test_displays_know_the_estimator_from_outside(module):
    # Pictures of public attributes, which need no other module.
    own = {name for name in imports_of(module) if name.partition(".")[0] == "skbag"}
    assert all(name.startswith("skbag.displays") for name in own)
    top_level = imports_of(module, top_level_only=True)
    assert not {"matplotlib", "torch"} & {name.split(".")[0] for name in top_level}


@pytest.mark.parametrize("module", [*files_of("datasets"), *files_of("testing")])
def test_datasets_and_checks_know_no_estimator(module):
    # They serve those of any project, and import what only some have where it is used.
    package = module.split("/")[0]
    own = {name for name in imports_of(module) if name.partition(".")[0] == "skbag"}
    assert all(name.startswith(f"skbag.{package}") for name in own)
    top_level = imports_of(module, top_level_only=True)
    roots = {name.split(".")[0] for name in top_level}
    assert not roots & {"pytest", "torch", "pandas", "polars", "pyarrow", "rich"}


def test_nothing_below_knows_what_stands_apart():
    below = set().union(*map(imports_of, modules()))
    apart = tuple(f"skbag.{name}" for name in APART)
    assert not any(name.startswith(apart) for name in below)
