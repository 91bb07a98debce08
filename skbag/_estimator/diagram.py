"""How a notebook shows the estimator: scikit-learn's diagram, and a line in it.

scikit-learn draws the parameters and links to the documentation, and since 1.9 lists
fitted attributes in a table to be unfolded. The line below the name says at a glance
what was fitted, in a pipeline's diagram too, with all versions from 1.6 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._model.model import Model
from skbag._persistence.state import model_state
from skbag._targets.targets import Targets

MOST_CLASSES = 3
"""Classes that are named."""

LONGEST_TEXT = 1000
"""Characters of a parameter that is text."""

LONGEST = 20
"""Characters of the name of a class."""

MOST_ITEMS = 30
"""Items of a parameter that are shown one by one; to format a vocabulary, or vectors
for each word, takes minutes."""

DOCUMENTATION = "https://skbag.readthedocs.io/en/latest/generated/"


class DiagramMixin:
    """The estimator as a block of scikit-learn's diagrams."""

    best_validation_score_: float | None
    n_iter_: int
    _model: Model
    _targets: Targets

    _doc_link_module = "skbag"

    @property
    def _doc_link_template(self) -> str:
        # No anchor: scikit-learn appends one of its own for each parameter.
        return DOCUMENTATION + "{estimator_module}.{estimator_name}.html"

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        parent: Any = super(DiagramMixin, self._to_show())
        return str(parent.__repr__(N_CHAR_MAX))

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        parent: Any = super(DiagramMixin, self._to_show())
        return parent._get_params_html(*args, **kwargs)

    def _to_show(self) -> DiagramMixin:
        """Return a copy whose large parameters are shown by their size."""
        shown = object.__new__(type(self))
        shown.__dict__.update(
            {name: _shortened(value) for name, value in vars(self).items()}
        )
        return shown

    def _sk_visual_block_(self) -> Any:
        # Where a version of scikit-learn has these elsewhere, it draws the diagram
        # without the line: it catches whatever is raised here.
        try:
            from sklearn.utils._repr_html.estimator import _VisualBlock
        except ImportError:  # 1.6
            from sklearn.utils._estimator_html_repr import _VisualBlock

        return _VisualBlock(
            "single",
            self,
            names=type(self).__name__,
            name_details=str(self),
            name_caption=self._caption() if hasattr(self, "_model") else None,
        )

    def _caption(self) -> str:
        """Ids, size, epochs, score and classes; scikit-learn escapes it."""
        model = self._model
        parts = [
            f"{len(model.predictor.embedding):,} ids",
            _bytes(size_of(model_state(model))),
            f"{self.n_iter_} epoch{'s' if self.n_iter_ > 1 else ''}",
        ]
        if self.best_validation_score_ is not None:
            parts.append(f"validation score {self.best_validation_score_:.3f}")
        return " · ".join([*parts, self._described_targets()])

    def _described_targets(self) -> str:
        classes = vars(self).get("classes_")
        if classes is not None:
            return _classes(classes)
        n_outputs = self._targets.n_outputs
        return f"{n_outputs:,} output{'s' if n_outputs > 1 else ''}"


class _Size:
    """Stands for a parameter that is too large to be shown."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _shortened(value: Any) -> Any:
    """Return what is shown of a parameter: itself, or its kind and size.

    >>> _shortened({f"word{i}": [0.5] for i in range(3000)})
    <dict of 3000 items>
    >>> _shortened(["a", "b"])
    ['a', 'b']
    """
    if isinstance(value, (str, bytes)) and len(value) > LONGEST_TEXT:
        return _Size(f"<{type(value).__name__} of {len(value)} characters>")
    if isinstance(value, np.ndarray):
        n = value.size
    elif isinstance(value, (str, bytes)) or not hasattr(type(value), "__len__"):
        return value
    else:
        n = len(value)
    if n > MOST_ITEMS:
        return _Size(f"<{type(value).__name__} of {n} items>")
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_shortened, value))
    return value


def size_of(state: Any) -> int:
    """Bytes of the arrays and texts of serialisable state, about those of a pickle."""
    if isinstance(state, np.ndarray):
        return state.nbytes
    if isinstance(state, (str, bytes)):
        return len(state)
    if isinstance(state, Mapping):
        return sum(map(size_of, state.values()))
    if isinstance(state, (list, tuple)):
        return sum(map(size_of, state))
    return 0


def _bytes(n: int) -> str:
    if n < 1000:
        return f"{n} bytes"
    return next(
        f"{n / scale:.3g} {unit}"
        for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9))
        if n < 999.5 * scale or unit == "GB"
    )


def _classes(classes: NDArray[Any]) -> str:
    names = [str(label) for label in classes[:MOST_CLASSES].tolist()]
    names = [n if len(n) <= LONGEST else f"{n[: LONGEST - 1]}…" for n in names]
    # Lone surrogates cannot be sent to a browser.
    sound = ", ".join(names).encode("utf-8", "replace").decode("utf-8")
    rest = ", …" if len(classes) > MOST_CLASSES else ""
    return f"{len(classes):,} classes: {sound}{rest}"
