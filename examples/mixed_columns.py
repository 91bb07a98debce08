"""
A data frame with mixed columns
===============================

A table with a column of texts beside categories and numbers, and three ways to use all
of it: document vectors as columns among others, which is easily done wrong; stacking,
which does it right; and one sparse matrix of words and columns. The rows are the
docstrings of installed libraries. Of each only the first sentence is kept as a text; how
the whole of it is laid out goes into the other columns.

Needs pandas.
"""

import re

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
    raise SystemExit(
        "This example needs pandas: python -m pip install pandas"
    ) from None

# %%
# The table
# ---------
# One text, two categories, three numbers; to predict: the library.
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


def columns():
    """Steps for the columns that are not texts."""
    return [
        ("categories", OneHotEncoder(), CATEGORIES),
        ("numbers", StandardScaler(), NUMBERS),
    ]


def report(name, model):
    """Fit, and print the accuracy on what was learnt from and on new rows."""
    model.fit(train, y_train)
    print(
        f"{name:34s} train {model.score(train, y_train):.3f}"
        f"   test {model.score(test, y_test):.3f}"
    )
    return model


# %%
# Each part alone
# ---------------
# A single name in place of a list gives the vectorizer, or the classifier, a column of
# texts.
report(
    "text alone",
    make_pipeline(
        ColumnTransformer([("text", "passthrough", ["sentence"])]),
        EmbeddingBagClassifier(random_state=0),
    ),
)
report(
    "other columns alone",
    make_pipeline(ColumnTransformer(columns()), LogisticRegression(max_iter=1000)),
)
