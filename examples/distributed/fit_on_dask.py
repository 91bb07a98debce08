"""
One model by the workers of a Dask cluster
==========================================

Each worker is one process of the fit, and reads texts of its own. Dask starts the
processes and says where they are; what they send each other in the fit goes by
torch.distributed.
"""

import os
from datetime import timedelta

from dask.distributed import Client, LocalCluster
from sklearn.model_selection import train_test_split

from skbag.datasets import load_docstrings


def fit_rank(rank, n_ranks, address, port, texts, labels, test_texts, test_labels):
    """Fit with the other ranks; return what this one makes of the test texts."""
    import torch.distributed as dist

    from skbag import EmbeddingBagClassifier

    store = dist.TCPStore(
        address, port, n_ranks, is_master=rank == 0, timeout=timedelta(minutes=2)
    )
    dist.init_process_group("gloo", store=store, rank=rank, world_size=n_ranks)
    try:
        clf = EmbeddingBagClassifier(distributed=True, random_state=0)
        clf.fit(texts, labels)
        return clf.score(test_texts, test_labels), clf
    finally:
        dist.destroy_process_group()


def free_port():
    """Return a port of this machine on which nobody listens."""
    import socket

    with socket.socket() as found:
        found.bind(("", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    X, y = load_docstrings(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # One thread in each worker: a process can be one rank only.
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as on,
        Client(on) as client,
    ):
        workers = list(client.scheduler_info()["workers"].values())
        first = workers[0]["host"]
        port = client.submit(free_port, workers=[workers[0]["name"]], pure=False)
        fits = [
            client.submit(
                fit_rank,
                rank,
                len(workers),
                first,
                port.result(),
                # In earnest names of files: each rank reads its own.
                X[rank :: len(workers)],
                y[rank :: len(workers)],
                X_test,
                y_test,
                workers=[worker["name"]],
                pure=False,
                # A fit by fewer processes is not this one.
                allow_other_workers=False,
                retries=0,
            )
            for rank, worker in enumerate(workers)
        ]
        results = client.gather(fits)
    scores = [score for score, _ in results]
    tables = {clf.embedding_.tobytes() for _, clf in results}
    print(f"Accuracy {scores[0]:.3f}")
    print(f"{len(results)} ranks, and tables that differ: {len(tables) - 1}")
