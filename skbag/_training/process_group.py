"""A communicator over ``torch.distributed``: gloo on the CPU, NCCL between GPUs.

Nothing may hang. A rank that fails sends its error to the others, and a rank that dies
is noticed by whoever waits for it. So there are two groups of connections: one for the
steps of training, which carries nothing but numbers, and one for all else, where each
message is announced by its size, or by an error in its place. A rank that fails closes
the first, which wakes the others, and sends its error on the second.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from skbag._core.communicator import SINGLE_PROCESS, Communicator, Parts
from skbag.exceptions import RankError

_T = TypeVar("_T")

_LONGEST_TEXT = 4096
"""Bytes of an error that are sent to other ranks."""

_SENT = "_other_ranks_know"
"""Attribute of errors that have been sent."""

_FAILED, _LOST = -1, -2
"""In place of a size: an error of this rank; a connection that it has lost."""


@contextmanager
def joined() -> Iterator[Communicator]:
    """Join all processes of the default process group for one fit.

    An error inside is raised here as it is, and on the other ranks as a `RankError`.

    Raises
    ------
    ValueError
        If there is no process group.
    RankError
        If another rank fails, or is lost.
    """
    if not is_there():
        raise ValueError(
            "distributed=True needs a process group, and there is none: start the "
            "script by 'torchrun --nproc-per-node N train.py' and call "
            "torch.distributed.init_process_group('gloo') in it before fit, or use "
            "distributed=False."
        )
    if dist.get_world_size() == 1:
        yield SINGLE_PROCESS
        return
    communicator = ProcessGroup()
    try:
        yield communicator
        communicator.all_gather(None)  # Nobody has failed since the last message.
    except RankError:
        raise
    except BaseException as error:
        communicator.send_error(error)
        setattr(error, _SENT, True)
        raise
    finally:
        communicator.close()


def send_error(error: Exception) -> None:
    """Let the other ranks, who begin a fit, know that this one cannot.

    Parameters
    ----------
    error : Exception
        What this rank raises.
    """
    if is_there() and not hasattr(error, _SENT):
        with suppress(type(error), RankError), joined():
            raise error


def is_there() -> bool:
    """Whether the default process group is."""
    return dist.is_available() and dist.is_initialized()


class ProcessGroup:
    """All ranks of the default process group, by connections of their own.

    Attributes
    ----------
    n_sent : int
        Bytes that this rank has sent to others.
    """

    def __init__(self) -> None:
        self.world_size = dist.get_world_size()
        self.rank = dist.get_rank()
        self.n_sent = 0
        self._stage = "it began"
        self._steps: dist.ProcessGroup | None = None
        self._messages: dist.ProcessGroup | None = None
        with self._connected():
            if dist.get_backend() == "gloo":
                # To connect again would wait for a process that has died already.
                dist.barrier()
            self._messages = dist.new_group(backend="gloo", timeout=_timeout())

    def stage(self, stage: str) -> None:
        """See `Communicator`."""
        self._stage = stage

    def all_gather(self, value: _T) -> list[_T]:
        """See `Communicator`."""
        data = _pickled(value)
        sizes = self._announce(len(data))
        longest = max(sizes)
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(data)] = data
        parts = list(torch.empty(self.world_size, longest, dtype=torch.uint8))
        with self._connected():
            dist.all_gather(parts, padded, group=self._messages)
        self.n_sent += longest * (self.world_size - 1)
        return [
            value if rank == self.rank else _unpickled(part[:size])
            for rank, (part, size) in enumerate(zip(parts, sizes, strict=True))
        ]

    def all_to_all(self, values: Sequence[_T]) -> list[_T]:
        """See `Communicator`."""
        data = [_pickled(value) for value in values]
        lengths = [len(each) for each in data]
        received = [each[self.rank] for each in self.all_gather(lengths)]
        parts = [torch.empty(length, dtype=torch.uint8) for length in received]
        with self._connected():
            # Not all_to_all_single: this needs no copy of all that is sent.
            self._send_and_receive(data, parts)
        self.n_sent += sum(lengths) - lengths[self.rank]
        return [
            values[rank] if rank == self.rank else _unpickled(part)
            for rank, part in enumerate(parts)
        ]

    def all_reduce(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Communicator`.

        Each rank adds up a block of the numbers, so that all get the same bits, and no
        rank receives all arrays.
        """
        size = -(-x.size // self.world_size)
        sent = torch.zeros(self.world_size * size, dtype=torch.float32)
        sent[: x.size] = torch.from_numpy(np.ascontiguousarray(x)).view(-1)
        received = torch.empty_like(sent)
        sums = torch.empty_like(sent)
        group = self._step_group(sent)
        with self._connected():
            dist.all_to_all_single(received, sent, group=group)
            block = _in_order(received.view(self.world_size, size))
            dist.all_gather(list(sums.view(-1, size)), block, group=group)
        self.n_sent += 2 * sent.element_size() * size * (self.world_size - 1)
        return np.asarray(sums[: x.size].numpy()).reshape(x.shape)

    def reduce_scatter(self, x: Tensor, parts: Parts) -> Tensor:
        """See `Communicator`."""
        n_own, width = parts[self.rank], x.shape[1]
        received = self._for_steps(x).new_empty(self.world_size * n_own, width)
        with self._connected():
            dist.all_to_all_single(
                received,
                self._for_steps(x),
                [n_own] * self.world_size,
                list(parts),
                group=self._step_group(x),
            )
        self.n_sent += x.element_size() * width * (len(x) - n_own)
        sums = _in_order(received.view(self.world_size, n_own, width))
        return sums.to(x.device)

    def all_reduce_gradients(
        self,
        gradient: Tensor,
        head_gradients: Sequence[Tensor],
        value: Tensor,
        parts: Parts,
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """See `Communicator`."""
        width, longest = gradient.shape[1], max(parts)
        # One message: small ones take as long as large ones.
        all_sums = [value, *head_gradients]
        sizes = [each.numel() for each in all_sums]
        message = gradient.new_zeros(sum(sizes) + longest * width)
        torch.cat(
            [each.reshape(-1).to(gradient.dtype) for each in (*all_sums, gradient)],
            out=message[: sum(sizes) + gradient.numel()],
        )
        message = self._for_steps(message)
        received = list(message.new_empty(self.world_size, len(message)))
        with self._connected():
            dist.all_gather(received, message, group=self._step_group(gradient))
        self.n_sent += message.element_size() * len(message) * (self.world_size - 1)
        start = sum(sizes)
        gradients = torch.cat(
            [
                each[start : start + n * width]
                for each, n in zip(received, parts, strict=True)
            ]
        )
        sums = _in_order([each[:start] for each in received])
        value, *head_gradients = (
            part.view(each.shape).to(each.device)
            for part, each in zip(torch.split(sums, sizes), all_sums, strict=True)
        )
        gradients = gradients.view(-1, width).to(gradient.device)
        return gradients, head_gradients, value

    def send_error(self, error: BaseException) -> None:
        """Let the other ranks raise a `RankError` with an error of this one."""
        with suppress(RankError):
            self._close_steps()
            self._announce(_FAILED, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close the connections; whoever still waits on one finds out."""
        self._close_steps()
        if self._messages is not None:
            with suppress(Exception):
                dist.destroy_process_group(self._messages)
            self._messages = None

    def _announce(self, size: int, text: str = "") -> list[int]:
        """Send the size of the next message, or that there is none; return all sizes.

        Raises
        ------
        RankError
            If this rank or another has none, and `text` is not the reason.
        """
        sizes = list(torch.empty(self.world_size, 1, dtype=torch.int64))
        with self._connected():
            dist.all_gather(sizes, torch.tensor([size]), group=self._messages)
        self.n_sent += 8 * (self.world_size - 1)
        announced = [int(each) for each in sizes]
        if min(announced) < 0:
            self._raise_received(announced, text)
        return announced

    def _raise_received(self, announced: list[int], text: str) -> None:
        data = text.encode("utf-8", "replace")[:_LONGEST_TEXT]
        padded = torch.zeros(_LONGEST_TEXT, dtype=torch.uint8)
        padded[: len(data)] = torch.tensor(list(data), dtype=torch.uint8)
        texts = list(torch.empty(self.world_size, _LONGEST_TEXT, dtype=torch.uint8))
        with self._connected():
            dist.all_gather(texts, padded, group=self._messages)
        received = [
            f"rank {rank}: {_text(each)}"
            for rank, (each, size) in enumerate(zip(texts, announced, strict=True))
            if size == _FAILED
        ]
        raise RankError(
            "; ".join(received) or self._lost("its connections were closed")
        )

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Turn the errors of a lost connection into ours, and pass them on."""
        try:
            yield
        except RankError:
            raise
        except RuntimeError as error:  # dist.DistError and what gloo raises.
            reason = str(error).strip().split("\n")[0]
            if self._steps is not None:
                # Perhaps the other has closed it to send an error, on the second.
                self._close_steps()
                self._announce(_LOST)
            raise RankError(self._lost(reason)) from error

    def _lost(self, reason: str) -> str:
        return (
            f"Rank {self.rank} has lost another process of this fit, which has ended "
            f"or cannot be reached, when {self._stage} ({reason:.300}). Start all "
            "processes again; with checkpoint set, fit goes on from the last completed "
            "epoch."
        )

    def _step_group(self, x: Tensor) -> Any:
        if self._steps is None:
            backend = "nccl" if _goes_by_nccl(x) else "gloo"
            self._steps = dist.new_group(backend=backend, timeout=_timeout())
        return self._steps

    def _for_steps(self, x: Tensor) -> Tensor:
        return x if _goes_by_nccl(x) else x.cpu()

    def _close_steps(self) -> None:
        if self._steps is not None:
            with suppress(Exception):
                dist.destroy_process_group(self._steps)
            self._steps = None

    def _send_and_receive(self, sent: list[Tensor], received: list[Tensor]) -> None:
        """Send to each rank and receive from each, in as many rounds as ranks."""
        for distance in range(1, self.world_size):
            to = (self.rank + distance) % self.world_size
            from_ = (self.rank - distance) % self.world_size
            waiting = []
            if len(sent[to]):
                waiting.append(dist.isend(sent[to], to, group=self._messages))
            if len(received[from_]):
                waiting.append(dist.irecv(received[from_], from_, group=self._messages))
            for work in waiting:
                if work is not None:
                    work.wait()


def _in_order(parts: Sequence[Tensor] | Tensor) -> Tensor:
    """Add up what ranks have sent: one after the other, the same every time."""
    sums = parts[0]
    for part in parts[1:]:
        sums = sums + part
    return sums


def _goes_by_nccl(x: Tensor) -> bool:
    return x.is_cuda and dist.is_nccl_available()


def _timeout() -> timedelta | None:
    """How long the user's process group waits; None where torch does not say."""
    try:
        group: Any = dist.group.WORLD
        timeout = group._get_backend(torch.device("cpu")).options._timeout
    except (AttributeError, RuntimeError):
        return None
    return timeout if isinstance(timeout, timedelta) else None


def _text(data: Tensor) -> str:
    return bytes(data.tolist()).rstrip(b"\0").decode("utf-8", "replace")


def _pickled(value: Any) -> Tensor:
    # Between processes of one program: nothing is read that it has not written.
    data = np.frombuffer(bytearray(pickle.dumps(value, protocol=5)), dtype=np.uint8)
    return torch.from_numpy(data)


def _unpickled(data: Tensor) -> Any:
    return pickle.loads(data.numpy().data)
