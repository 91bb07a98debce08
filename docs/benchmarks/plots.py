"""Plots of the results: accuracy against fit time, and how cost grows."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, median
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from measure import Record
from methods.catalogue import PEERS, SKBAG

# Told apart by shape as well as by colour (Okabe and Ito's palette).
STYLES = {
    SKBAG: ("skbag", "#D55E00", "*"),
    "fasttext": ("fastText (three settings)", "#0072B2", "o"),
    "logistic": ("TF-IDF + LogisticRegression", "#009E73", "s"),
    "svc": ("TF-IDF(1, 2) + LinearSVC", "#000000", "D"),
}


def write(results: dict[str, Any], folder: Path) -> None:
    """Write both plots."""
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "skbag"})
    if results["data"]:
        accuracy_and_time(results["data"], folder / "accuracy_and_time.png")
    if results["costs"]:
        cost_laws(results["costs"], folder / "cost_laws.png")


def style_of(method: str) -> tuple[str, str, str]:
    """Label, colour and marker of a method's family."""
    return STYLES[method.split("_")[0]]


def accuracy_and_time(data: dict[str, Record], path: Path) -> None:
    """One small plot for each data set, one point for each method."""
    n_columns = min(4, len(data))
    n_rows = -(-len(data) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(2.7 * n_columns, 2.4 * n_rows + 0.5), squeeze=False
    )
    for ax in axes.flat[len(data) :]:
        ax.remove()
    seen: dict[str, Any] = {}
    for ax, (name, record) in zip(axes.flat, data.items(), strict=False):
        for method in (*PEERS, SKBAG):
            runs = record.get(method, {})
            if "accuracy" not in runs:
                continue
            label, colour, marker = style_of(method)
            seen[label] = ax.scatter(
                median(runs["fit_seconds"]),
                mean(runs["accuracy"]),
                color=colour,
                marker=marker,
                s=130 if method == SKBAG else 28,
                zorder=3 if method == SKBAG else 2,
            )
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=6))
        ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(name, fontsize=9)
        ax.grid(alpha=0.3)
    for ax in axes[:, 0]:
        ax.set_ylabel("test accuracy, %")
    figure.supxlabel("seconds to fit, from raw texts", fontsize=9)
    figure.legend(
        seen.values(), seen.keys(), loc="upper center", ncols=4, frameon=False
    )
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def cost_laws(laws: dict[str, Any], path: Path) -> None:
    """Time against number of texts, words and characters."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.9))
    by_texts = {
        int(n): 1e6 * point["fixed"]["seconds"] / int(n)
        for n, point in laws.get("texts", {}).items()
    }
    by_words = {
        int(n): 1e6 * point["seconds"] / point["n_texts"]
        for n, point in laws.get("words", {}).items()
    }
    lengths = {int(n): point for n, point in laws.get("length", {}).items()}
    for ax, points, label in (
        (axes[0], by_texts, "texts"),
        (axes[1], by_words, "distinct words"),
    ):
        if not points:
            continue
        ax.plot(points.keys(), points.values(), "o-", color="#D55E00")
        ax.set_ylim(0, 1.3 * max(points.values()))
        ax.set_xscale("log")
        ax.set_xlabel(label)
        ax.set_ylabel("fit, µs a text")
    for figure_name, marker, colour in (
        ("fit_seconds", "o", "#D55E00"),
        ("predict_seconds", "s", "#0072B2"),
    ):
        axes[2].plot(
            lengths.keys(),
            [point[figure_name] for point in lengths.values()],
            marker + "-",
            color=colour,
            label=figure_name.split("_")[0],
        )
    axes[2].set_xscale("log")
    axes[2].set_yscale("log")
    axes[2].set_xlabel("characters of one text")
    axes[2].set_ylabel("seconds")
    axes[2].legend(frameon=False)
    for ax in axes:
        ax.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
