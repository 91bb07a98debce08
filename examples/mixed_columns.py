"""
A data frame with mixed columns
===============================

A table with a column of texts beside categories and numbers, and three ways to use all
of it: document vectors as columns among others, which is easily done wrong; stacking,
which does it right; and words and columns in one sparse matrix. The rows are the
docstrings of installed libraries. Only the first sentence of each is kept as a text;
how the whole of it is laid out goes into the other columns.

Needs pandas.
"""

import re
import sys

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

try:
    import pandas as pd
except ImportError:
    sys.exit("This example needs pandas: python -m pip install pandas")

# %%
# The table
# ---------
# A text, two categories and three numbers; to be predicted: the library.
STYLES = {
    "underlined": r"-{4,}",  # sections as numpydoc wants them
    "indented": r"\b(Args|Returns|Raises|Examples?): ",  # as Google does
    "fields": r":(param|type|returns?|rtype|raises)\b",  # as Sphinx does
}


def describe(docstring):
    """Row of the table."""
    sentence = re.split(r"(?<=[.:!?]) ", docstring, maxsplit=1)[0]
    styles = [name for name, mark in STYLES.items() if re.search(mark, docstring)]
    return {
        "sentence": sentence[:120],
        "style": styles[0] if styles else "plain",
        "starts_with": "capital" if docstring[0].isupper() else "other",
        "n_characters": len(docstring),
        "n_backticks": docstring.count("`"),
        "n_prompts": docstring.count(">>>"),
    }


docstrings, labels = load_docstrings(return_X_y=True)
table = pd.DataFrame([describe(docstring) for docstring in docstrings])
train, test, y_train, y_test = train_test_split(
    table, labels, test_size=0.25, stratify=labels, random_state=0
)
print(f"{len(train)} rows to learn from, {len(test)} to test on. Three of them:")
print(train.head(3).to_string(index=False, max_colwidth=40), end="\n\n")

CATEGORIES = ["style", "starts_with"]
NUMBERS = ["n_characters", "n_backticks", "n_prompts"]


def fit_and_report(name, model):
    """Print the accuracy on the rows that were learnt from, and on new ones."""
    model.fit(train, y_train)
    print(
        f"{name:38s} train {model.score(train, y_train):.3f}"
        f"   test {model.score(test, y_test):.3f}"
    )


# %%
# Each part alone
# ---------------
# The classifier also takes texts in a table of one column.
only_text = make_pipeline(
    ColumnTransformer([("text", "passthrough", ["sentence"])]),
    EmbeddingBagClassifier(random_state=0),
)
other_columns = [
    ("categories", OneHotEncoder(), CATEGORIES),
    ("numbers", StandardScaler(), NUMBERS),
]
without_text = make_pipeline(
    ColumnTransformer(other_columns), LogisticRegression(max_iter=1000)
)
fit_and_report("sentence alone", only_text)
fit_and_report("all but the sentence", without_text)

# %%
# Document vectors as columns: mind what they have seen
# -----------------------------------------------------
# The classifier is a transformer, too, so that its document vectors can stand beside
# other columns. (A name instead of a list hands the column over as a series of texts.)
#
# But those vectors were trained on the very labels that the last step learns from. On
# the training rows they predict nearly every label, on new rows they do not. The last
# step cannot see the difference, relies on them too much, and neglects the other
# columns: little is gained over the sentence alone.
vectors_beside = make_pipeline(
    ColumnTransformer(
        [
            (
                "text",
                EmbeddingBagClassifier(embedding_dim=16, random_state=0),
                "sentence",
            ),
            *other_columns,
        ]
    ),
    LogisticRegression(max_iter=1000),
)
fit_and_report("vectors of the training rows (leaky)", vectors_beside)

# %%
# Stacking: what the text says about rows it was not trained on
# -------------------------------------------------------------
# ``StackingClassifier`` trains the last step on predictions for rows that the model
# below it has not seen (five folds, hence five more fits), so that it learns how far
# each part can be trusted.
stacked = StackingClassifier(
    [("text", only_text), ("others", without_text)],
    LogisticRegression(max_iter=1000),
    cv=5,
)
fit_and_report("stacking (cross-fitted)", stacked)

# %%
# One sparse matrix
# -----------------
# Words and columns side by side, straight into the classifier: one model, trained at
# once, nothing to leak. A matrix is taken as it is, so the scale of its columns is up
# to us. A word of a sentence weighs some 0.2 here. Columns that most rows have should
# weigh less: training steps must be small enough for what the rows share, and would be
# too small for the words.
one_matrix = make_pipeline(
    ColumnTransformer(
        [
            (
                "text",
                TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                "sentence",
            ),
            ("categories", OneHotEncoder(), CATEGORIES),
            ("numbers", MinMaxScaler(), NUMBERS),
        ],
        transformer_weights={"categories": 0.1, "numbers": 0.1},
        sparse_threshold=1.0,
    ),
    EmbeddingBagClassifier(random_state=0),
)
fit_and_report("one sparse matrix", one_matrix)

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/mixed_columns.svg"
