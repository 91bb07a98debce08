"""What is learnt of rows is what is learnt of each column by itself."""

import pytest

from skbag._text.category_encoder import CategoryEncoder
from skbag._text.columns import Column
from skbag._text.learning import learn_features
from skbag._text.text_options import TextOptions, make_encoder
from skbag._text.token_cache import shared_tokens
from tests.text.test_category_encoder import counted
from tests.text.test_vocabulary_encoder import TOKEN_PATTERN

COLUMNS = (Column("t", "text"), Column("c", "category"), Column("b", "text"))
ROWS = [("late parcel", "L", "x y"), ("", None, "y z"), ("refund", "L", "")]
OPTIONS = TextOptions(
    lowercase=True,
    strip_accents=None,
    preprocessor=None,
    tokenizer=None,
    token_pattern=TOKEN_PATTERN,
    analyzer="word",
    stop_words=None,
    ngram_range=(1, 2),
    vocabulary=None,
)


def are_short(texts):
    return "refund" in texts


@pytest.mark.parametrize("shared", [False, True])
def test_columns_are_learnt_apart(shared):
    expected = [{} for _ in ROWS]
    for j, column in enumerate(COLUMNS):
        values = [row[j] for row in ROWS]
        own = CategoryEncoder()
        if column.kind == "text":
            own = make_encoder(OPTIONS, are_short(values))
        bags = counted(own.learn(values), own.names())
        for whole, bag in zip(expected, bags, strict=True):
            whole.update({column.name_of(name): n for name, n in bag.items()})
    with shared_tokens():
        learnt = learn_features(ROWS, COLUMNS, OPTIONS, are_short)
        if shared:
            learnt = learn_features(ROWS, COLUMNS, OPTIONS, are_short)
    assert counted(learnt.counts, learnt.encoder.names()) == expected


def test_texts_are_learnt_as_ever():
    texts = [row[0] for row in ROWS]
    learnt = learn_features(texts, None, OPTIONS, are_short)
    encoder = make_encoder(OPTIONS, True)
    assert counted(learnt.counts, learnt.encoder.names()) == counted(
        encoder.learn(texts), encoder.names()
    )
    assert learnt.encoder.has_short_text_features
