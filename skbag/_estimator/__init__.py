"""What the estimators share: parameters, reading X and y, callbacks, export.

Others import `BaseEmbeddingBag`.
"""
