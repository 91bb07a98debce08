"""Sphinx settings of the documentation site.

    python -m sphinx -W -b html docs docs/_build/html
    python docs/check_site.py docs/_build/html

build and check it, without a network. Needs ``pip install ".[docs]"``. Before a
release, with a network, the links that lead outside are checked by

    python -m sphinx -b linkcheck docs docs/_build/linkcheck
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

import skbag

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "skbag"
author = "The skbag developers"
project_copyright = author
release = version = skbag.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "inventories",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
templates_path = ["_templates"]
exclude_patterns = ["_build"]

# Whatever is referred to must be there, in text and in code.
nitpicky = True
# As in scikit-learn's docstrings: a single backtick is a name, not a reference.
default_role = "literal"
# Quotes are Python's. (A link to a parameter seeks its words, 'auto' for one.)
smartquotes = False
highlight_language = "none"

# -- Markdown ------------------------------------------------------------------------

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
# The anchors that a repository browser gives to headings.
myst_heading_anchors = 3

# -- Reference -----------------------------------------------------------------------

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections tell shapes and dtypes, too
numpydoc_show_class_members = False
numpydoc_validation_checks = {
    "all",
    "ES01",  # a summary may be all there is to say
    "EX01",  # not every method needs an example of its own
    "SA01",  # nor a section "See Also",
    "SA04",  # whose links may speak for themselves
    "GL01",  # the summary stands on the first line
    "RT02",  # what is returned has a name, as in scikit-learn
    "RT03",  # a type with a shape may be all there is to say,
    "PR04",  # of a parameter, what another method says, as "ax, bar_kw: as in `plot`",
    "PR07",  # or a type, as "X : texts or matrix"
    "SS05",  # "bags" and "scores" are nouns
    "YD01",  # a context manager may yield nothing
    "SS06",  # a summary may need two lines
}
# What scikit-learn's base classes bring is scikit-learn's to check.
numpydoc_validation_exclude = {
    rf"\.{name}$"
    for name in (
        "fit_transform",
        "get_feature_names_out",
        "get_metadata_routing",
        "get_params",
        "score",
        "set_callbacks",
        "set_fit_request",
        "set_output",
        "set_params",
        "set_partial_fit_request",
        "set_score_request",
    )
} | {
    # Made by the package alone: they have attributes, not parameters.
    r"\.Explanation$",
    r"\.EmbeddingBagInput$",
    r"\.DuplicateTexts$",
    r"\.SuspectLabels$",
}

# Names of another project are looked up in a small inventory of our own, written from
# its list in docs/inventories; a project that is new here needs a list and a line
# below. The projects' own would have to be downloaded in each build: what is built and
# checked without a network would not be what is published, and a server that is down
# would fail the build or drop the links unseen.
intersphinx_mapping = {
    "sklearn": (
        "https://scikit-learn.org/stable/",
        "_build/inventories/sklearn.inv",
    ),
}

# Prompts and results of an example are not copied, nor what a block prints.
copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div:not(.highlight-text):not(.highlight-none) > .highlight > pre"

# -- Gallery -------------------------------------------------------------------------

# Shown, but not run in the build's process: they start processes or clusters of their
# own, or need a library that the build has not. So are scripts named plain_*.py.
NOT_RUN = (
    "train",
    "fit_on_dask",
    "fit_on_ray",
    "stream_parquet",
    "search_on_dask",
    "score_with_dask",
)

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": rf"[/\\](?!plain_|(?:{'|'.join(NOT_RUN)})\.py)[^/\\]*\.py$",
    "within_subsection_order": "gallery_order.GalleryOrder",
    "default_thumb_file": str(HERE / "drawings" / "thumbnails" / "default.svg"),
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("skbag",),
    "reference_url": {"skbag": None},
    # Not what an object is called by default: it may hold an address in memory.
    "capture_repr": ("_repr_html_",),
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "show_signature": False,
}

# -- HTML ----------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "skbag"
html_static_path = ["_static"]
html_css_files = ["skbag.css"]
html_favicon = "drawings/thumbnails/default.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skbag"},
    "header_links_before_dropdown": 5,
    "show_toc_level": 2,  # methods, on the page of a class
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
# Pages without pages below them.
html_sidebars = {
    page: []
    for page in (
        "index",
        "api",
        "how_it_works",
        "reliability",
        "scale",
        "architecture",
        "changelog",
        "genindex",
        "search",
    )
}

# -- Links that work in a repository browser and here ----------------------------------

_EXAMPLE = re.compile(r"\]\((?:\.\./)+examples/((?:\w+/)*\w+)\.py\)")


def lead_to_the_gallery(app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to the scripts of examples/ lead to their pages."""
    up = "../" * page.count("/")
    source[0] = _EXAMPLE.sub(rf"]({up}gallery/\1.rst)", source[0])


def hide_makers(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, *signature: str | None
) -> tuple[str | None, str | None] | None:
    """Show classes whose objects only the package makes without what makes them."""
    is_private = what == "class" and name.startswith(("skbag._", "skbag.labels."))
    return ("", None) if is_private else None


def hide_private_modules(app: Sphinx, page: nodes.document) -> None:
    """Show them without the module they happen to be in."""
    for prefix in list(page.findall(addnodes.desc_addname)):
        if prefix.astext().startswith("skbag._"):
            prefix.parent.remove(prefix)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add all of these."""
    app.connect("autodoc-process-signature", hide_makers)
    app.connect("source-read", lead_to_the_gallery)
    app.connect("doctree-read", hide_private_modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
