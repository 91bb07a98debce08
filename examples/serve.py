"""
Serving: a model behind HTTP, and a new one in its place
========================================================

A server of the standard library answers with labels and probabilities. Eight clients
ask it, one text a request, while a new model is saved over the old file and takes its
place: no request fails or waits. A request keeps the model that it began with, and
fitted models are only read, so that threads need no lock.

``python examples/serve.py 600`` asks for ten minutes.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter, sleep

import numpy as np

import skbag
from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

N_CLIENTS = 8
SECONDS = float(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 2.0

# %%
# The server
# ----------
# The file is looked at once a second. It is always a whole model: ``skbag.save``
# replaces it in one step. So is the attribute that holds the model.


class ModelServer(ThreadingHTTPServer):
    """Answers by the model in a file, by the new one once the file is replaced."""

    request_queue_size = 2 * N_CLIENTS
    daemon_threads = True

    def __init__(self, path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.path, self.n_swaps = path, 0
        self.written = path.stat().st_mtime_ns
        self.model = skbag.load(path)

    def service_actions(self):
        """Load the model if it is another; the server calls this now and then."""
        written = self.path.stat().st_mtime_ns
        if written != self.written:
            Thread(target=self.swap).start()
            self.written = written

    def swap(self):
        """Load beside the requests, then put it in place at once."""
        model = skbag.load(self.path)
        model.predict(["a first text"])
        self.model = model
        self.n_swaps += 1


class Handler(BaseHTTPRequestHandler):
    """``POST {"texts": [...]}`` gives ``{"labels": [...], "probabilities": [...]}``."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet for each answer.

    def do_POST(self):
        """Answer a request."""
        model = self.server.model
        try:
            length = int(self.headers.get("Content-Length", 0))
            texts = json.loads(self.rfile.read(length))["texts"]
            best = model.predict_proba(texts).max(axis=1)
            labels = model.predict(texts)
            status, answer = (
                200,
                {
                    "labels": labels.tolist(),
                    "probabilities": best.round(4).tolist(),
                },
            )
        except (ValueError, TypeError, KeyError) as error:
            # skbag's messages say what was expected, and name no file.
            status, answer = 400, {"error": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Tell nothing of each request."""


# %%
# The clients
# -----------


def ask(port, texts, until):
    """Ask for one text after the other; seconds of each, and the answers' states."""
    connection, seconds, states = HTTPConnection("127.0.0.1", port), [], []
    while perf_counter() < until:
        text = texts[len(seconds) % len(texts)]
        started = perf_counter()
        connection.request("POST", "/", json.dumps({"texts": [text]}))
        answer = connection.getresponse()
        answer.read()
        seconds.append(perf_counter() - started)
        states.append(answer.status)
    connection.close()
    return seconds, states


def memory_used():
    """Memory of this process in MiB, as Linux tells it; elsewhere NaN."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    used = [line.split()[1] for line in lines if line.startswith("VmRSS")]
    return float(used[0]) / 1024 if used else np.nan


# %%
# Three models, one after the other
# ---------------------------------
texts, labels = load_docstrings(return_X_y=True)
texts, labels = texts[:3000], labels[:3000]

with TemporaryDirectory() as folder:
    path = Path(folder) / "model.safetensors"
    skbag.save(EmbeddingBagClassifier(random_state=0).fit(texts, labels), path)
    server = ModelServer(path)
    Thread(target=server.serve_forever, daemon=True).start()
    until = perf_counter() + SECONDS
    memory = memory_used()
    with ThreadPoolExecutor(N_CLIENTS) as pool:
        asked = [
            pool.submit(ask, server.server_port, texts[i::N_CLIENTS], until)
            for i in range(N_CLIENTS)
        ]
        for seed in (1, 2):
            sleep(SECONDS / 4)
            clf = EmbeddingBagClassifier(random_state=seed).fit(texts, labels)
            skbag.save(clf, path)
        answers = [future.result() for future in asked]
    server.shutdown()
    server.server_close()

seconds = np.concatenate([seconds for seconds, _ in answers])
n_failed = sum(state != 200 for _, states in answers for state in states)
p50, p99 = 1000 * np.quantile(seconds, [0.5, 0.99])
grown = memory_used() - memory
print(f"{len(seconds) / SECONDS:,.0f} requests a second by {N_CLIENTS} clients")
print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; {n_failed} failed")
print(f"{server.n_swaps} models took the place of another; {grown:.0f} MiB more memory")
assert n_failed == 0
