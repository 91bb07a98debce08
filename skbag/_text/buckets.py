r"""Which bucket a feature falls into: a function of its strings, written down here.

Nothing else goes in: no seed, no process, no platform, no version of Python or numpy.
All numbers are whole and unsigned, of 64 bits (sums and products are taken modulo
``2**64``); ``>>`` shifts, ``^`` is exclusive or.

**String.** ``h(string)`` is made of its bytes in UTF-8 (lone surrogates are encoded
like other code points). They are cut into eights, the last filled up by zero bytes (so
that zero characters at the end say nothing); each is one little-endian number ``b_0,
b_1, ...``, which is 0 for the empty string::

    x = b_0 * 0x9E3779B97F4A7C15
    x = x ^ (x >> 32)
    for each further b:
        x = (x + b) * 0xD6E8FEB86659FD93
        x = x ^ (x >> 32)

Of more than 64 bytes it is the BLAKE2b hash of 8 bytes, as one little-endian number.

**Key.** With ``mix(x) = y ^ (y >> 32)``, ``y = x * 0xBF58476D1CE4E5B9``:

=============================  =====================================================
feature                        its key
=============================  =====================================================
token, term, subword           ``h(string)``
first, last token              ``h(string) + r * 0x94D049BB133111EB``, r = 1, 2
prefix, suffix                 the same, r = 3, 4
n-gram of tokens t, u, v, ...  ``k = mix(h(t)) + h(u)``, then ``mix(k) + h(v)``, ...
skip pair of t and u           ``mix(h(t)) + h(u)``
=============================  =====================================================

**Bucket.** Each kind of feature has a range of buckets to itself, so that all features
of a bucket are weighted alike, and words share theirs with words only. The kinds that
the encoder counts get shares in proportion to `SHARES`, in the order of `FeatureKind`:
with T the sum over all these kinds and C that over those before, a range begins at
``n_buckets * C // T`` and ends where the next begins. In a range of n buckets from f
on, a key is in the bucket ``f + ((z >> 32) * n >> 32)``, where ``z = mix(key) *
0x94D049BB133111EB``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from skbag._text.features import FeatureKind, Role
from skbag._text.hashing import hash_string

SHARES = {
    FeatureKind.TERM: 8,
    FeatureKind.NGRAM: 8,
    FeatureKind.EDGE: 1,
    FeatureKind.AFFIX: 1,
    FeatureKind.SKIP: 8,
    FeatureKind.SUBWORD: 8,
}
"""How many of the buckets each kind gets."""

FEWEST_BUCKETS = 64
"""So many leave at least one for each kind."""

_INT_MIX_1, _INT_MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL_BITS = (1 << 64) - 1


class Buckets:
    """The buckets of an encoder.

    Parameters
    ----------
    n_buckets : int
        From `FEWEST_BUCKETS` to 2**31 - 1.
    kinds : collection of FeatureKind
        The kinds of features that are counted.

    Examples
    --------
    >>> buckets = Buckets(1024, [FeatureKind.TERM, FeatureKind.NGRAM])
    >>> buckets.of_one(FeatureKind.TERM, key_of(["parcel"]))
    438
    >>> buckets.of_one(FeatureKind.NGRAM, key_of(["my", "parcel"]))
    545
    """

    def __init__(self, n_buckets: int, kinds: Collection[FeatureKind]) -> None:
        self.n_buckets = n_buckets
        present = sorted(set(kinds))
        ends = list(accumulate(SHARES[kind] for kind in present))
        bounds = [n_buckets * end // ends[-1] for end in (0, *ends)]
        self.ranges = {
            kind: (first, stop - first)
            for kind, first, stop in zip(present, bounds, bounds[1:], strict=False)
        }

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each bucket, of shape (n_buckets,)."""
        sizes = [size for _, size in self.ranges.values()]
        return np.repeat(np.array(list(self.ranges), dtype=np.uint8), sizes)

    def of_one(self, kind: FeatureKind, key: int) -> int:
        """Bucket of a feature of a kind, by its key."""
        first, size = self.ranges[kind]
        mixed = _mix_one(key) * _INT_MIX_2 & _ALL_BITS
        return first + ((mixed >> 32) * size >> 32)


def key_of(strings: Sequence[str], role: Role = Role.TOKEN) -> int:
    """Key of one feature by its strings, as a Python number.

    Parameters
    ----------
    strings : sequence of str
        One, or the tokens of an n-gram or skip pair.
    role : Role
        Of the one.
    """
    first, *others = [
        hash_string(string.encode("utf-8", "surrogatepass")) for string in strings
    ]
    key = first
    if role not in (Role.TOKEN, Role.SUBWORD):
        key = first + role * _INT_MIX_2 & _ALL_BITS
    for other in others:
        key = _mix_one(key) + other & _ALL_BITS
    return key


def _mix_one(key: int) -> int:
    mixed = key * _INT_MIX_1 & _ALL_BITS
    return mixed ^ mixed >> 32
