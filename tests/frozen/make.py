"""Make the frozen models of the format that is written now.

    python tests/frozen/make.py

To be run once for each new format, with the oldest supported dependencies (newer
versions of numpy read the pickles of older ones, not the other way), and committed.
Models of earlier formats stay as they are, for ever.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import skbag
from skbag import EmbeddingBagClassifier
from skbag._persistence.state import FORMAT

TEXTS = [
    "Bake the bread, then butter it!",
    "garlic soup with salt & onion",
    "the oven is hot: flour, dough, bread",
    "A ship left the harbour at high tide.",
    "captain, the anchor! the storm is near the coast",
    "waves and wind; sail to the island…",
    "compost for the rose and the fern",
    "mow the lawn, trim the hedge",
    "petals fell from the rose in the orchard",
    "ΣΊΣΥΦΟΣ planted a très jolie rose 🌹",
]
LABELS = ["kitchen"] * 3 + ["sea"] * 3 + ["garden"] * 4
NEW = ["bread and garlic", "the island coast", "a rose", "", "xylophone 🌹", "ΣΊΣΥΦΟΣ"]
MATRIX = np.arange(60.0).reshape(10, 6) % 7
MODELS = {
    "default": {},
    "two_layers": {"embedding_dim": 4},
    "hidden_layer": {"embedding_dim": 4, "hidden_layer_sizes": (3,)},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "plain_words": {"token_pattern": r"\w+", "short_text_features": True},
    "vocabulary": {"vocabulary": ["bread", "rose", "the", "coast"]},
    "cross_entropy": {"loss": "cross_entropy", "supervised_weighting": False},
    "subwords": {"subword_ngram_range": (3, 4)},
    "buckets": {"n_buckets": 512},
    "labels": {},
    "labels_sparse": {"embedding_dim": 4},
    "adaptive_softmax": {"loss": "adaptive_softmax", "embedding_dim": 2},
    "matrix": {},
    "two_classes": {},
}


def data_of(name: str):
    """What a model is fitted on, and what it is asked."""
    if name == "matrix":
        return MATRIX, LABELS, MATRIX[::2] + 1
    if name == "two_classes":
        return TEXTS, [int(label == "sea") for label in LABELS], NEW
    if name.startswith("labels"):
        y = [[label == "sea" for label in LABELS], ["the" in text for text in TEXTS]]
        y = np.array(y, dtype=np.int64).T
        return TEXTS, sp.csr_array(y) if name == "labels_sparse" else y, NEW
    if name == "adaptive_softmax":
        texts = [f"word{i % 500} {i % 7}" for i in range(1000)]
        return texts, [i % 500 for i in range(1000)], ["word7 3", "word499"]
    return TEXTS, LABELS, NEW


def listed(predicted):
    """Predictions as JSON holds them."""
    return (predicted.toarray() if sp.issparse(predicted) else predicted).tolist()


def main() -> None:
    """Write the files of all models."""
    folder = Path(__file__).parent / f"format_{FORMAT}"
    folder.mkdir(exist_ok=True)
    expected = {}
    for name, parameters in MODELS.items():
        X, y, X_new = data_of(name)
        clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(X, y)
        skbag.save(clf, folder / f"{name}.safetensors")
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(clf, protocol=4))
        more = pickle.loads(pickle.dumps(clf)).partial_fit(X, y)
        is_named = name not in ("matrix", "buckets")
        expected[name] = {
            "classes": clf.classes_.tolist(),
            "predict": listed(clf.predict(X_new)),
            "predict_proba": clf.predict_proba(X_new).tolist(),
            "transform": clf.transform(X_new).tolist(),
            "vocabulary": dict(clf.vocabulary_) if is_named else None,
            "after_partial_fit": more.predict_proba(X_new).tolist(),
        }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
