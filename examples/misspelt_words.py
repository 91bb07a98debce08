"""
Misspelt words: subwords help where words fail
==============================================

A model knows the words it was trained on. One wrong letter, and a word is another word,
which it has never met. With ``subword_ngram_range`` the runs of characters of each word
are features as well: most of them survive a wrong letter. Here the first words of the
docstrings of installed libraries are to be classified (which library?), clean ones and
ones with slips of the pen.
"""

import random
import re
from time import perf_counter

from sklearn.model_selection import train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

# %%
# Short texts, and how to spoil them
# ----------------------------------
# Eight words are left of each text. About every third word gets one slip: two letters
# change places, or one is lost.
texts, labels = load_docstrings(return_X_y=True)
texts = [" ".join(text.split()[:8]) for text in texts]
texts, test_texts, labels, test_labels = train_test_split(
    texts, labels, train_size=4000, stratify=labels, random_state=0
)
slips = random.Random(0)


def slip(match):
    """Swap two letters of a word in three, or lose one."""
    word = match[0]
    if len(word) < 4 or slips.random() > 1 / 3:
        return word
    i = slips.randrange(len(word) - 1)
    swapped = word[i + 1] + word[i] if slips.random() < 0.5 else word[i]
    return word[:i] + swapped + word[i + 2 :]


misspelt = [re.sub(r"\w+", slip, text) for text in test_texts]
print(f"clean:    {test_texts[1]}")
print(f"misspelt: {misspelt[1]}\n")

# %%
# With and without
# ----------------
# (3, 6) are the runs of three to six characters, the mark of the word's beginning or
# end included. Training has seen no misspelt text.
print("                    clean   misspelt   features   fit")
models = {}
for ngram_range in (None, (3, 6)):
    clf = EmbeddingBagClassifier(subword_ngram_range=ngram_range, random_state=0)
    started = perf_counter()
    clf.fit(texts, labels)
    seconds = perf_counter() - started
    clean, spoilt = clf.score(test_texts, test_labels), clf.score(misspelt, test_labels)
    print(
        f"subwords {ngram_range!s:8s} {clean:8.3f} {spoilt:10.3f} "
        f"{len(clf.vocabulary_):10d}   [{seconds:.1f} s]"
    )
    models[ngram_range] = clf

# %%
# What the model sees of a word it does not know
# ----------------------------------------------
# Subwords have names of their own in the vocabulary: ``…`` is where the word goes on,
# ``<`` and ``>`` are where it begins and ends.
vocabulary = models[3, 6].vocabulary_
word = "transfromer"
marked = f"<{word}>"
known = []
for start in range(len(marked) - 3):
    part = marked[start : start + 4]
    name = ("" if start == 0 else "…") + part + ("" if part.endswith(">") else "…")
    known += [name] * (name in vocabulary)
print(f"\n{word!r} is {'' if word in vocabulary else 'not '}in the vocabulary;")
print(f"of its runs of four characters these are: {' '.join(known)}")

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/misspelt_words.svg"
