"""A fit of a linear model on the CPU does without torch, which takes a second."""

import pytest

PROGRAM = """
import sys
import numpy as np
from scipy import sparse
from skbag import EmbeddingBagClassifier

texts = ["red apple", "green pear", "blue sea", "deep water"] * 30
y = [0, 0, 1, 1] * 30
"""

WITHOUT = {
    "two classes": "EmbeddingBagClassifier().fit(texts, y)",
    "classes": "EmbeddingBagClassifier().fit(texts, [0, 1, 2, 3] * 30)",
    "labels": "EmbeddingBagClassifier().fit(texts, np.eye(4, dtype=int).repeat(30, 0))",
    "matrix": "EmbeddingBagClassifier().fit(sparse.random(120, 9, 0.4).tocsr(), y)",
    "early_stopping": "EmbeddingBagClassifier(early_stopping=True).fit(texts, y)",
    "partial_fit": "EmbeddingBagClassifier().fit(texts, y).partial_fit(texts, y)",
    "warm_start": (
        "EmbeddingBagClassifier(warm_start=True).fit(texts, y).fit(texts[:40], y[:40])"
    ),
    "sample_weight": (
        "EmbeddingBagClassifier(n_jobs=2, alpha=0.01)"
        ".fit(texts, y, sample_weight=np.arange(1, 121))"
    ),
}

WITH = [
    "EmbeddingBagClassifier(embedding_dim=4)",
    "EmbeddingBagClassifier(loss='cross_entropy')",
    "EmbeddingBagClassifier(dropout=0.1)",
]


@pytest.mark.parametrize("fitted", WITHOUT.values(), ids=list(WITHOUT))
def test_linear_models_do_without_torch(fitted, new_process):
    done = new_process(f"{PROGRAM}clf = {fitted}\nassert 'torch' not in sys.modules")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("clf", WITH)
def test_others_keep_the_settings_of_the_torch_they_import(clf, new_process):
    done = new_process(
        PROGRAM + f"clf = {clf}.fit(texts, y)\n"
        "import torch\n"
        "in_new_thread = []\n"
        "from threading import Thread\n"
        "new = Thread(target=lambda: in_new_thread.append(torch.get_num_threads()))\n"
        "new.start(); new.join()\n"
        "assert in_new_thread == [torch.get_num_threads()]\n"
        "assert torch.is_grad_enabled()\n"
    )
    assert done.returncode == 0, done.stderr


def test_inside_inference_mode_it_is_the_same_model(corpus, make_classifier):
    torch = pytest.importorskip("torch")
    expected = make_classifier(embedding_dim=4).fit(*corpus).predict_proba(corpus.texts)
    with torch.inference_mode():
        clf = make_classifier(embedding_dim=4, early_stopping=False).fit(*corpus)
        assert torch.is_inference_mode_enabled()
    assert (clf.predict_proba(corpus.texts) == expected).all()
