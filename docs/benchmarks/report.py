"""Tables of the results: one per target, between markers in README.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median
from typing import Any

from measure import Record
from methods.catalogue import CALIBRATED, METHODS, PEERS, RIVAL, SKBAG, TWO_LAYER
from scores import geometric_mean

Rows = list[list[str]]
MB = 2**20
MISSING = "-"


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the tables into README.md, made if it is missing, and the plots."""
    path = folder / "README.md"
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    tables = {
        "machine": machine(results["machine"]),
        **{name: make(results["data"]) for name, make in TABLES.items()},
        "costs": costs(results["costs"]),
    }
    for name, table in tables.items():
        page = put(page, name, table)
    path.write_text(page, encoding="utf-8")
    if folder == Path(__file__).parent:
        front = folder.parents[1] / "README.md"
        page = put(
            front.read_text(encoding="utf-8"), "summary", summary(results["data"])
        )
        front.write_text(page, encoding="utf-8")
    try:
        import plots
    except ImportError as error:
        print(f"no plots: {error}", flush=True)
        return
    plots.write(results, folder)


def put(page: str, name: str, table: str) -> str:
    """Replace what stands between a table's markers; append them if missing."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    block = f"{begin}\n{table}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _: block, page)
    return f"{page.rstrip()}\n\n{block}\n"


def markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(about: dict[str, Any]) -> str:
    """Where and with what, in a sentence."""
    versions = ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items())
    return (
        f"Measured on {about.get('date')} on {about.get('cores')} cores "
        f"({about.get('processor')}): {versions}."
    )


def accuracy(data: dict[str, Record]) -> str:
    """Mean accuracy of all methods, and the lead over the best peer."""
    rows: Rows = []
    leads = []
    for name, record in data.items():
        ours = value(record, SKBAG, "accuracy", mean)
        theirs = [value(record, peer, "accuracy", mean) for peer in PEERS]
        known = [score for score in theirs if score is not None]
        lead = ours - max(known) if ours is not None and known else None
        leads += [] if lead is None else [lead]
        rows.append([name, *map(number, [ours, *theirs]), number(lead, "+.2f")])
    if leads:
        rows.append(["mean lead", *[""] * (len(PEERS) + 1), f"{mean(leads):+.2f}"])
    head = ["data", SKBAG, *(METHODS[peer].label for peer in PEERS), "lead"]
    return markdown(head, rows)


def summary(data: dict[str, Record]) -> str:
    """What the front page shows: the best peer, and how much faster a fit is."""
    head = [
        "test accuracy, %",
        "skbag",
        "best peer",
        "fit, s",
        "fastText (5 epochs, pairs), s",
        "TF-IDF(1, 2) + LinearSVC, s",
    ]
    rows = []
    for name, record in data.items():
        peers = {peer: value(record, peer, "accuracy", mean) for peer in PEERS}
        best = max(peers, key=lambda peer: peers[peer] or 0)
        times = [
            value(record, method, "fit_seconds", median)
            for method in (SKBAG, RIVAL, "svc")
        ]
        ours = number(value(record, SKBAG, "accuracy", mean), ".1f")
        theirs = f"{number(peers[best], '.1f')} ({METHODS[best].label})"
        rows.append([name, ours, theirs, *map(number, times)])
    return markdown(head, rows)


def fit(data: dict[str, Record]) -> str:
    """Seconds of a fit, in turns with the rival's; and what other processes cost."""
    head = [
        "data",
        "skbag, s",
        "first fit, s",
        f"{METHODS[RIVAL].label}, s",
        "busy machine: skbag, s",
        f"busy machine: {METHODS[RIVAL].label}, s",
        "busy machine: ratio",
        "ratio",
    ]
    ratios, busy_ratios, rows = [], [], []
    for name, record in data.items():
        first = value(record, SKBAG, "fit_seconds", lambda runs: runs[0])
        ours, theirs, ratio = compared(record, "fit_seconds")
        busy_ours, busy_theirs, busy_ratio = compared(record, "busy_seconds")
        ratios += [] if ratio is None else [ratio]
        busy_ratios += [] if busy_ratio is None else [busy_ratio]
        figures = [ours, first, theirs, busy_ours, busy_theirs, busy_ratio, ratio]
        rows.append([name, *map(number, figures)])
    if ratios and busy_ratios:
        means = [number(geometric_mean(r)) for r in (busy_ratios, ratios)]
        rows.append(["geometric mean", *[""] * 5, *means])
    return markdown(head, rows)


def compared(
    record: Record, figure: str
) -> tuple[float | None, float | None, float | None]:
    """Median seconds of skbag and of the rival, and their ratio."""
    ours, theirs = (value(record, m, figure, median) for m in (SKBAG, RIVAL))
    return ours, theirs, ours / theirs if ours and theirs else None


def predict(data: dict[str, Record]) -> str:
    """Texts a second in batches, and microseconds of one text."""
    methods = (SKBAG, RIVAL, "logistic")
    labels = [METHODS[m].label for m in methods]
    head = [
        "data",
        *(f"{label}, texts/s" for label in labels),
        "skbag / fastText",
        *(f"{label}, one text, µs" for label in labels),
        "skbag / TF-IDF",
    ]
    ratios, rows = [], []
    for name, record in data.items():
        rates = [rate(record, method) for method in methods]
        single = [value(record, m, "single_seconds", micro) for m in methods]
        gain = rates[0] / rates[1] if rates[0] and rates[1] else None
        share = single[0] / single[2] if single[0] and single[2] else None
        ratios += [] if gain is None else [gain]
        rows.append(
            [
                name,
                *(number(r, ",.0f") for r in rates),
                number(gain),
                *(number(s, ".0f") for s in single),
                number(share),
            ]
        )
    return markdown(head, rows)


def memory(data: dict[str, Record]) -> str:
    """Peaks of a fit above its texts, and sizes."""
    head = [
        "data",
        "skbag, MB",
        f"{METHODS[RIVAL].label}, MB",
        "ratio",
        f"{METHODS['svc'].label}, MB",
        "ratio",
        "pickle, MB",
        "a million texts, MB",
    ]
    rows = []
    for name, record in data.items():
        ours, theirs, svc = (
            value(record, method, "peak_bytes", in_mb)
            for method in (SKBAG, RIVAL, "svc")
        )
        figures = [
            ours,
            theirs,
            ours / theirs if ours and theirs else None,
            svc,
            ours / svc if ours and svc else None,
            value(record, SKBAG, "file_bytes", in_mb),
            value(record, SKBAG, "million_bytes", in_mb),
        ]
        formats = [".0f", ".0f", ".2f", ".0f", ".2f", ".1f", ".0f"]
        rows.append([name, *map(number, figures, formats)])
    return markdown(head, rows)


def calibration(data: dict[str, Record]) -> str:
    """Log-loss of probabilities, and their expected calibration error."""
    methods = (SKBAG, *CALIBRATED)
    head = ["data", *(f"{METHODS[m].label}: log-loss, error" for m in methods)]
    rows = [
        [
            name,
            *(
                ", ".join(
                    number(value(record, method, figure), ".3f")
                    for figure in ("log_loss", "calibration_error")
                )
                for method in methods
            ),
        ]
        for name, record in data.items()
    ]
    return markdown(head, rows)


def two_layer(data: dict[str, Record]) -> str:
    """Accuracy and fit time of the models with an embedding."""
    methods = (SKBAG, *TWO_LAYER)
    head = ["data", "classes", *(f"{METHODS[m].label}: %, s" for m in methods)]
    rows, means = [], []
    for name, record in data.items():
        scores = [value(record, m, "accuracy", mean) for m in methods]
        times = [value(record, m, "fit_seconds", median) for m in methods]
        pairs = zip(scores, times, strict=True)
        cells = [f"{number(score)}, {number(time)}" for score, time in pairs]
        rows.append([name, str(record["about"]["n_classes"]), *cells])
        if None not in scores:
            means.append(scores)
    if means:
        averages = [number(mean(column)) for column in zip(*means, strict=True)]
        rows.append(["mean", "", *averages])
    return markdown(head, rows)


def costs(laws: dict[str, Any]) -> str:
    """How time grows."""
    rows: Rows = []
    for size, point in laws.get("texts", {}).items():
        each = 1e6 * point["fixed"]["seconds"] / int(size)
        rows.append(["fit", f"{int(size):,} texts", f"{each:.1f} µs a text"])
    for size, point in laws.get("words", {}).items():
        each = 1e6 * point["seconds"] / point["n_texts"]
        rows.append(["fit", f"{int(size):,} words", f"{each:.1f} µs a text"])
    for size, point in laws.get("table", {}).items():
        ratio = point["together"] / point["smallest"]
        rows.append(["epoch", f"{int(size):,} rows", f"{ratio:.2f} of 10,000 rows"])
    for size, point in laws.get("length", {}).items():
        text = f"one text of {int(size):,} characters"
        rows.append(["fit", text, f"{point['fit_seconds']:.3f} s"])
        rows.append(["predict", text, f"{point['predict_seconds']:.4f} s"])
    return markdown(["what", "size", "time"], rows)


TABLES = {
    "accuracy": accuracy,
    "fit": fit,
    "predict": predict,
    "memory": memory,
    "calibration": calibration,
    "two_layer": two_layer,
}


def value(record: Record, method: str, figure: str, reduce: Any = None) -> Any:
    """One figure, or None."""
    found = record.get(method, {}).get(figure)
    return found if found is None or reduce is None else reduce(found)


def rate(record: Record, method: str) -> float | None:
    """Texts a second."""
    seconds = value(record, method, "predict_seconds")
    return None if seconds is None else record[method]["n_predicted"] / seconds


def number(x: float | None, form: str = ".2f") -> str:
    """A figure as it stands in a table."""
    return MISSING if x is None else format(x, form)


def micro(seconds: float) -> float:
    """Microseconds."""
    return 1e6 * seconds


def in_mb(size: int) -> float:
    """Megabytes."""
    return size / MB
