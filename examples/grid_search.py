"""
Grid search over the parameters that matter
===========================================

The defaults are meant to need no tuning; here is how to find out. A small exhaustive
grid over what becomes a feature and how much it weighs, then a search by halving over
the model, with epochs as the resource: many candidates get few epochs, the better ones
get more. All of them are parameters of one estimator, from the text to the loss.
"""

from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    train_test_split,
)

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

# %%
# Docstrings of installed libraries; the task: which library.
texts, labels = load_docstrings(return_X_y=True)
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, train_size=4000, stratify=labels, random_state=0
)


def print_table(results, rows, names):
    """Print candidates, the best first."""
    lines = [[*names, "accuracy", "seconds per fit"]]
    for row in sorted(rows, key=lambda row: -results["mean_test_score"][row]):
        values = [str(results["params"][row][name]) for name in names]
        mean, std = results["mean_test_score"][row], results["std_test_score"][row]
        seconds = results["mean_fit_time"][row]
        lines.append([*values, f"{mean:.3f} +- {std:.3f}", f"{seconds:.2f}"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.rjust, line, widths)))
    print()


# %%
# Which features, and how they are weighted
# -----------------------------------------
# Two processes work on the folds, each with its share of the cores. (The guard is a
# habit worth having where processes are started: some kinds of them read the script
# again.)
feature_grid = {
    "ngram_range": [(1, 1), (1, 2)],
    "min_df": [1, 3],
    "supervised_weighting": [False, True],
}
if __name__ == "__main__":
    search = GridSearchCV(
        EmbeddingBagClassifier(random_state=0), feature_grid, cv=3, n_jobs=2
    )
    search.fit(train_texts, train_labels)
    results = search.cv_results_
    print(f"Features: all {len(results['params'])} candidates")
    print_table(results, range(len(results["params"])), list(feature_grid))

# %%
# Which model: halving
# --------------------
# The step size falls to zero over however many epochs there are, so that a short
# training is a complete one and shows fairly well what a longer one would. With
# ``resource="n_samples"`` the first rounds would be on fewer texts instead.
model_grid = {
    "embedding_dim": [None, 16, 64],
    "loss": ["squared_hinge", "cross_entropy"],
}
if __name__ == "__main__":
    halving = HalvingGridSearchCV(
        EmbeddingBagClassifier(random_state=0),
        model_grid,
        resource="max_iter",
        min_resources=2,
        max_resources=8,
        factor=2,
        cv=3,
        random_state=0,
        n_jobs=2,
    )
    halving.fit(train_texts, train_labels)
    results = halving.cv_results_
    for round_, epochs in enumerate(halving.n_resources_):
        rows = [i for i, k in enumerate(results["iter"]) if k == round_]
        print(f"Model: {len(rows)} candidates, max_iter={epochs}")
        print_table(results, rows, list(model_grid))

# %%
# Was it worth it?
# ----------------
# Texts that no search has seen decide.
if __name__ == "__main__":
    default = EmbeddingBagClassifier(random_state=0).fit(train_texts, train_labels)
    print(f"On {len(test_texts)} other texts:")
    for name, model in [
        ("defaults", default),
        ("best features", search),
        ("best model", halving),
    ]:
        print(f"  {name:14s} {model.score(test_texts, test_labels):.3f}")

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/grid_search.svg"
