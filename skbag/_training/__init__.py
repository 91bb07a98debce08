"""From samples to a model. torch is imported here.

Others import `fit`, `partial_fit`, `Plan`, `Settings`, `Samples` and
`EmbeddingBagModule`, from their modules: this file imports nothing, so that nothing
imports torch by accident.
"""
