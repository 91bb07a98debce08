"""Counts of documents by class, and the weights of tokens that follow from them.

Others import `Weighting`, `DocumentCounts` and `PendingCounts`.
"""
