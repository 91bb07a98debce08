"""The benchmark's tables say what was measured; a small run works from end to end."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# What is measured takes its time.
pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "docs" / "benchmarks"
if not FOLDER.is_dir():
    pytest.skip("the benchmarks lie beside the source only", allow_module_level=True)


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import report

    return report


DATA = {
    "one": {
        "about": {"n_train": 10, "n_classes": 2},
        "skbag": {
            "fit_seconds": [3.0, 1.0, 2.0],
            "busy_seconds": [9.0, 4.0, 3.0],
            "accuracy": [80.0, 82.0],
        },
        "fasttext_2_5": {
            "fit_seconds": [4.0, 8.0, 9.0],
            "busy_seconds": [16.0],
            "accuracy": [79.0],
        },
        "svc": {"error": "over the limit of 3 s"},
    },
    "two": {
        "about": {"n_train": 10, "n_classes": 2},
        "skbag": {"fit_seconds": [1.0], "accuracy": [50.0]},
        "fasttext_2_5": {"fit_seconds": [1.0], "accuracy": [50.5]},
    },
}


def cells(table, row):
    line = next(x for x in table.splitlines() if x.startswith(f"| {row} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_fit_times_are_medians_and_their_ratio(report):
    table = report.fit(DATA)
    idle, busy = ["2.00", "3.00", "8.00"], ["4.00", "16.00", "0.25"]
    assert cells(table, "one") == ["one", *idle, *busy, "0.25"]
    assert cells(table, "two")[4:7] == [report.MISSING] * 3
    assert cells(table, "geometric mean")[-2:] == ["0.25", "0.50"]


def test_lead_is_over_the_best_peer_that_finished(report):
    table = report.accuracy(DATA)
    assert cells(table, "one")[1] == "81.00"
    assert cells(table, "one")[-1] == "+2.00"
    assert cells(table, "two")[-1] == "-0.50"
    assert cells(table, "mean lead")[-1] == "+0.75"
    assert report.MISSING in cells(table, "one")


def test_tables_replace_those_of_earlier_runs(report):
    page = report.put("Words.\n", "fit", "old")
    assert "old" in page
    again = report.put(page + "\nMore words.\n", "fit", "new \\1")
    assert "old" not in again
    assert "new \\1" in again
    assert again.startswith("Words.")
    assert again.endswith("More words.\n")


def test_small_run(tmp_path):
    pytest.importorskip("pyarrow", reason="the benchmark's data are Parquet files")
    command = [sys.executable, str(FOLDER / "run.py"), "--smoke"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads((tmp_path / "results.json").read_text())
    record = results["data"]["made_up"]
    assert record["skbag"]["accuracy"][0] > 30
    assert {"predict_seconds", "single_seconds", "log_loss", "busy_seconds"} <= set(
        record["skbag"]
    )
    assert "accuracy" in record["svc"]
    assert set(results["costs"]) == {"texts", "length"}
    page = (tmp_path / "README.md").read_text()
    assert "| made_up |" in page


# -- subwords and buckets --------------------------------------------------------------

WORDS = ["refugee", "crossed", "I", "über", "river", "x1"]


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import buckets
    import data
    import subwords
    import typos

    return typos, subwords, buckets, data


def test_misspelt_words_are_one_edit_away(scripts):
    typos = scripts[0]
    text = " ".join(WORDS * 300)
    [spoilt] = typos.misspell([text], share=1.0)
    words = spoilt.split(" ")
    assert len(words) == len(WORDS) * 300
    lengths = {len(new) - len(old) for new, old in zip(words, WORDS * 300, strict=True)}
    assert lengths == {-1, 0, 1}
    assert typos.misspell([text], share=1.0) == [spoilt]
    assert typos.misspell([text], share=1.0, seed=1) != [spoilt]


def test_a_share_of_the_words_is_misspelt_and_nothing_else(scripts):
    typos = scripts[0]
    text = ", ".join(WORDS * 500) + "! 🙂"
    [spoilt] = typos.misspell([text], share=0.1)
    assert spoilt.endswith("! 🙂")
    pairs = zip(text.split(", "), spoilt.split(", "), strict=True)
    changed = sum(one != other for one, other in pairs) / 3000
    assert 0.07 < changed < 0.13
    assert typos.misspell([text], share=0.0) == [text]


def test_tables_of_subwords_and_buckets(scripts, monkeypatch):
    _, subwords, buckets, data = scripts
    texts, labels = data.zipf_texts(400, 500, length=8, n_classes=3)
    parts = (texts[:300], labels[:300]), (texts[300:], labels[300:])
    methods = {
        "plain": subwords.Skbag(),
        "more": subwords.Skbag(subword_ngram_range=(3, 4)),
    }
    monkeypatch.setattr(subwords, "methods", lambda n_threads: methods)
    found = subwords.measure(*parts, seeds=1, n_threads=1)
    table = subwords.table({"made up": found})
    assert [line.split(" | ")[1] for line in table.splitlines()[2:]] == [
        "plain",
        "more",
    ]
    assert found["plain"]["clean"] > 40

    found = buckets.measure(*parts, seeds=1, n_threads=1, exponents=(8, 10))
    assert list(found) == ["default", "exact", "2^8", "2^10"]
    assert found["2^8"]["rows"] <= 256
    assert "| made up | exact |" in buckets.table({"made up": found})


# -- streaming -------------------------------------------------------------------------


def test_a_stream_repeats_no_text(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import streaming

    texts, labels = ["one two", "three four five"], ["a", "b"]
    found = list(streaming.chunks(streaming.perturbed(texts, labels), 7, 3))
    assert [len(part) for part, _ in found] == [3, 3, 1]
    learnt = [text for part, _ in found for text in part]
    assert len(set(learnt)) == 7
    of_label = {"a": {"one", "two"}, "b": {"three", "four", "five"}}
    for part, their in found:
        for text, label in zip(part, their, strict=True):
            *kept, new = text.split(" ")
            assert set(kept) < of_label[label]
            assert new.startswith("w")
    again = list(streaming.chunks(streaming.perturbed(texts, labels), 7, 3))
    assert again == found


def test_small_stream(monkeypatch, tmp_path):
    pytest.importorskip("pyarrow", reason="the benchmark's data are Parquet files")
    monkeypatch.syspath_prepend(str(FOLDER))
    import data
    import streaming

    data.write_smoke_data(tmp_path)
    (tmp_path / "made_up.train.parquet").rename(tmp_path / "registry.train.parquet")
    for way in ("fit", "kept", "stream"):
        one = streaming.measure(tmp_path, way, 600, 2**10, 200)
        assert one["seconds"] > 0
    assert streaming.table([{"a": 1, "b": 0.5}]) == "| a | b |\n|---|---|\n| 1 | 0.50 |"


def test_small_streams_with_the_defaults(monkeypatch, tmp_path):
    pytest.importorskip("pyarrow", reason="the benchmark's data are Parquet files")
    monkeypatch.syspath_prepend(str(FOLDER))
    import data
    import streaming

    data.write_smoke_data(tmp_path)
    monkeypatch.setattr(streaming, "DEFAULT_PARTS", {"made_up": (100,)})
    monkeypatch.setattr(streaming, "SORTED_SIZE", 100)
    options = argparse.Namespace(folder=tmp_path, names=["made_up"], seeds=1, test=True)
    found = streaming.defaults(options)
    assert [each["table"] for each in found] == ["vocabulary", "2^20"]
    for each in found:
        assert each["difference"] == each["partial_fit"] - each["fit"]
        assert each["ratio of cpu"] > 0
    (found,) = streaming.sorted_streams(options)
    assert found["shuffled"] > found["sorted"]


def test_readers_in_turns(monkeypatch):
    """A stretch of the texts for each reader, and one text of each in turns."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import streaming

    texts = list("abcdefg")
    order, labels = streaming.in_turns((texts, texts), 3)
    assert order == labels == list("adgbecf")


# -- few labels ------------------------------------------------------------------------


@pytest.fixture
def few_labels(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import few_labels

    return few_labels


def test_as_many_texts_of_each_class_are_drawn(few_labels):
    y = np.repeat(["a", "b", "c"], [2, 30, 40])
    pool = few_labels.Texts([f"text {i}" for i in range(72)], y)
    drawn = few_labels.draw(pool, 4, seed=0)
    assert sorted(drawn.y) == ["a"] * 2 + ["b"] * 4 + ["c"] * 4
    assert len(set(drawn.texts)) == 10
    pairs = zip(drawn.texts, drawn.y, strict=True)
    assert all(y[int(text[5:])] == label for text, label in pairs)
    assert few_labels.draw(pool, 4, seed=0).texts == drawn.texts
    assert few_labels.draw(pool, 4, seed=1).texts != drawn.texts


def test_tables_of_few_labels(few_labels):
    rows = {}
    for seed, accuracy in enumerate([50.0, 60.0]):
        figures = {"skbag": accuracy, "LinearSVC": 54.0, "ComplementNB": 30.0}
        rows[few_labels.key("one", 4, seed)] = figures
        rows[few_labels.key("two", 4, seed)] = {**figures, "ComplementNB": 70.0}
    found = few_labels.means(rows, ["one", "two"], [4], n_draws=2)
    assert few_labels.lead(found["one", 4]) == 1.0
    by_size = few_labels.table_by_size(found)
    assert cells(by_size, "4") == ["4", "55.0", "54.0", "50.0", "-7.00"]
    by_name = few_labels.table_by_name(found)
    assert cells(by_name, "two") == ["two", "55.0 (-15.0)"]


def test_small_run_of_few_labels(few_labels, monkeypatch, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason="the benchmark's data are Parquet files")
    import data

    data.write_smoke_data(tmp_path)
    output = tmp_path / "figures.json"
    command = ["few_labels.py", "--data", str(tmp_path), "--names", data.SMOKE_NAME]
    command += ["--sizes", "4", "--draws", "1", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", [*command, "--methods", "skbag", "ComplementNB"])
    few_labels.main()
    (figures,) = json.loads(output.read_text()).values()
    assert set(figures) == {"skbag", "ComplementNB"}
    output.write_text(output.read_text().replace(f"{figures['skbag']}", "12.5"))
    monkeypatch.setattr(sys, "argv", [*command, "--resume"])
    few_labels.main()
    (again,) = json.loads(output.read_text()).values()
    assert again["skbag"] == 12.5
    assert set(again) == set(few_labels.METHODS)
    assert "| made_up | 12.5 (" in capsys.readouterr().out


# -- data frames -----------------------------------------------------------------------


@pytest.fixture
def data_frames(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import data_frames

    return data_frames


def test_small_run_of_data_frames(data_frames, monkeypatch, capsys):
    import pandas as pd

    titles = ["late parcel", "refund money", None] * 20
    frame = pd.DataFrame({"title": titles, "body": ["please", "help", "me"] * 20})
    frame["team"] = pd.Categorical(["a", "b", None] * 20)
    part = frame, np.array(["delivery", "payment", "other"] * 20)
    monkeypatch.setattr(data_frames, "frames", lambda folder: {"small": (part, part)})
    monkeypatch.setitem(sys.modules, "skrub", None)
    monkeypatch.setattr(sys, "argv", ["data_frames.py", "--seeds", "2"])
    data_frames.main()
    out = capsys.readouterr().out
    assert "skrub, default is left out" in out
    row = next(line for line in out.splitlines() if line.startswith("| small |"))
    assert row.split("|")[2:7] == [" 100.00 "] * 5


def test_frames_are_cut_where_a_sentence_begins(data_frames):
    text = "tool that prints things This tool prints all of the things."
    match = data_frames.DESCRIPTION.search(text, data_frames.NAME_LINE)
    assert text[: match.start()] == "tool that prints things"
    sentence = data_frames.SENTENCE.match("Fit the model. Then go on.").group()
    assert sentence == "Fit the model."


# -- pretrained vectors ----------------------------------------------------------------


@pytest.fixture
def pretrained_vectors(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import pretrained_vectors

    return pretrained_vectors


def test_vectors_of_several_sources_side_by_side(pretrained_vectors):
    sources = [{"sail": [3.0, 4.0], "the": [0.0, 5.0]}, {"sail": [2.0], "sea": [2.0]}]
    vectors = pretrained_vectors.WordVectors(sources, ["The sail.", "oven"])
    words, matrix = vectors.pair
    rows = dict(zip(words, matrix.tolist(), strict=True))
    # Each source has rows of mean square 1.
    assert rows["sail"] == pytest.approx([0.6, 0.8, 1.0])
    assert rows["the"] == pytest.approx([0, 1, 0])
    assert rows["sea"] == pytest.approx([0, 0, 1])
    assert "oven" not in rows
    encoded = vectors.encode(["the sail", "sail SAIL", "oven"])
    np.testing.assert_allclose(
        encoded[1], np.array([0.6, 0.8, 1]) / np.sqrt(2), rtol=1e-5
    )
    assert not encoded[2].any()


@pytest.mark.parametrize("kind", ["vectors", "encoder"])
def test_small_run_of_pretrained_vectors(
    kind, pretrained_vectors, monkeypatch, tmp_path, capsys
):
    pytest.importorskip("pyarrow", reason="the benchmark's data are Parquet files")
    import data

    data.write_smoke_data(tmp_path)
    texts, _ = data.read(tmp_path, data.SMOKE_NAME, "train")
    words = sorted({word for text in texts for word in text.split()})
    rng = np.random.default_rng(0)
    lines = [
        f"{word} " + " ".join(f"{x:.3f}" for x in rng.normal(size=4)) for word in words
    ]
    source, output = tmp_path / "some.vec", tmp_path / "figures.json"
    source.write_text("\n".join(lines) + "\n")
    code = (
        "def lengths(texts):\n    return [[len(t), t.count('a'), 1] for t in texts]\n"
    )
    (tmp_path / "an_encoder.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    given = {"vectors": str(source), "encoder": "an_encoder:lengths"}
    command = ["pretrained_vectors.py", "--data", str(tmp_path), "--draws", "1"]
    command += ["--names", data.SMOKE_NAME, f"--{kind}", given[kind]]
    command += ["--sizes", "8", "0", "--output", str(output), "--resume"]
    monkeypatch.setattr(sys, "argv", command)
    pretrained_vectors.main()
    figures = json.loads(output.read_text())
    assert list(figures) == ["made_up, 8, draw 0", "made_up, all, draw 0"]
    for row in figures.values():
        assert set(row) == set(pretrained_vectors.METHODS)
    printed = capsys.readouterr().out
    assert "| all (1 sets) |" in printed
    pretrained_vectors.main()
    assert capsys.readouterr().out == printed


@pytest.fixture
def tabular(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import tabular

    return tabular


def test_numbers_beside_texts(tabular):
    texts, y = ["One, two?", "THREE 4!", ""] * 4, np.arange(12) % 3
    widths = {"layout": 10, "signal": 5, "mixed": 10, "noise": 20}
    for kind in tabular.KINDS:
        values = tabular.numbers(kind, texts, y, 1.0, seed=0)
        assert values.shape == (12, widths[kind])
        assert np.isfinite(values).all()
    X = tabular.frame(texts, tabular.numbers("mixed", texts, y, 1.0, seed=0))
    for make in tabular.TEXT_METHODS.values():
        assert make(X, 0).fit(X, y).predict(X).shape == (12,)


def test_tables_of_numbers_leave_out_what_was_not_measured(tabular):
    results = {
        "a": {"skbag": [{"accuracy": 80.0}, {"accuracy": 82.0}]},
        "b": {"skbag": [{"accuracy": 50.0}], "LinearSVC": [{"accuracy": 49.0}]},
    }
    table = tabular.table(results, "accuracy")
    assert cells(table, "a") == ["a", "81.0", ""]
    assert cells(table, "b") == ["b", "50.0", "49.0"]


# -- labels ----------------------------------------------------------------------------


@pytest.fixture
def labels(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import labels

    return labels


def test_a_share_of_the_labels_is_flipped(labels):
    texts = [
        "oven soup",
        "oven soup salt",
        "sail sea",
        "sail sea wave",
        "tax",
        "tax",
    ] * 9
    y = np.array(["a", "a", "b", "b", "c", "c"] * 9)
    for how in ("random", "similar"):
        new, is_flipped = labels.flipped(texts, y, 0.25, how, seed=0)
        assert is_flipped.sum() == 13
        assert ((new != y) == is_flipped).all()
    other = labels.most_similar(["xx yy", "xx zz", "qq"] * 2, np.array([0, 1, 2] * 2))
    assert other[:2].tolist() == [1, 0]


def test_figures_of_novelty(labels):
    known, novel = np.arange(100.0), np.array([-1.0, 3.0, 60.0])
    auroc, let_through = labels.novelty_figures(known, novel)
    assert let_through == "33"
    assert float(auroc) == pytest.approx(100 * (100 + 96.5 + 39.5) / 300, abs=0.06)


def test_small_run_of_labels(labels, monkeypatch, tmp_path, capsys):
    pytest.importorskip("pyarrow", reason="the benchmark's data are Parquet files")
    pytest.importorskip("matplotlib", reason="learning curves are drawn by it")
    import data
    import label_ranking

    data.write_smoke_data(tmp_path)
    monkeypatch.setattr(label_ranking, "ROUNDS", 2)
    monkeypatch.setattr(labels, "LEFT_OUT", {data.SMOKE_NAME: 1})
    for name in ("cleanlab", "modAL", "small_text"):
        monkeypatch.setitem(sys.modules, name, None)
    command = ["labels.py", "--data", str(tmp_path), "--names", data.SMOKE_NAME]
    command += ["--seeds", "1", "--plot", str(tmp_path / "curves.png")]
    monkeypatch.setattr(sys, "argv", command)
    labels.main()
    out = capsys.readouterr().out
    assert out.count("| made_up |") == 12 + 4 + 1 + 1
    assert (tmp_path / "curves.png").stat().st_size > 1000


# -- numbers ---------------------------------------------------------------------------


@pytest.fixture
def regression(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import regression

    return regression


def test_every_method_of_numbers_is_measured(regression):
    made_up = regression.number_sets.made_up
    train, test = made_up(200), made_up(100, seed=1)
    methods = [m for m in regression.METHODS if "fastText" not in m]
    rows = regression.measure(train, test, methods, 2)
    # Made-up numbers are negative, too.
    assert set(rows) == set(methods) - {"skbag, poisson"}
    assert all(len(row["seconds"]) == len(row["r2"]) == 2 for row in rows.values())
    assert rows["skbag"]["r2"][0] > 0.2


def test_tables_of_numbers(regression):
    rows = {
        "one": {
            "skbag": {"r2": [0.5, 0.6, 0.7], "seconds": [1.0, 9.0, 2.0]},
            "TF-IDF + RidgeCV": {"r2": [0.4], "seconds": [10.0]},
            "TF-IDF(1, 2) + RidgeCV": {"r2": [0.5], "seconds": [30.0]},
        },
        "two": {"skbag": {"r2": [0.2], "seconds": [1.0]}},
    }
    table = regression.table_of_r2(rows)
    assert cells(table, "one") == ["one", "0.600", "0.400", "0.500"]
    assert cells(table, "two") == ["two", "0.200", "-", "-"]
    assert cells(regression.table_of_seconds(rows), "one")[-1] == "15"


def test_grades_hold_a_fifth_each(regression):
    y = np.arange(100.0)
    grades = regression.number_sets.grades(y, y)
    assert np.bincount(grades).tolist() == [20] * 5
    assert regression.number_sets.grades(np.array([-5, 500.0]), y).tolist() == [0, 4]


def test_each_way_to_grades_is_better_than_chance(regression):
    made_up = regression.number_sets.made_up
    found = regression.measure_grades(made_up(600), made_up(200, seed=1))
    assert set(found) == set(regression.OF_GRADES)
    for figures in found.values():
        assert figures["accuracy"] > 0.2
        assert figures["error"] < 1.2
        assert figures["kappa"] > 0.2


def test_texts_with_numbers_that_ship_with_programs(regression):
    sets = regression.number_sets
    assert sets._in_part("a", "train") != sets._in_part("a", "test")
    head, last = "skbag (1.0) stable; urgency=low\n", " -- A <b>  Mon, 01 Jan 2024 "
    entry = f"{head}\n  * Mend 1999.\n\n{last}"
    assert sets.ENTRY.findall(entry) == [("\n  * Mend 1999.\n", "2024")]
