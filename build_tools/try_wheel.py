"""Try an installed skbag: import each compiled module, fit, save, load and predict.

Where torch is missing, as it has no wheels for musl, only the imports are tried.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import skbag

package = Path(skbag.__file__).parent
modules = sorted(
    path.relative_to(package.parent).as_posix().split(".")[0].replace("/", ".")
    for path in package.rglob(f"*{EXTENSION_SUFFIXES[0]}")
)
if not modules and list(package.rglob("*.pyx")):
    sys.exit(f"There is no compiled module in {package}.")
for module in modules:
    importlib.import_module(module)

if find_spec("torch") is not None:
    texts = ["bake the dough", "knead the bread", "sail the ship", "row a boat"] * 10
    labels = ["kitchen", "kitchen", "sea", "sea"] * 10
    clf = skbag.EmbeddingBagClassifier(random_state=0).fit(texts, labels)
    file = BytesIO()
    skbag.save(clf, file)
    file.seek(0)
    assert skbag.load(file).predict(["the bread", "a ship"]).tolist() == labels[1:3]

print(f"skbag {skbag.__version__}: {len(modules)} compiled modules in {package}")
