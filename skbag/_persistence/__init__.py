"""Serialisable state, the files that hold it, checkpoints, pickles and ONNX graphs.

Others import `model_state`, `model_from_state`, `write_state`, `read_state`,
`PlainStateMixin`, `Checkpoint` and `build_onnx`.
"""
