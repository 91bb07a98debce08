"""Processes that fit together, for tests: started once, given one fit after another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

PATIENCE = 60
"""Seconds after which a fit that has not ended is taken for one that hangs."""


class Processes:
    """Communicator of one process group.

    Parameters
    ----------
    n : int
    path : path
        Of a file by which they find each other; not there yet.
    backend : str
        "gloo", or "nccl" where there is a GPU for each.
    timeout : float
        Seconds that the group waits for a rank that says nothing.
    """

    def __init__(self, n, path, backend="gloo", timeout=PATIENCE):
        # Forked from one that has imported everything: new ones would take seconds.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            ["torch.distributed", "sklearn.model_selection", "skbag._training.fit"]
        )
        self.pipes, self.processes = [], []
        for rank in range(n):
            pipe, other = context.Pipe()
            process = context.Process(
                target=_serve,
                args=(other, rank, n, str(path), backend, timeout),
                daemon=True,
            )
            process.start()
            other.close()
            self.pipes.append(pipe)
            self.processes.append(process)

    def fit(self, *jobs, patience=PATIENCE):
        """Let each rank fit; return its estimator, or type and text of its error.

        A job is a dict of `parameters`, `X`, `y`, perhaps `sample_weight`, `callback`,
        `partial_fit` (to call that in place of `fit`) and `fault`, a pair of what is to
        happen ("kill", "raise" or "stop") and in which step in common, or in which call
        of `ColumnTrainer.run_epoch` ("epoch 3"), or "before" the fit, or when it is to
        "learn" the features, or in place of a message: a pair of the function that
        sends it, as "module.function", and which of its messages. A rank that is killed
        or stopped gives None.
        """
        for pipe, job in zip(self.pipes, jobs, strict=True):
            pipe.send(job)
        return [
            None
            if job.get("fault", [""])[0] == "stop"
            else self._answer(pipe, patience)
            for pipe, job in zip(self.pipes, jobs, strict=True)
        ]

    def _answer(self, pipe, patience):
        if not pipe.poll(patience):
            raise AssertionError(f"a rank has not answered for {patience} seconds")
        try:
            return pipe.recv()
        # The latter where it ended before it had read what was sent.
        except (EOFError, ConnectionResetError):
            return None

    def close(self):
        """End the processes."""
        for process in self.processes:
            process.kill()
            process.join()


class Stopper:
    """A callback that looks at the model after each epoch, and stops in the second."""

    def __init__(self):
        self.n_models = 0

    def setup(self, estimator, context):
        """Nothing to do."""

    teardown = setup
    on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        """Stop after the second of the epochs."""
        assert len(fitted_estimator.predict(X)) == len(X)
        self.n_models += 1
        return self.n_models == 2


def _serve(pipe, rank, n, path, backend, timeout):
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    if backend == "nccl":
        torch.cuda.set_device(rank)
    dist.init_process_group(
        backend,
        store=dist.FileStore(path, n),
        rank=rank,
        world_size=n,
        timeout=timedelta(seconds=timeout),
    )
    while True:
        pipe.send(_do(pipe.recv()))


def _do(job):
    import numpy as np

    from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor

    parameters = {"random_state": 0, "distributed": True, **job["parameters"]}
    # Labels are strings.
    are_numbers = np.asarray(job["y"]).dtype.kind == "f"
    kind = EmbeddingBagRegressor if are_numbers else EmbeddingBagClassifier
    clf = kind(**parameters)
    if "callback" in job:
        clf.set_callbacks(job["callback"])
    started = time.perf_counter()
    try:
        with _fault(*job.get("fault", (None, 0))):
            if "partial_fit" in job:
                clf.partial_fit(job["X"], job["y"], classes=sorted(set(job["y"])))
            else:
                clf.fit(job["X"], job["y"], job.get("sample_weight"))
    except BaseException as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        return names, str(error), time.perf_counter() - started
    return clf


def _happen(what):
    if what == "raise":
        raise KeyboardInterrupt("pressed")
    os.kill(os.getpid(), signal.SIGKILL if what == "kill" else signal.SIGSTOP)


@contextmanager
def _fault_in_message(what, sender, which):
    """Let something happen in place of a message that a function sends."""
    from skbag._training.process_group import ProcessGroup

    methods = {
        name: getattr(ProcessGroup, name) for name in ("all_gather", "all_to_all")
    }
    n_sent = 0

    def faulty(method):
        def send(self, values):
            nonlocal n_sent
            caller = sys._getframe(1)
            # Not what `all_to_all` sends itself, and what `total` sends for another.
            while caller.f_code.co_name == "total":
                caller = caller.f_back
            code = caller.f_code
            if f"{Path(code.co_filename).stem}.{code.co_name}" == sender:
                n_sent += 1
                if n_sent == which:
                    _happen(what)
            return method(self, values)

        return send

    for name, method in methods.items():
        setattr(ProcessGroup, name, faulty(method))
    try:
        yield
        assert n_sent >= which
    finally:
        for name, method in methods.items():
            setattr(ProcessGroup, name, method)


@contextmanager
def _fault(what, when):
    """Let something happen before a fit, in it, or in the middle of a step of it."""
    from skbag._training import feature_learning
    from skbag._training.column_trainer import ColumnTrainer
    from skbag._training.process_group import ProcessGroup

    if when == "before":
        _happen(what)
    if isinstance(when, tuple):
        with _fault_in_message(what, *when):
            yield
        return
    n_done = 0

    def faulty(function, last):
        def call(*arguments):
            nonlocal n_done
            n_done += 1
            if n_done == last:
                _happen(what)
            return function(*arguments)

        return call

    with pytest.MonkeyPatch.context() as patch:
        if when == "learn":
            patch.setattr(feature_learning, "learn_features", lambda *_: _happen(what))
        elif isinstance(when, int) and what is not None:
            steps = faulty(ProcessGroup.all_reduce_gradients, when)
            patch.setattr(ProcessGroup, "all_reduce_gradients", steps)
        elif what is not None and when != "before":
            epochs = faulty(ColumnTrainer.run_epoch, int(when.removeprefix("epoch ")))
            patch.setattr(ColumnTrainer, "run_epoch", epochs)
        yield
