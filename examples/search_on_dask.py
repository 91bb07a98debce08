"""
A search on a Dask cluster
==========================

Needs Dask: ``pip install "skbag[dask]"``. Every search of scikit-learn runs on a
cluster by one line around it. The cluster here is two processes on this machine; for
one of many machines only the line that starts it differs. On the way a worker is
killed, and the search ends as if nothing had been.
"""

import os
import signal
import threading
from functools import partial
from time import perf_counter, sleep

import joblib
import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

# %%
# Texts in an array
# -----------------
# Docstrings of installed libraries; the task: which library. The backend of joblib
# for Dask sends an array (or a Series of pandas, or an array of Arrow) to the cluster
# once. A list it would send again with every fit.
texts, labels = load_docstrings(return_X_y=True)
texts = np.array(texts, dtype=object)
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, train_size=3000, stratify=labels, random_state=0
)
grid = {"alpha": ["auto", 1e-6, 1e-4], "loss": ["squared_hinge", "cross_entropy"]}
search = GridSearchCV(EmbeddingBagClassifier(random_state=0), grid, cv=3)

# %%
# What a worker runs when it starts
# ---------------------------------
# Candidates that differ in what comes after the tokens need not read the texts again.
# Each worker shares tokens among the fits that it is given.
SHARE_TOKENS = """
from skbag.tuning import shared_tokens

sharing = shared_tokens()

def dask_setup(worker):
    sharing.__enter__()
"""


def kill_a_worker(client, after):
    """Kill one of the processes of a cluster on this machine, after some seconds."""
    processes = list(client.run(os.getpid).values())

    def kill():
        sleep(after)
        os.kill(processes[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


# %%
# The search
# ----------
# Workers have one thread each: fits side by side use the cores better than threads
# inside a fit. What has been sent once is kept by *every* worker (two lines: see the
# guide), or the death of the only one that has it would be the end of the search. The
# guard is needed where processes are started: they read this script again. (The second
# search is sooner done, killed worker or not: it finds the tokens of the first.)
if __name__ == "__main__":
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            preload=[SHARE_TOKENS],
        ) as cluster,
        Client(cluster) as client,
    ):
        client.amm.stop()
        client.scatter = partial(client.scatter, broadcast=True)
        for name, victim in [("undisturbed", None), ("a worker killed", 2)]:
            if victim is not None:
                thread = kill_a_worker(client, after=victim)
            started = perf_counter()
            with joblib.parallel_config(backend="dask", client=client):
                search.fit(train_texts, train_labels)
            seconds = perf_counter() - started
            print(f"{name:16s} best {search.best_score_:.4f}  [{seconds:.1f} s]")
            print(f"{'':16s} {search.best_params_}")
            if victim is None:
                scores = search.cv_results_["mean_test_score"]
            else:
                thread.join()
                assert np.array_equal(scores, search.cv_results_["mean_test_score"])

# %%
# The best
# --------
# It was fitted here, on all texts, and needs no cluster.
if __name__ == "__main__":
    accuracy = search.score(test_texts, test_labels)
    print(f"On {len(test_texts)} other texts: {accuracy:.3f}")
# sphinx_gallery_thumbnail_path = "drawings/thumbnails/several_processes.svg"
