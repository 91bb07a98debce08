"""X: containers of texts, tokens, encoders, pruning and pretrained vectors.

Others import `read_documents`, `TextOptions`, `make_encoder`, `Encoder`, `Pruning`,
`keep_features`, `find_vectors` and `shared_tokens`.
"""
