"""X: containers of texts, tokens, encoders, pruning and pretrained vectors.

Others import `read_documents`, `TextOptions`, `DefaultTokens`, `make_encoder`,
`Encoder`, `LearningEncoder`, `Pruning`, `keep_features`, `find_vectors` and
`shared_tokens`.
"""
