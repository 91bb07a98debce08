"""Measure skbag against its peers, on data of your own.

    python docs/benchmarks/run.py --data FOLDER [--names 20news imdb ...]

FOLDER holds, for each name, NAME.train.parquet and NAME.test.parquet with the columns
`text` and `label`. Each library gets an environment of its own, made from its name on
PyPI, and a process of its own; never two measure at once. Writes results.json, the
tables of README.md and the plots. ``--resume`` goes on where a run was interrupted,
``--smoke`` runs everything in this environment on made-up texts within seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import data
import environments
import report
from measure import DataSet
from workers import Worker

SECTIONS = (
    "fits",
    "busy",
    "peers",
    "predictions",
    "calibration",
    "two_layer",
    "memory",
)
N_CORES = min(2, os.cpu_count() or 1)
LIBRARIES = ("skbag", "fasttext", "sklearn")
MANY_TEXTS_OF = ("clinc150", data.SMOKE_NAME)
SIZES = {
    "texts": [10_000, 100_000, 1_000_000],
    "words": [10_000, 100_000, 1_000_000],
    "table": [10_000, 100_000, 1_000_000],
    "length": [10_000, 100_000, 1_000_000, 10_000_000],
}
SMOKE_SIZES = {"texts": [500, 1000], "length": [500, 1000]}


def machine(about: dict[str, Any]) -> dict[str, Any]:
    """Where and with what the figures were made."""
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": N_CORES,
        "source": environments.source_hash(),
        "versions": about,
    }


def processor() -> str:
    """Name of the processor, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    found = [x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")]
    return found[0] if found else platform.machine()


def read_results(path: Path, resume: bool) -> dict[str, Any]:
    """Results to go on from, or none."""
    if resume and path.is_file():
        results: dict[str, Any] = json.loads(path.read_text())
        return results
    return {"machine": {}, "data": {}, "costs": {}}


def write(path: Path, results: dict[str, Any]) -> None:
    """Replace the file of results."""
    path.write_text(json.dumps(results, indent=1) + "\n")


def measure_data(
    options: argparse.Namespace, start: Any, libraries: list[str], results: Any
) -> None:
    """All figures of all data sets."""
    for name in options.names:
        one = DataSet(
            start,
            libraries,
            options.data,
            name,
            results["data"].setdefault(name, {}),
            lambda: write(options.output / "results.json", results),
            options.peer_limit,
        )
        try:
            for section in SECTIONS:
                if section not in options.sections:
                    continue
                arguments = {"fits": [options.repeats], "busy": [N_CORES]}
                getattr(one, section)(*arguments.get(section, []))
            if "memory" in options.sections and name in MANY_TEXTS_OF:
                one.many_texts()
        finally:
            one.close()


def measure_costs(
    start: Any, sizes: dict[str, list[int]], results: Any, save: Any
) -> None:
    """How cost grows, on made-up texts."""
    with start("skbag") as worker:
        for law, points in sizes.items():
            known = results["costs"].setdefault(law, {})
            for size in points:
                if str(size) not in known:
                    answer = worker.ask("cost", law=law, size=size, repeats=3)
                    known[str(size)] = answer
                    save()
                    print(f"costs: {law} {size}: {answer}", flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sections = (*SECTIONS, "costs")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", nargs="+", default=list(data.NAMES))
    parser.add_argument("--sections", nargs="+", default=sections, choices=sections)
    parser.add_argument("--repeats", type=int, default=5, help="fits of each, in turns")
    parser.add_argument("--peer-limit", type=float, default=300.0, help="seconds")
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    if options.data is None and not (options.smoke or options.report_only):
        parser.error("--data FOLDER is needed, or --smoke")
    return options


def main() -> None:
    """Run what the command line asks for."""
    options = parse()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "results.json"
    results = read_results(path, options.resume or options.report_only)
    if not options.report_only:
        with tempfile.TemporaryDirectory() as folder:
            sizes = SIZES
            if options.smoke:
                options.data, options.names = Path(folder), [data.SMOKE_NAME]
                options.repeats, sizes = 2, SMOKE_SIZES
                data.write_smoke_data(options.data)
            data.check(options.data, options.names)
            start, libraries, versions = starter(options)
            results["machine"] = machine(versions)
            measure_data(options, start, libraries, results)
            if "costs" in options.sections:
                measure_costs(start, sizes, results, lambda: write(path, results))
        write(path, results)
    report.write(results, options.output)


def starter(options: argparse.Namespace) -> tuple[Any, list[str], dict[str, str]]:
    """Return what starts a worker, for which libraries, and the versions of all."""
    home = options.environments or environments.default_folder()
    pythons = {
        library: environments.present(library)
        if options.smoke
        else environments.make(library, home)
        for library in LIBRARIES
    }
    found = {library: python for library, python in pythons.items() if python}
    if missing := set(pythons).difference(found):
        print(f"not installed here, left out: {sorted(missing)}", flush=True)

    def start(library: str) -> Worker:
        return Worker(found[library], library, cores=2)

    versions: dict[str, str] = {}
    for library in found:
        with start(library) as worker:
            versions.update(worker.about["versions"])
    return start, list(found), versions


if __name__ == "__main__":
    main()
