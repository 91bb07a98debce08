"""What a state may hold: type, dtype, axes and range of every field of every kind.

Checked before anything is made of a state. How fields fit one another (lengths, ids
that are there) is checked by what reads them, see `state` and `encoder_state`; the
options of an analyzer by `skbag._text.analyzers.check_parameters`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skbag._persistence.checks import (
    Check,
    a,
    array,
    both,
    by_kind,
    classes,
    either,
    features,
    fields,
    integer,
    items,
    names,
    number,
    one_of,
    optional,
)
from skbag._persistence.fields import LARGEST, damaged
from skbag._targets.numbers import LARGEST_NUMBER

LARGEST_MOMENT = 1e60
"""Of sums: squares of values of up to 1e15, added up over samples of any weight."""

LARGEST_SQUARES = 1e300
"""Of deviations of numbers of up to `LARGEST_NUMBER`, added up with any weights."""

LARGEST_ID_WEIGHT = 1e15
"""Weights are logarithms, and far smaller; squares of such do not overflow float32."""

# -- encoders --------------------------------------------------------------------------

BYTES = array(np.uint8)
FLAG = a(bool)
WORD = a(str)

ASCENDING = {"n": integer(), "low": BYTES, "high": BYTES}
FINGERPRINTS = fields({"bits": integer(1, 63), **ASCENDING})
RULES: dict[str, Check] = {
    "subword_ngram_range": optional(items(integer(2, 2**31 - 1), 2)),
    "token_rule": integer(),
    "feature_rule": integer(),
}
DEFAULT_TOKENS: dict[str, Check] = {
    "lowercase": FLAG,
    "ngram_range": items(integer(1, 2**31 - 1), 2),
    "short_text_features": FLAG,
}
ANALYSIS: dict[str, Check] = {"parameters": a(dict), "short_text_features": FLAG}

ENCODERS_OF_COLUMNS: dict[str, Check] = {
    "byte": fields(
        {**DEFAULT_TOKENS, "strings": BYTES, "keys": array(np.uint64)}, RULES
    ),
    "plain": fields(
        {
            **ANALYSIS,
            "fixed": FLAG,
            "kinds": BYTES,
            "terms": features,
            "makes": BYTES,
            "seconds": features,
        },
        RULES,
    ),
    "hashed": fields(
        {
            **ANALYSIS,
            "n_buckets": integer(1, 2**31 - 1),
            "default_tokens": FLAG,
            "is_met": BYTES,
        },
        {**RULES, "short_text_buckets": FLAG},
    ),
    "compact byte": fields(
        {
            **DEFAULT_TOKENS,
            "strings": FINGERPRINTS,
            "features": items(fields(ASCENDING)),
        },
        RULES,
    ),
    "compact plain": fields({**ANALYSIS, "features": FINGERPRINTS}, RULES),
    "categories": fields(
        {"categories": items(WORD), "missing_id": optional(integer())}
    ),
    "number": fields({}),
}

SELECTION = fields({"encoder": by_kind(ENCODERS_OF_COLUMNS), "ids": a(dict)})
"""What `compress` has left of another encoder."""

COLUMNS = fields(
    {
        "columns": items(items(WORD, 2)),
        "encoders": items(
            by_kind({**ENCODERS_OF_COLUMNS, "compact selection": SELECTION})
        ),
        "id_columns": BYTES,
    }
)

ENCODER = by_kind(
    {**ENCODERS_OF_COLUMNS, "compact selection": SELECTION, "columns": COLUMNS}
)

# -- the model -------------------------------------------------------------------------

LEVELS = fields({"codes": BYTES, "levels": array(np.float32, least=0, most=LARGEST)})

QUANTIZED = fields(
    {
        "codes": array(np.uint8, np.uint16, ndim=2),
        "bits": integer(1, 16),
        "width": integer(1),
        "spans": LEVELS,
        "zeros": BYTES,
        "columns": optional(fields(ASCENDING)),
        "n_ids": integer(0, 2**31 - 1),
    }
)

SUMS = array(np.float64, least=0, most=LARGEST_MOMENT)
INDICES = array(np.int64, np.int32, least=0)
MOMENTS = fields(
    {
        "weight": SUMS,
        "mean": array(np.float64, least=-LARGEST_MOMENT, most=LARGEST_MOMENT),
        "squares": SUMS,
    }
)


def sums(ndim: int) -> Check:
    return array(np.float64, ndim=ndim, least=-LARGEST_MOMENT, most=LARGEST_MOMENT)


NUMBERS = fields(
    {
        "squared_norm": number(math.ulp(0)),
        "mean": sums(1),
        "factors": SUMS,
        "columns": MOMENTS,
        "weight": number(math.ulp(0)),
        "class_weights": SUMS,
        "products": sums(2),
        "class_sums": sums(2),
    }
)

STATISTICS = fields(
    {
        "counts": SUMS,
        "codes": INDICES,
        "offsets": INDICES,
        "class_totals": SUMS,
    },
    {
        "any_counts": optional(SUMS),
        "any_total": optional(number(math.ulp(0))),
        "recent": optional(
            fields(
                {"cells": INDICES, "counts": SUMS},
                {"any_ids": optional(INDICES), "any_counts": optional(SUMS)},
            )
        ),
    },
)

WEIGHTING = fields(
    {
        "use_idf": FLAG,
        "sublinear_tf": FLAG,
        "norm": one_of(None, "l1", "l2"),
        "supervised": FLAG,
    },
    {
        "column_shares": optional(
            array(np.float32, least=math.ulp(0), most=LARGEST_ID_WEIGHT)
        )
    },
)

ID_WEIGHTS = either(
    "codes", LEVELS, array(np.float32, least=math.ulp(0), most=LARGEST_ID_WEIGHT)
)
MATRIX = array(np.float32, ndim=2)
VECTOR = array(np.float32)

TABLE = either("table", fields({"table": QUANTIZED}), fields({"embedding": MATRIX}))

MODEL = fields(
    {
        "encoder": optional(ENCODER),
        "weighting": WEIGHTING,
        "layers": items(fields({"intercept": VECTOR}, {"coef": optional(MATRIX)})),
        "temperature": number(math.ulp(0)),
    },
    {
        "id_weights": optional(ID_WEIGHTS),
        "numbers": optional(NUMBERS),
        "statistics": optional(STATISTICS),
        "clusters": optional(
            fields(
                {
                    "order": array(np.int64, least=0),
                    "n_short": integer(),
                    "size": integer(),
                }
            )
        ),
        "score_offset": number(-LARGEST),
        "link": one_of("softmax", "softplus"),
    },
)

RATE = number(math.ulp(0), 1e100)

RESUME = fields(
    {
        "accumulators": items(array(np.float32, ndim=None, least=math.ulp(0))),
        "learning_rate": RATE,
        "n_seen": integer(),
    },
    {
        "mean_divergence": optional(number(0)),
        "skill_score": optional(number(0, 1)),
        "columns": optional(MOMENTS),
    },
)


def y_numbers(least: float = -LARGEST_NUMBER, most: float = LARGEST_NUMBER) -> Check:
    return array(np.float64, least=least, most=most)


NUMBERS_OF_Y = fields(
    {
        "is_1d": FLAG,
        "has_log_link": FLAG,
        "edges": items(y_numbers()),
        "rule": WORD,
        "center": y_numbers(),
        "scale": y_numbers(math.ulp(0)),
        "weight": number(math.ulp(0), LARGEST_NUMBER),
        "mean": y_numbers(),
        "squares": y_numbers(0, LARGEST_SQUARES),
    }
)

TARGETS = by_kind(
    {
        "classes": fields({}),
        "numbers": NUMBERS_OF_Y,
        "labels": fields(
            {"n_labels": integer(2), "sparse": FLAG},
            {"names": optional(items(WORD))},
        ),
    }
)

# -- the estimator, beside its parameters ----------------------------------------------

SCORES = items(number(-math.inf, math.inf))

ATTRIBUTES: dict[str, Check] = {
    "_model": both(TABLE, MODEL),
    "_resume": RESUME,
    "_targets": TARGETS,
    "classes_": classes,
    "n_features_in_": integer(1),
    "feature_names_in_": names,
    "loss_curve_": SCORES,
    "n_iter_": integer(1),
    "n_outputs_": integer(1),
    "validation_scores_": optional(SCORES),
    "best_validation_score_": optional(number(-math.inf, math.inf)),
    "learning_rate_": RATE,
    "alpha_": number(0, math.inf),
    "batch_size_": integer(1),
    "embedding_init_coverage_": optional(number(0, 1)),
    "embedding_init_weight_": optional(number(-LARGEST)),
    "inverse_temperature_": number(math.ulp(0)),
    "text_encoder_weight_": optional(number(-LARGEST)),
    "_sklearn_output_config": fields(
        {}, {"transform": one_of("default", "pandas", "polars")}
    ),
}


def check_state(state: dict[str, Any]) -> None:
    """Raise where what was learnt is not what a fit could have learnt.

    Parameters
    ----------
    state : dict
        Of an estimator: its attributes by name.

    Raises
    ------
    ModelFileError
    """
    for name, check in ATTRIBUTES.items():
        if name in state:
            check(state[name], name)
    learnt = ATTRIBUTES.keys() & state.keys() - {"_sklearn_output_config"}
    if learnt and "_model" not in state:
        raise damaged(f"{min(learnt)}, but no model")
