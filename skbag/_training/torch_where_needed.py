"""Whether a fit needs torch, and how many threads it lets torch have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, TypeVar, cast

from skbag._core.communicator import SINGLE_PROCESS, Communicator
from skbag._core.threads import torch_threads
from skbag._training.fit_result import FitResult
from skbag._training.plan import goes_by_columns
from skbag._training.samples import Samples
from skbag._training.settings import Settings

_F = TypeVar("_F", bound=Callable[..., FitResult])


def with_torch_where_needed(function: _F) -> _F:
    """Import torch before a call that needs it, and no other: it takes a second.

    Before, since what keeps its settings has to know them.
    """

    @wraps(function)
    def with_torch(samples: Samples, settings: Settings, **options: Any) -> FitResult:
        communicator = options.get("communicator", SINGLE_PROCESS)
        if needs_torch(samples, settings, communicator):
            import torch  # noqa: F401
        return function(samples, settings, **options)

    return cast(_F, with_torch)


def needs_torch(
    samples: Samples, settings: Settings, communicator: Communicator
) -> bool:
    """Whether anything but a GPU, which is looked for late, may need torch."""
    loss = samples.targets.loss(settings.training.loss)
    alone = communicator.world_size == 1
    return not (alone and goes_by_columns(loss, settings.training))


def training_threads(
    samples: Samples, settings: Settings, communicator: Communicator
) -> AbstractContextManager[None]:
    """Let torch have its threads, for results that do not depend on their number.

    Bags are summed each by one of the threads. The layers above, if there are any,
    are matrix products, which BLAS splits among them: those run on one. The number is
    set once and not for each step, because torch before 2.13 takes milliseconds for it.
    """
    if not needs_torch(samples, settings, communicator):
        return nullcontext()
    has_layers = settings.training.embedding_dim is not None
    return torch_threads(1 if has_layers else settings.n_jobs)
