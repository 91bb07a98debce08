"""Killed, or out of room, while saving: the earlier file is there, or the new one.

The long form (``SKBAG_LONG=1``) kills a hundred times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import skbag

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits of Unix")

SAVE_FOR_EVER = """
import sys
import skbag

models = [skbag.load(path) for path in sys.argv[2:]]
print("ready", flush=True)
while True:
    for clf in models:
        skbag.save(clf, sys.argv[1])
"""

SAVE_WITHOUT_ROOM = """
import resource, sys
import skbag

clf = skbag.load(sys.argv[2])
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), most))
try:
    skbag.save(clf, sys.argv[1])
except OSError as error:
    said = error
else:
    said = "saved"
# What it says goes to a file as well.
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
print(said)
"""


@pytest.fixture(scope="module")
def models(corpus, make_classifier, tmp_path_factory):
    """Files of three models of different sizes, of several blocks each."""
    folder = tmp_path_factory.mktemp("models")
    texts = [f"{text} word{i}" for i, text in enumerate(corpus.texts * 20)]
    files = []
    for width in (8, 16, 24):
        clf = make_classifier(embedding_dim=width, max_iter=1)
        files.append(folder / f"{width}.safetensors")
        skbag.save(clf.fit(texts, corpus.labels * 20), files[-1])
    return files


@pytest.fixture
def target(models, tmp_path):
    """A file in a folder of its own, saved once."""
    (tmp_path / "target").mkdir()
    file = tmp_path / "target" / "model.safetensors"
    skbag.save(skbag.load(models[0]), file)
    return file


@pytest.mark.slow
def test_killed_at_any_moment(models, target, n_cases):
    sound = {file.read_bytes() for file in models}
    rng, seen = random.Random(0), set()
    for _ in range(n_cases(8, 100)):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(target), *map(str, models)],
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
        found = target.read_bytes()
        assert found in sound
        seen.add(found)
        skbag.load(target)
    assert len(seen) > 1, "no save came to an end: nothing was tried"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_disk_that_is_full_leaves_the_file_alone(share, models, target, new_process):
    before = target.read_bytes()
    limit = int(share * models[2].stat().st_size)
    done = new_process(SAVE_WITHOUT_ROOM, target, models[2], limit)
    assert "cannot be written" in done.stdout, done.stderr
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_with_just_enough_room(models, target, new_process):
    size = models[2].stat().st_size
    done = new_process(SAVE_WITHOUT_ROOM, target, models[2], size)
    assert done.stdout == "saved\n", done.stderr
    assert target.read_bytes() == models[2].read_bytes()


STAGES = ("safetensors.numpy.save_file", "os.fsync", "os.replace", "os.chmod")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_an_error_at_any_stage(stage, error, models, target, monkeypatch):
    clf, before = skbag.load(models[1]), target.read_bytes()

    def fail(*_):
        raise error

    monkeypatch.setattr(stage, fail)
    with pytest.raises(type(error), match=error.args[-1] if error.args else None):
        skbag.save(clf, target)
    monkeypatch.undo()
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_what_a_kill_leaves_behind_does_not_disturb(models, target):
    leftover = Path(f"{target}.0000beef.tmp")
    leftover.write_bytes(b"half a file")
    skbag.save(skbag.load(models[1]), target)
    assert target.read_bytes() == models[1].read_bytes()
