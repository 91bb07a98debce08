"""Parameters out of range or at odds with each other, and pruning gone too far."""

from __future__ import annotations

import re

import pytest
import torch

CLASSES = ["garden", "kitchen", "sea"]

OUT_OF_RANGE = [
    ("lowercase", "yes"),
    ("strip_accents", "latin"),
    ("preprocessor", "lower"),
    ("tokenizer", 3),
    ("token_pattern", 3),
    ("analyzer", "sentence"),
    ("stop_words", "french"),
    ("ngram_range", [1, 2]),
    ("min_df", -1),
    ("min_df", 1.5),
    ("max_df", -0.5),
    ("max_features", 0),
    ("vocabulary", 3),
    ("short_text_features", "yes"),
    ("subword_ngram_range", 3),
    ("n_buckets", 63),
    ("n_buckets", 2**31),
    ("n_buckets", 2.0**10),
    ("use_idf", None),
    ("sublinear_tf", "yes"),
    ("norm", "l3"),
    ("supervised_weighting", "yes"),
    ("embedding_dim", 0),
    ("embedding_dim", 2.5),
    ("embedding_init", 4),
    ("freeze_embedding", "yes"),
    ("text_encoder", 5),
    ("hidden_layer_sizes", 4),
    ("loss", "hinge"),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("alpha", -1e-9),
    ("learning_rate_init", 0),
    ("max_iter", 0),
    ("batch_size", 0),
    ("shuffle", "yes"),
    ("class_weight", "even"),
    ("early_stopping", None),
    ("validation_fraction", 0.0),
    ("validation_fraction", 1.0),
    ("n_iter_no_change", 0),
    ("tol", -1),
    ("warm_start", "yes"),
    ("random_state", "seed"),
    ("verbose", -1),
    ("device", 0),
    ("n_jobs", 1.5),
    ("distributed", "yes"),
    ("checkpoint", 3),
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_out_of_range(name, value, corpus, make_classifier):
    clf = make_classifier(**{name: value})
    message = re.escape(f"The '{name}' parameter of EmbeddingBagClassifier must be")
    with pytest.raises(ValueError, match=message):
        clf.fit(*corpus)
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(*corpus, classes=CLASSES)


def test_every_parameter_has_a_constraint(make_classifier):
    clf = make_classifier()
    assert clf._parameter_constraints.keys() == clf.get_params().keys()
    assert {name for name, _ in OUT_OF_RANGE} == clf.get_params().keys()


UNUSABLE = [
    ({"ngram_range": (2, 1)}, "ngram_range must be two numbers"),
    ({"ngram_range": (1,)}, "ngram_range must be two numbers"),
    ({"ngram_range": ("a", "b")}, "ngram_range must be two numbers"),
    ({"ngram_range": (0, 1)}, "ngram_range must be two numbers"),
    ({"token_pattern": "("}, "token_pattern='(' is not a regular expression"),
    ({"token_pattern": "(a)(b)"}, "More than 1 capturing group in token pattern"),
    ({"hidden_layer_sizes": (4,)}, "hidden_layer_sizes=(4,) needs an embedding"),
    (
        {"hidden_layer_sizes": (0,), "embedding_dim": 4},
        "hidden_layer_sizes must be positive integers, got (0,)",
    ),
    (
        {"hidden_layer_sizes": (2.5,), "embedding_dim": 4},
        "hidden_layer_sizes must be positive integers, got (2.5,)",
    ),
    ({"min_df": 500}, "max_df=1.0 corresponds to fewer documents than min_df=500"),
    ({"min_df": 9, "max_df": 2}, "max_df=2 corresponds to fewer documents than"),
    ({"vocabulary": []}, "empty vocabulary"),
    ({"vocabulary": {"a": 0, "b": 2}}, "doesn't contain index 1"),
    ({"vocabulary": ["a", "a"]}, "Duplicate term in vocabulary: 'a'"),
    (
        {"short_text_features": True, "analyzer": "char"},
        "short_text_features=True needs words",
    ),
    (
        {"short_text_features": True, "vocabulary": ["a"]},
        "short_text_features=True adds features",
    ),
    (
        {"subword_ngram_range": (3,)},
        "subword_ngram_range must be 'auto', None or two numbers",
    ),
    ({"subword_ngram_range": (6, 3)}, "with 2 <= min_n <= max_n, got (6, 3)"),
    ({"subword_ngram_range": (1, 3)}, "with 2 <= min_n <= max_n, got (1, 3)"),
    ({"subword_ngram_range": (3.0, 6)}, "with 2 <= min_n <= max_n, got (3.0, 6)"),
    (
        {"subword_ngram_range": (3, 6), "analyzer": "char_wb"},
        "subword_ngram_range=(3, 6) needs words: analyzer='word', got",
    ),
    (
        {"subword_ngram_range": (3, 6), "vocabulary": ["a"]},
        "subword_ngram_range=(3, 6) adds features to the vocabulary",
    ),
    *(
        ({"n_buckets": 1024, name: value}, f"does not go with {name}={value!r}. Use ")
        for name, value in [
            ("vocabulary", ["a"]),
            ("min_df", 2),
            ("min_df", 0.1),
            ("min_df", 1.0),
            ("max_df", 0.9),
            ("max_df", 1),
            ("max_features", 100),
        ]
    ),
    ({"class_weight": {"zoo": 2}}, "are not in class_weight"),
    ({"class_weight": {"sea": -1}}, "class_weight must be finite and not negative"),
    ({"class_weight": dict.fromkeys(CLASSES, 0)}, "class_weight are all zero"),
    ({"device": "nonsense"}, "device='nonsense' is not a device name"),
    ({"device": "meta"}, "device='meta' is not supported"),
    ({"n_jobs": 0}, "n_jobs == 0 has no meaning"),
]


@pytest.mark.parametrize(("parameters", "message"), UNUSABLE, ids=str)
def test_unusable(parameters, message, corpus, make_classifier):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_classifier(**parameters).fit(*corpus)


@pytest.mark.parametrize(("ngram_range"), [(2, 1), (0, 1), (1, 2, 3)])
def test_message_shows_what_it_got(ngram_range, corpus, make_classifier):
    with pytest.raises(ValueError, match=re.escape(f"got {ngram_range}")):
        make_classifier(ngram_range=ngram_range).fit(*corpus)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_cuda_without_one(device, corpus, make_classifier):
    with pytest.raises(ValueError, match=f"device='{device}' was asked for, but"):
        make_classifier(device=device).fit(*corpus)


@pytest.mark.parametrize("parameters", [{"min_df": 61}, {"max_df": 1}])
def test_pruning_that_leaves_nothing(parameters, make_classifier):
    texts = ["alpha beta"] * 60 + ["gamma delta"] * 60
    with pytest.raises(ValueError, match="After pruning, no tokens remain"):
        make_classifier(**parameters).fit(texts, [0, 1] * 60)


@pytest.mark.parametrize("n_buckets", [None, 1024])
@pytest.mark.parametrize("texts", [["", " ", "\n\t"], ["!", "?", "..."]])
def test_no_tokens_at_all(texts, n_buckets, make_classifier):
    clf = make_classifier(token_pattern=r"\w+", n_buckets=n_buckets)
    with pytest.raises(ValueError, match="No tokens were found: the texts are empty"):
        clf.fit(texts, [0, 1, 0])
    # A stream may begin so: others follow.
    clf.partial_fit(texts, [0, 1, 0], classes=[0, 1]).partial_fit(["late"], [0])
    assert clf.predict(["late"]) == [0]
