"""Where the batches of a training lie: on its device, or brought there one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skbag._training.batches import Batch
from skbag._training.plan import CUDA_WORK


def resolve_device(
    device: str, work: float, on_all: Callable[[bool], bool] = bool
) -> torch.device:
    """Device of a name, "auto" by the size of the task.

    Parameters
    ----------
    device : str
        "auto", or a device name of torch: "cpu", "cuda", "cuda:1", "mps".
    work : float
        Entries x width x epochs: the numbers that a fit moves.
    on_all : callable
        Whether what holds here holds in all processes of the fit: "auto" is CUDA only
        where all have it.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If torch does not know the name or the machine has no such device.

    Notes
    -----
    "auto" is the CPU below `CUDA_WORK`, where a fit takes a few seconds: less than a
    CUDA context and the way of the data to the device cost. Above, it is CUDA if there
    is one. It is never MPS, which has to be asked for.
    """
    if device == "auto":
        use_cuda = work > CUDA_WORK and on_all(torch.cuda.is_available())
        return torch.device("cuda" if use_cuda else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a device name. Expected 'auto', 'cpu', 'cuda', "
            "'cuda:1' or 'mps'."
        ) from error
    if wanted.type == "cuda":
        n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (wanted.index or 0) >= n_devices:
            raise ValueError(
                f"device={device!r} was asked for, but torch sees {n_devices} CUDA "
                "devices. Use device='auto' or 'cpu', or install a torch with CUDA."
            )
    elif wanted.type == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError(
                "device='mps' was asked for, but torch sees no MPS device. Use "
                "device='auto' or 'cpu'."
            )
    elif wanted.type != "cpu":
        raise ValueError(
            f"device={device!r} is not supported. Expected 'auto', 'cpu', 'cuda', "
            "'cuda:1' or 'mps'."
        )
    return wanted


SHARE_OF_DEVICE = 0.5
"""Of the free memory of a device, how much batches may fill; the table, its gradients
and what others do there need the rest."""


def free_bytes(device: torch.device) -> int | None:
    """Bytes that batches may fill on a device; None where that is not limited.

    That of the CPU is not: the batches lie there already.
    """
    if device.type != "cuda":
        return None
    return int(torch.cuda.mem_get_info(device)[0] * SHARE_OF_DEVICE)


class Placement(Sequence[Batch]):
    """Batches as the trainer visits them.

    All lie on the device if they fit. If not they stay where they were made, and each
    is copied while the step before it runs: on a CUDA device in a stream of its own,
    from page-locked memory. The results are the same bits either way.

    Parameters
    ----------
    batches : list of Batch
        On the CPU.
    device : torch.device
        Of the network.
    max_bytes_on_device : int or None
        How many bytes may lie on the device; None for as many as there are.
    """

    def __init__(
        self,
        batches: list[Batch],
        device: torch.device,
        max_bytes_on_device: int | None = None,
    ) -> None:
        self.device = device
        n_bytes = sum(batch.nbytes for batch in batches)
        self.is_resident = max_bytes_on_device is None or n_bytes <= max_bytes_on_device
        if self.is_resident:
            batches = [batch.to(device) for batch in batches]
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> Batch:  # type: ignore[override]
        """Return a batch, on the device."""
        return self._batches[number].to(self.device)

    def visit(self, order: NDArray[np.int64]) -> Iterator[Batch]:
        """Yield batches in an order, each on the device.

        Parameters
        ----------
        order : ndarray of shape (n_visits,), dtype=int64
        """
        if self.is_resident:
            for number in order:
                yield self._batches[number]
            return
        carrier = _Carrier(self.device)
        coming: Batch | None = None
        for number in order:
            here, coming = coming, carrier.start(self._batches[number])
            if here is not None:
                yield carrier.finish(here)
        if coming is not None:
            yield carrier.finish(coming)


class _Carrier:
    """Copies batches to a device, beside what is computed there if it is CUDA."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def start(self, batch: Batch) -> Batch:
        """Begin to copy a batch; not to be used before `finish`."""
        if self._stream is None:
            return batch.to(self._device)
        with torch.cuda.stream(self._stream):
            return batch.pinned().to(self._device, non_blocking=True)

    def finish(self, batch: Batch) -> Batch:
        """Let what is computed from now on see the batch."""
        if self._stream is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_stream(self._stream)
            # Or its memory might be given away while a step still reads it.
            for tensor in batch.tensors():
                tensor.record_stream(current)
        return batch
