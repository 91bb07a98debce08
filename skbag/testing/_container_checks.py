"""Checks of containers: the same texts in a list, an array, a column or a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from skbag.testing._answers import (
    REFUSALS,
    answers,
    assert_same,
    fitted,
    is_deterministic,
    n_answers,
    new,
    new_texts,
    plain,
)
from skbag.testing._corpus import corpus_for

Container = Callable[[list[str]], Any]


def _every_second(texts: list[str]) -> Any:
    spread = np.full(2 * len(texts), "between", dtype=object)
    spread[::2] = texts
    return spread[::2]


def _read_only(texts: list[str]) -> Any:
    array = np.array(texts, dtype=object)
    array.flags.writeable = False
    return array


def _series(texts: list[str]) -> Any:
    import pandas as pd

    return pd.Series(texts, dtype=object)


def _labelled_series(texts: list[str]) -> Any:
    import pandas as pd

    n = len(texts)
    # Label 0 stands last, and is not alone.
    return pd.Series(texts, index=[*range(n - 1, 0, -1), 1], dtype=object)


def common_containers() -> dict[str, Container]:
    """Containers that every estimator of texts takes, as far as installed."""
    made: dict[str, Container] = {
        "a tuple": tuple,
        "an array of objects": lambda texts: np.array(texts, dtype=object),
        "an array of strings": np.array,
        "every second item of an array": _every_second,
        "an array that is read-only": _read_only,
    }
    if find_spec("pandas"):
        made["a pandas Series"] = _series
    return made


def other_containers() -> dict[str, Container]:
    """Containers that an estimator may take, or refuse, as far as installed."""
    made: dict[str, Container] = {}
    if hasattr(getattr(np, "dtypes", None), "StringDType"):
        made["an array of StringDType"] = lambda texts: np.array(
            texts, dtype=np.dtypes.StringDType()
        )
    if find_spec("pandas"):
        import pandas as pd

        made["a pandas Index"] = pd.Index
        made["a pandas Series of strings"] = lambda texts: pd.Series(
            texts, dtype="string"
        )
        made["a pandas Series of categories"] = lambda texts: pd.Series(
            texts, dtype="category"
        )
    if find_spec("polars"):
        import polars as pl

        made["a polars Series"] = pl.Series
    if find_spec("pyarrow"):
        import pyarrow as pa

        made["an Arrow array"] = pa.array
        made["an Arrow chunked array"] = lambda texts: pa.chunked_array(
            [texts[:2], texts[2:]]
        )
    return made


def check_containers(estimator: Any) -> None:
    """A tuple, arrays and a pandas Series get the answers that a list gets.

    ``train_test_split`` and folds make any of them of what the user has.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    for name, contain in common_containers().items():
        assert_same(answers(copied, contain(texts)), expected, f"The texts as {name}")


def check_containers_in_fit(estimator: Any) -> None:
    """A fit of a tuple, of arrays or of a pandas Series is that of a list.

    A converter that is right for the texts asked may still be wrong for those learnt.
    """
    if not is_deterministic(estimator):
        return
    asked = new_texts(estimator)
    expected = answers(fitted(estimator), asked)
    texts, y = corpus_for(estimator)
    for name, contain in common_containers().items():
        copied = new(estimator).fit(contain(texts), y)
        assert_same(answers(copied, asked), expected, f"Fitted on {name}")


def check_series_by_position(estimator: Any) -> None:
    """A pandas Series is read by position, whatever its index.

    After a split or a filter the index is neither sorted nor complete: ``X[0]`` is
    another row then, or none.
    """
    copied, asked = fitted(estimator), new_texts(estimator)
    expected = answers(copied, asked)
    found = answers(copied, _labelled_series(asked))
    assert_same(found, expected, "A Series whose index is not 0, 1, ...")
    if is_deterministic(estimator):
        texts, y = corpus_for(estimator)
        copied = new(estimator).fit(_labelled_series(texts), y)
        found = answers(copied, asked)
        assert_same(found, expected, "Fitted on a Series whose index is not 0, 1, ...")


def check_other_containers(estimator: Any) -> None:
    """Columns of polars, Arrow and pandas' own strings are read, or refused.

    What iterates over another kind of object than str, and reads it by ``str()``,
    learns the words of its ``repr``.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    for name, contain in other_containers().items():
        make = partial(contain, texts)
        _assert_same_or_refused(copied, make, expected, f"The texts as {name}")


def check_iterators(estimator: Any) -> None:
    """A generator is read to its end, or refused.

    What goes twice over it finds nothing the second time, and says nothing.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)

    def generator() -> Iterator[str]:
        yield from texts

    _assert_same_or_refused(copied, generator, expected, "The texts as a generator")


def check_column_of_a_frame(estimator: Any) -> None:
    """A data frame of one column is read by row, where tags promise columns of str.

    Iterating over a frame gives the names of its columns. Only for estimators whose
    ``input_tags`` say both ``string`` and ``two_d_array``: scikit-learn's own
    vectorizers promise no such thing, and do read the names.
    """
    import pandas as pd

    texts, y = corpus_for(estimator)
    asked = new_texts(estimator)
    copied = new(estimator).fit(pd.DataFrame({"text": texts}), y)
    found = answers(copied, pd.DataFrame({"text": asked}))
    for name, answer in found.items():
        assert n_answers(answer) == len(asked), (
            f"{name} of a data frame of {len(asked)} rows gives {n_answers(answer)}."
        )
    frame_alone = answers(copied, pd.DataFrame({"text": asked[4:5]}))
    expected = {name: answer[4:5] for name, answer in found.items()}
    assert_same(frame_alone, expected, "One row of a data frame")


def _assert_same_or_refused(
    estimator: Any, make: Callable[[], Any], expected: dict[str, Any], what: str
) -> None:
    for name, answer in expected.items():
        X = make()
        try:
            found = plain(getattr(estimator, name)(X))
        except (*REFUSALS, NotImplementedError, StopIteration):
            continue
        assert_same({name: found}, {name: answer}, what)


CHECKS = (
    check_containers,
    check_containers_in_fit,
    check_other_containers,
    check_iterators,
)
PANDAS_CHECKS = (check_series_by_position,)
FRAME_CHECKS = (check_column_of_a_frame,)


def checks_for(estimator: Any) -> Iterator[Callable[[Any], None]]:
    """Those of an estimator, with what is installed."""
    yield from CHECKS
    if find_spec("pandas"):
        yield from PANDAS_CHECKS
        tags = get_tags(estimator).input_tags
        if tags.string and tags.two_d_array:
            yield from FRAME_CHECKS
