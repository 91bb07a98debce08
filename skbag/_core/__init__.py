"""What every package below stands on: arrays, threads, memory, other processes.

Others import `Bags`, the dtypes, `check_sparse`, `Communicator`, `n_threads` and
`available_bytes`. torch is imported inside functions of `sorting` and `threads` alone.
"""
