"""
The story of the embedding bag
==============================

Texts have different lengths; tensors do not. This script shows the usual answer to that,
padding, and the better one, bags with offsets: the same numbers, for less time and
memory. Then it takes the bag apart, step by step, until nothing is left but a sparse
matrix times a table; and finds all of it again inside ``EmbeddingBagClassifier``.
Whatever is claimed to be equal is checked.
"""

import re
from time import perf_counter

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import nn

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

# %%
# Texts, tokens, ids
# ------------------
# Real texts: docstrings of installed libraries. A token is a word, an id its number.
texts, labels = load_docstrings(return_X_y=True)


def tokenize(text):
    """Words of a text, in lower case."""
    return re.findall(r"\w+", text.lower())


id_of = {"<padding>": 0}
documents = [
    [id_of.setdefault(token, len(id_of)) for token in tokenize(text)]
    for text in texts[:4096]
]
documents = [document for document in documents if document]
n_ids, width, n_classes = len(id_of), 64, len(set(labels))
print(f"{len(documents)} texts, {n_ids} different words\n")

# A table with one row per id. All randomness comes from this generator, torch's global
# one is left alone. (That is why the layers below are given their numbers.)
generator = torch.Generator().manual_seed(0)
table = torch.randn(n_ids, width, generator=generator)
table[0] = 0

# %%
# Two ways to average words
# -------------------------
# Padding fills a rectangle; all of it is looked up, masked and summed::
#
#     the  parcel is   late  .      .              ids: (texts, longest text)
#     refund  .    .   .     .      .                |  Embedding
#     i  want  my  money  back  please             vectors: (texts, longest, width)
#                                                    |  mask, sum, divide
#                                                  means: (texts, width)
#
# A bag lays the texts end to end, and remembers where each one starts::
#
#     the parcel is late|refund|i want my money back please      ids: (words,)
#     0                  4      5                       11       offsets: (texts + 1,)
#                                                    |  EmbeddingBag
#                                                  means: (texts, width)


def pad(batch):
    """Rectangle of ids, 0 where a text has ended, and the lengths."""
    lengths = torch.tensor([len(document) for document in batch])
    ids = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
    for row, document in zip(ids, batch, strict=True):
        row[: len(document)] = torch.tensor(document)
    return ids, lengths


def lay_end_to_end(batch):
    """All ids in a row, and where each text starts; at last, where all end."""
    ids = torch.tensor([i for document in batch for i in document])
    lengths = torch.tensor([0] + [len(document) for document in batch])
    return ids, lengths.cumsum(0)


embedding = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=0)
bag = nn.EmbeddingBag.from_pretrained(
    table, freeze=False, mode="mean", include_last_offset=True
)


def means_by_padding(ids, lengths):
    """Vectors of all places, padding too, then their mean over the words."""
    return embedding(ids).sum(1) / lengths[:, None]


def means_by_bag(ids, offsets):
    """The mean of each bag; no vector of a single word is ever stored."""
    return bag(ids, offsets)


def seconds_of(means, *inputs, repeats=7):
    """Median time to compute the means and the gradient of the table."""
    times = []
    for _ in range(repeats):
        started = perf_counter()
        means(*inputs).sum().backward()
        times.append(perf_counter() - started)
        embedding.weight.grad = bag.weight.grad = None
    return float(np.median(times))


# %%
# The same numbers, and what they cost
# ------------------------------------
# Three batches of 512: texts cut to at most ten words, whole texts (some of which are
# ten times as long as others), and short texts among which a single long one has got.
# The padded batch costs as much as if all its texts were as long as its longest one.
short = [document[:10] for document in documents[:512]]
whole = documents[:512]
one_long = [*short[:-1], [i for document in documents[:40] for i in document]]

print("                           numbers in vectors           milliseconds")
print("                     longest   padded      bag  ratio   padded     bag  ratio")
for name, batch in [("short", short), ("whole", whole), ("one is long", one_long)]:
    ids, lengths = pad(batch)
    flat_ids, offsets = lay_end_to_end(batch)
    padded, bagged = means_by_padding(ids, lengths), means_by_bag(flat_ids, offsets)
    assert torch.allclose(padded, bagged, atol=1e-5)
    # Of the padded texts all vectors are stored; of the bags only their ids and sums.
    numbers_padded = ids.numel() * width + padded.numel()
    numbers_bag = flat_ids.numel() + bagged.numel()
    seconds_padded = seconds_of(means_by_padding, ids, lengths)
    seconds_bag = seconds_of(means_by_bag, flat_ids, offsets)
    print(numbers_padded, numbers_bag, seconds_padded, seconds_bag)
