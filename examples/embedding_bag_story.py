"""
The story of the embedding bag
==============================

Texts have different lengths; the rows of a tensor have not. This script shows the usual
solution, padding, and a better one, bags with offsets: the same numbers for less time
and memory. Then it takes the bag apart until only a sparse matrix times a table is
left, and finds all of it again in ``EmbeddingBagClassifier``. Whatever is said to be
equal is checked.
"""

import re
from time import perf_counter

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import nn

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

torch.set_num_threads(1)  # for times that can be compared

# %%
# Texts, words, ids
# -----------------
# Real texts: docstrings of installed libraries. Each word gets a number, its id, and
# each id a row in a table of random numbers, as before a training. (All randomness is
# drawn from a generator of our own; torch's global one stays as it is. This is why the
# layers below are given their numbers.)
texts, labels = load_docstrings(return_X_y=True)
id_of = {"<padding>": 0}
documents = [
    [id_of.setdefault(word, len(id_of)) for word in re.findall(r"\w+", text.lower())]
    for text in texts[:5000]
]
n_ids, width, n_classes = len(id_of), 64, len(set(labels))
print(f"{len(documents)} texts, {n_ids} ids, a table of {n_ids} x {width} numbers\n")

generator = torch.Generator().manual_seed(0)
table = torch.randn(n_ids, width, generator=generator)
table[0] = 0  # the row of the padding

# %%
# Two ways to average the words of a text
# ---------------------------------------
# Padding makes a rectangle, as wide as its longest text. Every place of it is looked
# up, then the vectors of each text are summed and divided by its length::
#
#     the     parcel  is     late    .       .
#     refund  .       .      .       .       .
#     i       want    my     money   back    please
#
#     ids (texts, longest) -> vectors (texts, longest, width) -> means (texts, width)
#
# A bag lays the texts end to end and notes where each one starts::
#
#     the parcel is late refund i want my money back please
#     ^                  ^      ^                          ^
#     0                  4      5                          11
#
#     ids (words,), offsets (texts + 1,) -> means (texts, width)


def pad(batch):
    """Rectangle of ids, 0 where a text has ended, and the lengths of the texts."""
    lengths = torch.tensor([len(document) for document in batch])
    ids = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
    for row, document in zip(ids, batch, strict=True):
        row[: len(document)] = torch.tensor(document)
    return ids, lengths


def lay_end_to_end(batch):
    """All ids in a row; where each text starts and, at last, where all end."""
    ids = torch.tensor([i for document in batch for i in document])
    lengths = torch.tensor([0] + [len(document) for document in batch])
    return ids, lengths.cumsum(0)


embedding = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=0)
embedding_bag = nn.EmbeddingBag.from_pretrained(
    table, freeze=False, mode="mean", include_last_offset=True
)


def average_padded(ids, lengths):
    """Means by way of one vector for each place, padding and all."""
    return embedding(ids).sum(dim=1) / lengths[:, None]


# %%
# The same numbers at another price
# ---------------------------------
# Three batches of 512 texts: cut to at most ten words; whole; and cut again, but with a
# long one among them. What counts for padding is the longest text of the batch, for
# bags it is how many words there are.
#
# The numbers stored are those between the table and the means: ids and vectors there,
# ids and offsets here, where no vector of a single word ever exists. The time is that
# of the means and of the gradient of the table.
short = [document[:10] for document in documents[:512]]
whole = documents[:512]
one_long = [*short[1:], [i for document in documents[:40] for i in document]]


def milliseconds(average, ids, ends):
    """Median time, forward and backward."""
    times = []
    for _ in range(7):
        started = perf_counter()
        average(ids, ends).sum().backward()
        times.append(1000 * (perf_counter() - started))
        embedding.weight.grad = embedding_bag.weight.grad = None
    return float(np.median(times))


print(f"{'':20s}{'numbers stored':>27s}{'milliseconds':>27s}")
print(f"{'batch':12s}{'longest':>8s}" + 2 * f"{'padded':>11s}{'bag':>8s}{'ratio':>8s}")
for name, batch in [("short", short), ("whole", whole), ("one is long", one_long)]:
    ids, lengths = pad(batch)
    flat_ids, offsets = lay_end_to_end(batch)
    assert torch.allclose(
        average_padded(ids, lengths), embedding_bag(flat_ids, offsets), atol=1e-5
    )
    numbers = ids.numel() * (1 + width), flat_ids.numel() + offsets.numel()
    times = (
        milliseconds(average_padded, ids, lengths),
        milliseconds(embedding_bag, flat_ids, offsets),
    )
    print(
        f"{name:12s}{ids.shape[1]:8d}"
        f"{numbers[0]:11d}{numbers[1]:8d}{numbers[0] / numbers[1]:8.0f}"
        f"{times[0]:11.1f}{times[1]:8.1f}{times[0] / times[1]:8.1f}"
    )
print("The means agree in all three.\n")

# %%
# What a bag does, by hand
# ------------------------
# Text ``i`` owns the ids from one offset to the next.
ids, offsets = lay_end_to_end(documents[:512])
means = embedding_bag(ids, offsets).detach()
by_hand = torch.stack(
    [
        table[ids[start:stop]].mean(dim=0)
        for start, stop in zip(offsets[:-1], offsets[1:], strict=True)
    ]
)
assert torch.allclose(means, by_hand, atol=1e-5)
print("bag             ==  table[ids[start:stop]].mean(0), text by text")

# %%
# A mean is a sum with weights
# ----------------------------
# With 1/n for each of the n words of a text, the sum is the mean. So a sum with weights
# is all that is needed: with other weights the same operation does TF-IDF.
lengths = offsets.diff()
weights = (1 / lengths).repeat_interleave(lengths)
sums = nn.functional.embedding_bag(
    ids,
    table,
    offsets,
    mode="sum",
    per_sample_weights=weights,
    include_last_offset=True,
)
assert torch.allclose(means, sums, atol=1e-5)
print("mode='mean'     ==  mode='sum' with weights 1/n")

# %%
# A batch of bags is a sparse matrix
# ----------------------------------
# Ids, offsets and weights are what SciPy calls indices, indptr and data. The bag is a
# product of that matrix and the table; hence one estimator can take texts as well as
# whatever scikit-learn's vectorizers put out.
X = csr_array(
    (weights.numpy(), ids.numpy(), offsets.numpy()), shape=(len(lengths), n_ids)
)
assert np.allclose(means, X @ table.numpy(), atol=1e-5)
print("bag             ==  csr_array((weights, ids, offsets)) @ table")

# %%
# A Linear on top is a bag with another table
# -------------------------------------------
# The classifier of this story is ``Linear(EmbeddingBag(texts))``. Both are linear, so
# that the Linear can be applied to the rows of the table, once, instead of to every
# text: ``(X @ E) @ W.T == X @ (E @ W.T)``. The new table has one column per class.
W = torch.randn(n_classes, width, generator=generator) / width**0.5
b = torch.randn(n_classes, generator=generator)
scores = means @ W.T + b
folded = nn.EmbeddingBag.from_pretrained(
    table @ W.T, mode="mean", include_last_offset=True
)
assert torch.allclose(scores, folded(ids, offsets) + b, atol=1e-5)
print(
    "Linear(bag)     ==  bag with table @ W.T, plus b: "
    f"{n_classes} numbers per word instead of {width}"
)

# %%
# The same in the estimator
# -------------------------
# Without IDF, logarithms of counts and class-informed weights, and with weights that
# sum to 1, the estimator is the two layers of above, trained (here without a penalty
# on the table). Its numbers, put into torch's own layers, give its scores.
train, test = slice(0, 4000), slice(4000, 5000)
clf = EmbeddingBagClassifier(
    ngram_range=(1, 1),
    use_idf=False,
    sublinear_tf=False,
    norm="l1",
    supervised_weighting=False,
    embedding_dim=8,
    alpha=0,
    max_iter=20,
    random_state=0,
    n_jobs=1,
).fit(texts[train], labels[train])

words_of = [re.findall(r"\w+|[^\w\s]", text.lower()) for text in texts[test]]
ids, offsets = lay_end_to_end(
    [
        [clf.vocabulary_[word] for word in words if word in clf.vocabulary_]
        for words in words_of
    ]
)
trained_bag = nn.EmbeddingBag.from_pretrained(
    torch.tensor(clf.embedding_), mode="mean", include_last_offset=True
)
scores = clf.to_torch().linear(trained_bag(ids, offsets)).detach()
assert np.allclose(scores, clf.decision_function(texts[test]), atol=1e-5)
print("decision_function of the estimator  ==  Linear(EmbeddingBag(mode='mean'))\n")

# %%
# By default the estimator trains the folded table, and chooses its weights better than
# by equal shares.
default = EmbeddingBagClassifier(random_state=0, n_jobs=1)
default.fit(texts[train], labels[train])
print(f"Accuracy on {len(texts[test])} other texts")
for name, model in [("mean of 8 numbers per word", clf), ("defaults", default)]:
    accuracy = model.score(texts[test], labels[test])
    print(
        f"  {name:28s} {accuracy:.3f}  "
        f"(table of {model.embedding_.shape[0]} x {model.embedding_.shape[1]}, "
        f"{model.n_iter_} epochs)"
    )

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/embedding_bag_story.svg"
