"""Check the built site: python docs/check_site.py docs/_build/html.

Sphinx checks what it resolves itself. This looks at the pages as they came out, with
what the theme, the gallery and the templates have put there: whether each link within
the site has its file and its anchor, each page one title and each picture a
description; whether the links that estimators show lead to the places that they mean;
and that nothing tells of the machine that built it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page refers to, and what can be referred to.

    Parameters
    ----------
    html : str

    Attributes
    ----------
    links : list of str
        Of pages, pictures, styles and scripts.
    anchors : set of str
    n_titles : int
    undescribed : list of str
        Pictures without a description.
    text : str
        What it says, each run of white space a single space.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.n_titles = 0
        self.undescribed: list[str] = []
        self._parts: list[str] = []
        self.feed(html)
        self.text = " ".join("".join(self._parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element has."""
        of = {name: value or "" for name, value in attrs}
        self.links += [of[name] for name in ("href", "src") if name in of]
        self.anchors.update(of[name] for name in ("id", "name") if name in of)
        self.n_titles += tag == "h1"
        if tag == "img" and not of.get("alt") and "_thumb." not in of["src"]:
            # A thumbnail stands beside its title: sphinx-gallery leaves it without.
            self.undescribed.append(of["src"])

    def handle_data(self, data: str) -> None:
        """Note what it says."""
        self._parts.append(data)


def read_site(folder: Path) -> dict[str, Page]:
    """Return all pages by their paths in the site.

    Parameters
    ----------
    folder : Path
    """
    return {
        path.relative_to(folder).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts
    }


def broken_links(folder: Path, pages: dict[str, Page]) -> Iterator[str]:
    """Find links within the site without a file or an anchor.

    Parameters
    ----------
    folder : Path
    pages : dict of str to Page
    """
    for name, page in pages.items():
        for link in page.links:
            target, anchor = urlsplit(link), ""
            if target.scheme or target.netloc:
                continue
            anchor = unquote(target.fragment)
            path = folder / name
            if target.path:
                path = (path.parent / unquote(target.path)).resolve()
            if not path.is_relative_to(folder.resolve()) and target.path:
                yield f"{name}: {link} leads out of the site"
            elif not path.is_file():
                yield f"{name}: {link} has no file"
            elif anchor and path.suffix == ".html":
                other = path.resolve().relative_to(folder.resolve()).as_posix()
                if anchor not in pages[other].anchors:
                    yield f"{name}: {link} has no anchor"


def flaws(pages: dict[str, Page], machine: list[str]) -> Iterator[str]:
    """Find pages without one title, pictures without a description, names of folders.

    Parameters
    ----------
    pages : dict of str to Page
    machine : list of str
        Folders of the machine that has built the site.
    """
    for name, page in pages.items():
        if page.n_titles != 1:
            yield f"{name} has {page.n_titles} titles"
        for picture in page.undescribed:
            yield f"{name}: {picture} has no description"
        for folder in machine:
            if folder in page.text:
                yield f"{name} names {folder}"


def lost_estimators(pages: dict[str, Page]) -> Iterator[str]:
    """Find links to the reference, as estimators show them, that lead nowhere.

    Parameters
    ----------
    pages : dict of str to Page
    """
    from skbag import EmbeddingBagClassifier
    from skbag.tuning import TimedSearchCV

    for estimator in (EmbeddingBagClassifier(), TimedSearchCV()):
        link = estimator._get_doc_link()
        # Below the language and the version.
        name = urlsplit(link).path.split("/", 3)[-1]
        page = pages.get(name)
        if (
            page is None
            or name.removesuffix(".html").split("/")[-1] not in page.anchors
        ):
            yield f"{link} does not lead to {type(estimator).__name__}"
            continue
        # scikit-learn links to a parameter by its name, followed by its type.
        documented = re.findall(r"^    (\w+) : (.+)$", estimator.__doc__ or "", re.M)
        types = dict(documented)
        for parameter in estimator.get_params(deep=False):
            words = f"{parameter} {types[parameter]}"
            if words.replace(" ", "") not in page.text.replace(" ", ""):
                yield f"{name} does not say {words!r}"


def check(folder: Path) -> list[str]:
    """Return all that is wrong with a built site.

    Parameters
    ----------
    folder : Path
    """
    pages = read_site(folder)
    if not pages:
        return [f"{folder} holds no pages"]
    machine = [str(Path.cwd()), str(Path.home()), sys.prefix]
    machine = [name for name in machine if len(Path(name).parts) > 1]
    return [
        *broken_links(folder, pages),
        *flaws(pages, machine),
        *lost_estimators(pages),
    ]


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print("\n".join(found) or "The site is sound.")
    sys.exit(bool(found))
