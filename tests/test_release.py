"""What a release needs: metadata that agree, and files that their readers accept."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skbag
import skbag.datasets
import skbag.displays
import skbag.exceptions
import skbag.tuning

ROOT = Path(__file__).parents[1]
PUBLIC = (skbag, skbag.tuning, skbag.displays, skbag.datasets)
NAMES = [
    getattr(module, name)
    for module in PUBLIC
    for name in module.__all__
    if name != "__version__"
] + [
    kind
    for kind in vars(skbag.exceptions).values()
    if inspect.isclass(kind) and kind.__module__ == "skbag.exceptions"
]

SCHEMAS = {
    "github-workflows": sorted(ROOT.glob(".github/workflows/*.yml")),
    "dependabot": [ROOT / ".github/dependabot.yml"],
    "github-issue-forms": [
        path
        for path in sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))
        if path.stem != "config"
    ],
    "citation-file-format": [ROOT / "CITATION.cff"],
}

in_a_checkout = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file(), reason="needs the files of a checkout"
)


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("public", NAMES, ids=lambda public: public.__name__)
def test_public_names_say_since_when(public):
    assert re.search(r"^\.\. versionadded:: \d", inspect.getdoc(public), re.MULTILINE)


@in_a_checkout
def test_each_python_has_a_classifier():
    pyproject = text_of("pyproject.toml")
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', pyproject)
    assert f'requires-python = ">={named[0]}"' in pyproject
    built = re.findall(r"\bcp3(\d+)-\*", pyproject)
    assert named == [f"3.{minor}" for minor in built]
    workflow = text_of(".github/workflows/tests.yml")
    assert re.findall(r'"(3\.\d+)"', workflow.partition("python: [")[2]) == named


@in_a_checkout
@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CITATION.cff", r"^version: (\S+)$"),
        ("conda/recipe.yaml", r'^  version: "(\S+)"$'),
    ],
)
def test_versions_agree(file, pattern):
    found = re.search(pattern, text_of(file), re.MULTILINE)[1]
    assert found == skbag.__version__


@in_a_checkout
def test_the_conda_recipe_has_the_floors_of_the_package():
    recipe, pyproject = text_of("conda/recipe.yaml"), text_of("pyproject.toml")
    dependencies = pyproject.partition("\ndependencies = [")[2].partition("]")[0]
    for name, floor in re.findall(r'"([\w-]+)>=([\d.]+)"', dependencies):
        named = {"torch": "pytorch"}.get(name, name)
        assert f"- {named} >={floor}\n" in recipe
    for name, floor in re.findall(r'"(\w+)>=([\d.]+)"', pyproject.split("\n")[1]):
        assert f"- {name.lower()} >={floor}\n" in recipe


@in_a_checkout
@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_of_the_repository_follow_their_schemas(schema):
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    assert SCHEMAS[schema]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*command, f"vendor.{schema}", *map(str, SCHEMAS[schema])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@in_a_checkout
@pytest.mark.skipif(os.name == "nt", reason="files have no such flag there")
def test_scripts_that_workflows_run_are_there():
    workflows = "".join(map(Path.read_text, SCHEMAS["github-workflows"]))
    scripts = set(re.findall(r"bash (\.ci/\w+)", workflows))
    assert scripts == {".ci/run", ".ci/tests", ".ci/docs"}
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)
