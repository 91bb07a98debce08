"""Predicting part by part, on a cluster, is predicting; the model travels once."""

from __future__ import annotations

import importlib
import os
import pickle
import shutil
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import skbag

pd = pytest.importorskip("pandas", reason="needs pandas")
pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")

pytestmark = pytest.mark.cluster

N_FILES = 10


@pytest.fixture
def clf(corpus, make_classifier):
    """A classifier of some hundred kB, most of it words that no other text has."""
    texts = [f"{text} w{i}a w{i}b w{i}c" for i, text in enumerate(corpus.texts * 8)]
    return make_classifier(max_iter=1).fit(texts, corpus.labels * 8)


@pytest.fixture
def texts(corpus):
    return [f"{text} {i}" for i, text in enumerate(corpus.texts)] * 5


@pytest.fixture
def folder(texts, tmp_path):
    """Ten Parquet files of 60 texts each."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(N_FILES):
        part = texts[number * 60 : (number + 1) * 60]
        parquet.write_table(pa.table({"text": part}), folder / f"{number}.parquet")
    return folder


META = pd.DataFrame({"label": pd.Series(dtype="str"), "probability": np.empty(0)})


def score(texts, model):
    """The best label of each text and its probability."""
    if not len(texts):
        return META
    labels, probabilities = model.top_k(texts, 1)
    scored = {"label": labels[:, 0], "probability": probabilities[:, 0]}
    return pd.DataFrame(scored, index=texts.index).astype(META.dtypes)


def top_label(texts, model):
    return pd.Series(model.predict(texts), index=texts.index, dtype="str")


def expected_scores(clf, texts):
    return score(pd.Series(texts), clf)


def assert_same_scores(found, expected):
    assert_array_equal(found["label"].to_numpy(), expected["label"].to_numpy())
    assert_array_equal(found["probability"], expected["probability"])


def read(folder):
    import dask.dataframe

    return dask.dataframe.read_parquet(folder, columns=["text"])["text"]


# -- a data frame of dask --------------------------------------------------------------


def itself(client, clf, path):
    return clf


def scattered(client, clf, path):
    return client.scatter(clf, broadcast=True, hash=False)


def delayed(client, clf, path):
    import dask

    return dask.delayed(clf)


def read_there(client, clf, path):
    import dask

    skbag.save(clf, path)
    return dask.delayed(skbag.load)(path)


WAYS = [itself, scattered, delayed, read_there]


@pytest.mark.parametrize("way", WAYS)
def test_partitions_are_scored_as_the_whole(
    way, dask_client, folder, texts, clf, tmp_path, sent_bytes
):
    partitions = read(folder)
    assert partitions.npartitions == N_FILES
    sent = sent_bytes(dask_client)
    model = way(dask_client, clf, tmp_path / "model")
    found = partitions.map_partitions(score, model, meta=META).compute()
    assert_same_scores(found, expected_scores(clf, texts))
    # What the client sends, and what the scheduler sends to workers.
    size, rest = len(pickle.dumps(clf)), 10_000 * N_FILES
    n_sent = {"client": 1, "scheduler": 1}
    if way is itself:
        n_sent["scheduler"] = N_FILES
    if way is read_there:
        n_sent = {"client": 0, "scheduler": 0}
    for sender, times in n_sent.items():
        assert times * size <= sent[sender] < times * size + rest, sender
    assert size > 2 * rest  # or that would mean nothing


def test_meta_is_what_comes_out(dask_client, folder, clf):
    import dask

    partitions = read(folder).map_partitions(score, dask.delayed(clf), meta=META)
    found = partitions.compute()
    assert_array_equal(found.dtypes, partitions.dtypes)
    assert list(found.columns) == list(partitions.columns)


def test_empty_partitions_are_the_callers_business(dask_client, folder, texts, clf):
    import dask

    few = read(folder)
    few = few[few.str.endswith(" 7")]
    model = dask.delayed(clf)
    found = few.map_partitions(score, model, meta=META).compute()
    wanted = [text for text in texts if text.endswith(" 7")]
    assert_same_scores(found, expected_scores(clf, wanted))
    labels = few.map_partitions(top_label, model, meta=META["label"])
    with pytest.raises(
        ValueError, match=r"X holds 0 texts; a minimum of 1 is required"
    ):
        labels.compute()


def test_scores_are_written_where_they_are_made(
    dask_client, folder, texts, clf, tmp_path, sent_bytes
):
    import dask

    sent = sent_bytes(dask_client)
    scored = read(folder).map_partitions(score, dask.delayed(clf), meta=META)
    scored.to_parquet(tmp_path / "scored")
    found = pd.read_parquet(tmp_path / "scored")
    assert_same_scores(found, expected_scores(clf, texts))
    assert sent["client"] < len(pickle.dumps(clf)) + 100_000


def kills_once(texts, model, flag):
    """Score; the first call kills the process that it is in."""
    try:
        Path(flag).touch(exist_ok=False)
    except FileExistsError:
        return score(texts, model)
    assert "spawn_main" in " ".join(sys.orig_argv)  # a worker, not the tests
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("way", [delayed, read_there])
def test_a_worker_killed_in_the_middle_changes_nothing(
    way, start_dask, folder, texts, clf, tmp_path
):
    client = start_dask()
    model = way(client, clf, tmp_path / "model")
    partitions = read(folder).map_partitions(
        kills_once, model, flag=str(tmp_path / "flag"), meta=META
    )
    assert_same_scores(partitions.compute(), expected_scores(clf, texts))
    assert (tmp_path / "flag").exists()


def n_threads_there():
    from skbag._core.threads import n_threads

    return n_threads(None)


def test_a_worker_scores_in_one_thread(dask_client):
    assert dask_client.submit(n_threads_there, pure=False).result() == 1


# -- a dataset of Arrow ----------------------------------------------------------------


def test_batches_of_a_dataset_are_scored_as_the_whole(folder, texts, clf):
    import pyarrow.dataset

    batches = pyarrow.dataset.dataset(folder).to_batches(columns=["text"], batch_size=7)
    found = [clf.predict(batch["text"]) for batch in batches if len(batch)]
    assert len(found) > N_FILES
    assert_array_equal(np.concatenate(found), clf.predict(texts))


def score_file(path, model, target):
    """Score a Parquet file batch by batch into another."""
    try:
        with parquet.ParquetFile(path) as source:
            schema = pa.schema({"label": pa.string(), "probability": pa.float64()})
            target = Path(target) / Path(path).name
            with parquet.ParquetWriter(target, schema) as writer:
                for batch in source.iter_batches(25, columns=["text"]):
                    labels, probabilities = model.top_k(batch["text"], 1)
                    columns = [labels[:, 0].tolist(), probabilities[:, 0]]
                    writer.write_table(pa.table(columns, schema=schema))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return target


def test_files_are_scored_to_files(
    dask_client, folder, texts, clf, tmp_path, sent_bytes
):
    import pyarrow.dataset

    (tmp_path / "scored").mkdir()
    sent = sent_bytes(dask_client)
    model = dask_client.scatter(clf, broadcast=True)
    paths = pyarrow.dataset.dataset(folder).files
    futures = dask_client.map(
        score_file, paths, model=model, target=tmp_path / "scored", pure=False
    )
    written = dask_client.gather(futures)
    assert len(set(written)) == N_FILES
    found = pa.concat_tables(map(parquet.read_table, written))
    assert_same_scores(found.to_pandas(), expected_scores(clf, texts))
    assert sent["scheduler"] < len(pickle.dumps(clf)) + 100_000


# -- what goes wrong -------------------------------------------------------------------


def test_a_missing_text_is_named(dask_client, folder, clf, tmp_path):
    bad = folder / "3.parquet"
    parquet.write_table(pa.table({"text": ["sail", None, "soup"]}), bad)
    import dask

    scored = read(folder).map_partitions(score, dask.delayed(clf), meta=META)
    seen = r"the item at position 1 is .*: 1 of 3 texts are missing\. Fill them"
    with pytest.raises(ValueError, match=seen):
        scored.compute()
    filled = read(folder).fillna("")
    assert len(filled.map_partitions(score, dask.delayed(clf), meta=META)) == 543
    with pytest.raises(ValueError, match=rf"3\.parquet: Texts must be str, but {seen}"):
        dask_client.submit(score_file, bad, clf, tmp_path).result()


def test_a_column_of_numbers_is_named(dask_client, folder, clf):
    import dask

    numbers = read(folder).str.len()
    scored = numbers.map_partitions(score, dask.delayed(clf), meta=META)
    with pytest.raises(
        ValueError, match=r"X must be texts.* one column of numbers \(Series\)"
    ):
        scored.compute()


def test_a_file_that_is_none_is_named(dask_client, folder, clf, tmp_path):
    bad = folder / "3.parquet"
    bad.write_bytes(b"PAR1 and so on")
    future = dask_client.submit(score_file, bad, clf, tmp_path, pure=False)
    with pytest.raises(ValueError, match=r"3\.parquet: Parquet"):
        future.result()
    # By name only where the reader adds it, as above; and before anything is scored.
    with pytest.raises(ValueError, match="Parquet magic bytes not found"):
        read(folder).map_partitions(score, clf, meta=META).compute()


def test_a_damaged_model_is_named(dask_client, folder, clf, tmp_path):
    path = tmp_path / "model"
    model = read_there(dask_client, clf, path)
    path.write_bytes(path.read_bytes()[:-100])
    scored = read(folder).map_partitions(score, model, meta=META)
    with pytest.raises(skbag.exceptions.ModelFileError, match="model"):
        scored.compute()


WITHOUT_SKBAG = """
import sys

sys.modules["skbag"] = None
"""


def version_there():
    return importlib.import_module("skbag").__version__


def test_a_worker_without_skbag_says_so_if_asked(start_dask, dask_client):
    # Given a model it would stop, and the cluster wait for one that can read it.
    client = start_dask(preload=[WITHOUT_SKBAG])
    with pytest.raises(Exception, match=r"ModuleNotFoundError.*skbag"):
        client.run(version_there)
    assert set(dask_client.run(version_there).values()) == {skbag.__version__}


# -- spark -----------------------------------------------------------------------------


@pytest.fixture
def spark(monkeypatch):
    """Spark on this machine, with workers that run this Python."""
    pytest.importorskip("pyspark", reason="needs Spark: pip install pyspark")
    if shutil.which("java") is None:
        pytest.skip("needs Java, for Spark")
    from pyspark.sql import SparkSession

    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    monkeypatch.setenv("PYTHONPATH", paths)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    with warnings.catch_warnings():
        # Of pyspark's: that it does not know the newest pandas, and sockets left open.
        warnings.simplefilter("ignore")
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )
        yield session
        session.stop()


def test_spark_scores_a_column_by_batches(spark, folder, texts, clf):
    from pyspark.sql.functions import pandas_udf

    model = spark.sparkContext.broadcast(clf)

    def predict(texts: pd.Series) -> pd.Series:
        return pd.Series(model.value.predict(texts))

    frame = spark.read.parquet(str(folder))
    scored = frame.withColumn("label", pandas_udf(predict, "string")("text"))
    rows = scored.collect()
    assert sorted(row["text"] for row in rows) == sorted(texts)
    found = clf.predict([row["text"] for row in rows])
    assert_array_equal([row["label"] for row in rows], found)
