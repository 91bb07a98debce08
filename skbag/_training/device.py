"""Which device trains."""

from __future__ import annotations

import torch

from skbag._core.communicator import ALONE, Ranks

CUDA_WORK = 2e10
"""Numbers moved in a whole fit beyond which "auto" takes a CUDA device."""


def resolve_device(device: str, work: float, ranks: Ranks = ALONE) -> torch.device:
    """Device of a name, "auto" by the size of the task.

    Parameters
    ----------
    device : str
        "auto", or a device name of torch: "cpu", "cuda", "cuda:1", "mps".
    work : float
        Entries x width x epochs: the numbers that a fit moves.
    ranks : Ranks
        Who trains, too: "auto" is CUDA only where all have it.

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
    is one. It is never MPS, which is there for the asking.
    """
    if device == "auto":
        use_cuda = work > CUDA_WORK and all(ranks.gather(torch.cuda.is_available()))
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
