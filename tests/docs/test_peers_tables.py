"""The guide's tables name every parameter of the peers, and only what is here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import nn
from torch.utils.data import DataLoader

from skbag.tuning import TimedSearchCV

FOLDER = Path(__file__).parents[2] / "docs" / "guide"
if not FOLDER.is_dir():
    pytest.skip("docs/ is not in this installation", allow_module_level=True)

PAGES = ["from_fasttext.md", "from_tfidf.md", "from_torch.md"]
CODE = re.compile(r"`([^`]+)`")
OTHERS = {"y", "sample_weight", "str"}
"""Lower-case names in the tables that are neither parameters nor attributes."""


def rows(page: str, heading: str = "") -> list[tuple[str, str]]:
    """Rows of the tables of two columns, "there" and "here", below a heading."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    if heading:
        assert heading in text
        text = text.partition(heading)[2].partition("\n## ")[0]
    tables = re.findall(r"^\| there \| here \|\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    lines = "".join(tables).splitlines()
    return [(cells[1], cells[2]) for cells in (line.split("|") for line in lines)]


def names_there(page: str, heading: str) -> set[str]:
    names = (name for there, _ in rows(page, heading) for name in CODE.findall(there))
    return {name.partition("(")[0] for name in names}


def of_signature(function) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self"}


@pytest.mark.parametrize(
    ("page", "heading", "names"),
    [
        ("from_tfidf.md", "`TfidfVectorizer`", set(TfidfVectorizer().get_params())),
        (
            "from_tfidf.md",
            "`LogisticRegression`",
            set(LogisticRegression().get_params()),
        ),
        ("from_tfidf.md", "`LinearSVC`", set(LinearSVC().get_params())),
        ("from_torch.md", "`nn.EmbeddingBag`", of_signature(nn.EmbeddingBag.__init__)),
        (
            "from_torch.md",
            "`nn.CrossEntropyLoss`",
            of_signature(nn.CrossEntropyLoss.__init__),
        ),
        (
            "from_torch.md",
            "`torch.optim.SGD`",
            of_signature(torch.optim.SGD.__init__),
        ),
        ("from_torch.md", "`DataLoader`", of_signature(DataLoader.__init__)),
    ],
)
def test_every_parameter_of_the_peer_is_there(page, heading, names):
    assert names <= names_there(page, f"## Parameters of {heading}\n")


def test_every_parameter_of_fasttext_is_there():
    fasttext = pytest.importorskip("fasttext", reason="compares with fastText itself")
    source = inspect.getsource(fasttext.train_supervised)
    names = re.findall(r'"(\w+)"', source.partition("arg_names = [")[2].split("]")[0])
    assert len(names) > 20
    there = names_there("from_fasttext.md", "## Parameters of `train_supervised`\n")
    assert set(names) == there


def test_every_method_of_fasttext_is_there():
    fasttext = pytest.importorskip("fasttext", reason="compares with fastText itself")
    methods = {
        name for name in dir(fasttext.FastText._FastText) if not name.startswith("_")
    }
    assert methods <= names_there("from_fasttext.md", "## Methods\n")


@pytest.mark.parametrize("page", PAGES)
def test_what_is_said_to_be_here_is_here(page, corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    known = {*clf.get_params(), *dir(clf), *TimedSearchCV().get_params(), *OTHERS}
    named = [
        match[1]
        for _, here in rows(page)
        for code in CODE.findall(here)
        if (match := re.fullmatch(r"([a-z_]+)(?:[=(\[].*)?", code))
    ]
    assert len(named) >= 8
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_called_the_same_is_called_the_same(page, make_classifier):
    same = [
        name
        for there, here in rows(page)
        if here.strip().startswith("the same")
        for name in CODE.findall(there)
    ]
    assert set(same) <= set(make_classifier().get_params())
