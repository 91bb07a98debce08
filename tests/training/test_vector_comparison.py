"""How two models are compared: by scores like those of the finished bag."""

import numpy as np
import pytest

from skbag._training import vector_comparison as module


@pytest.mark.parametrize("parameters", [{}, {"alpha": 0.003, "max_iter": 3}])
def test_folds_are_trained_as_the_run_was(parameters, make_classifier, monkeypatch):
    """Where classes can hardly be told a penalty makes scores small, of folds, too."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghijklmnopq"), 6)) for _ in range(900)]
    labels = [text[0] if rng.random() < 0.3 else text[2] for text in texts]
    kept = {}
    cross_scores = module.cross_scores

    def noting(prepared, settings, rng, communicator):
        kept["training"] = settings.training
        kept["unseen"] = cross_scores(prepared, settings, rng, communicator)
        return kept["unseen"]

    monkeypatch.setattr(module, "cross_scores", noting)
    encoder = lambda texts: [[text.count("a"), 1.0] for text in texts]  # noqa: E731
    clf = make_classifier(text_encoder=encoder, **parameters).fit(texts, labels)
    assert kept["training"].alpha == clf.alpha_ > 0
    assert kept["training"].max_iter == clf.n_iter_
    plain = make_classifier(**parameters).fit(texts, labels)
    new = [" ".join(rng.choice(list("abcdefghijklmnopq"), 6)) for _ in range(300)]

    def spread(scores):
        return np.std(scores - scores.mean(axis=0))

    of_folds = spread(kept["unseen"].scores)
    assert 0.7 < of_folds / spread(plain.decision_function(new)) < 1.4
