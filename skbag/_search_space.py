"""What a search within a time budget draws from, and how it notes what it has drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.utils import check_random_state

from skbag._classifier import EmbeddingBagClassifier


def search_space(engine: str = "sklearn") -> dict[str, Any]:
    """Parameters worth trying, and what to draw them from.

    Text parameters have few values, so that candidates can share tokens
    (see `shared_tokens`); the values "auto" are among the others everywhere.

    .. versionadded:: 0.1

    Parameters
    ----------
    engine : {'sklearn', 'optuna'}, default='sklearn'
        Whose distributions: for ``RandomizedSearchCV`` and ``HalvingRandomSearchCV``,
        or for ``optuna_integration.OptunaSearchCV`` (``pip install
        "skbag[tuning]"``).

    Returns
    -------
    space : dict
        A new one each time, to be changed at will.

    Raises
    ------
    ValueError
        If there is no such engine.
    ImportError
        If optuna is not installed.
    """
    choices: dict[str, list[Any]] = {
        "short_text_features": ["auto", False, True],
        "min_df": ["auto", 1, 2],
        "subword_ngram_range": ["auto", "auto", "auto", (3, 5)],
        "use_idf": [True, True, False],
        "supervised_weighting": ["auto", "auto", False],
        "loss": ["squared_hinge", "squared_hinge", "cross_entropy"],
        "max_iter": ["auto", "auto", 4, 8, 16],
        "dropout": [0.0, 0.0, 0.1, 0.3],
    }
    ranges = {"alpha": (1e-7, 1e-3), "learning_rate_init": (0.05, 1.0)}
    if engine == "sklearn":
        space: dict[str, Any] = dict(choices)
        for name, (low, high) in ranges.items():
            space[name] = _AutoOr(loguniform(low, high))
        return space
    if engine != "optuna":
        raise ValueError(f"engine must be 'sklearn' or 'optuna', got {engine!r}.")
    try:
        from optuna.distributions import CategoricalDistribution, FloatDistribution
    except ImportError as error:
        raise ImportError(
            "search_space(engine='optuna') needs optuna, which is not installed: "
            'pip install "skbag[tuning]"'
        ) from error
    return {
        **{
            name: CategoricalDistribution(list(dict.fromkeys(values)))
            for name, values in choices.items()
            # Its values can only be numbers, strings and the like.
            if name != "subword_ngram_range"
        },
        **{name: FloatDistribution(*ends, log=True) for name, ends in ranges.items()},
    }


class _AutoOr:
    """Draws "auto" every other time, else from a distribution."""

    def __init__(self, distribution: Any) -> None:
        self.distribution = distribution

    def rvs(self, random_state: Any = None) -> Any:
        """Draw once."""
        random_state = check_random_state(random_state)
        if random_state.randint(2):
            return "auto"
        return float(self.distribution.rvs(random_state=random_state))


def seeded(estimator: Any, seed: int) -> Any:
    """Give a seed to all parts that have none.

    Candidates are compared on the same shuffles then, and can share tokens.
    """
    unseeded = {
        name: seed
        for name, value in estimator.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return estimator.set_params(**unseeded)


def space_of(estimator: Any) -> dict[str, Any]:
    """`search_space` of each `EmbeddingBagClassifier` in an estimator.

    Raises
    ------
    ValueError
        If there is none.
    """
    if isinstance(estimator, EmbeddingBagClassifier):
        return search_space()
    names = [
        name
        for name, value in estimator.get_params().items()
        if isinstance(value, EmbeddingBagClassifier)
    ]
    if not names:
        raise ValueError(
            f"There is no EmbeddingBagClassifier in this {type(estimator).__name__}. "
            "Say what to try by param_distributions."
        )
    return {
        f"{name}__{key}": values
        for name in names
        for key, values in search_space().items()
    }


def by_parameter(params: list[dict[str, Any]]) -> dict[str, Any]:
    """Masked arrays ``param_...`` of the values of each parameter."""
    columns = {}
    for name in dict.fromkeys(name for each in params for name in each):
        column = np.ma.MaskedArray(np.empty(len(params), dtype=object), mask=True)
        for i, each in enumerate(params):
            if name in each:
                column[i] = each[name]
        columns[f"param_{name}"] = column
    return columns
