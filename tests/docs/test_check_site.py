"""The check of the built site finds what it is there to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from skbag import EmbeddingBagClassifier

SCRIPT = Path(__file__).parents[2] / "docs" / "check_site.py"
if not SCRIPT.is_file():
    pytest.skip("docs/ is not in this installation", allow_module_level=True)
spec = importlib.util.spec_from_file_location("check_site", SCRIPT)
check_site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_site)

REFERENCE = "generated/skbag.EmbeddingBagClassifier.html"


@pytest.fixture
def site(tmp_path):
    """Write pages into a folder; each gets a title."""

    def write(**pages):
        for name, body in pages.items():
            path = tmp_path / f"{name.replace('__', '/')}.html"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"<h1>{name}</h1>{body}", encoding="utf-8")
        return tmp_path

    return write


def broken(folder):
    return list(check_site.broken_links(folder, check_site.read_site(folder)))


@pytest.mark.parametrize(
    "link",
    [
        "other.html",
        "other.html#here",
        "folder/page.html",
        "#there",
        "#",
        "",
        "other.html?q=1#here",
        "https://example.org/nowhere",
        "mailto:someone@example.org",
    ],
)
def test_sound_links_pass(site, link):
    folder = site(
        index=f'<a href="{link}" id="there">x</a>',
        other='<p id="here"></p>',
        folder__page='<a href="../other.html#here">x</a>',
    )
    assert broken(folder) == []


@pytest.mark.parametrize(
    ("link", "flaw"),
    [
        ("missing.html", "index.html: missing.html has no file"),
        ("other.html#gone", "index.html: other.html#gone has no anchor"),
        ("#gone", "index.html: #gone has no anchor"),
        ("../secret.html", "index.html: ../secret.html leads out of the site"),
    ],
)
def test_broken_links_are_found(site, link, flaw):
    assert broken(site(index=f'<a href="{link}">x</a>', other="")) == [flaw]


def test_pictures_styles_and_scripts_are_links(site):
    folder = site(
        index='<img src="a.png" alt="x"><script src="b.js"></script><link href="c.css">'
    )
    assert [flaw.split()[1] for flaw in broken(folder)] == ["a.png", "b.js", "c.css"]


def test_flaws_of_pages_are_found(site):
    folder = site(
        index='<img src="a.svg"><img src="b_thumb.svg" alt="">',
        other="<h1>again</h1> made in /home/somebody/skbag",
    )
    found = check_site.flaws(check_site.read_site(folder), ["/home/somebody"])
    assert list(found) == [
        "index.html: a.svg has no description",
        "other.html has 2 titles",
        "other.html names /home/somebody",
    ]


def test_the_link_of_an_estimator_is_followed(site):
    pages = check_site.read_site(site(index=""))
    found = list(check_site.lost_estimators(pages))
    assert [flaw.split()[-1] for flaw in found] == [
        "EmbeddingBagClassifier",
        "TimedSearchCV",
    ]


def test_the_link_of_an_estimator_needs_its_anchor_and_its_parameters():
    assert EmbeddingBagClassifier()._get_doc_link().endswith(REFERENCE)
    page = check_site.Page("<dt id='skbag.EmbeddingBagClassifier'></dt>")
    found = list(check_site.lost_estimators({REFERENCE: page}))
    assert f"{REFERENCE} does not say 'lowercase bool, default=True'" in found
    page = check_site.Page("<dt id='skbag.Another'></dt>")
    assert "does not lead to" in next(check_site.lost_estimators({REFERENCE: page}))


def test_an_empty_folder_is_no_site(tmp_path):
    assert check_site.check(tmp_path) == [f"{tmp_path} holds no pages"]
