"""
Several processes train one model
=================================

Each on texts of its own::

    torchrun --nproc-per-node 2 examples/distributed/train.py

On several machines, the same command on each (here on the first of two)::

    torchrun --nnodes 2 --node-rank 0 --nproc-per-node 1 \
        --rdzv-backend c10d --rdzv-endpoint first.machine:29500 train.py
"""

import argparse
import os

import torch
import torch.distributed as dist
from sklearn.model_selection import train_test_split

import skbag
from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

arguments = argparse.ArgumentParser()
arguments.add_argument("--folder", default=".", help="where the model is to be")
folder = arguments.parse_args().folder

# NCCL needs a GPU for each process.
local_rank = int(os.environ["LOCAL_RANK"])
has_gpus = torch.cuda.device_count() > local_rank
if has_gpus:
    torch.cuda.set_device(local_rank)
dist.init_process_group("nccl" if has_gpus else "gloo")
rank, world_size = dist.get_rank(), dist.get_world_size()

# In earnest each process reads files of its own: parquet parts[rank::world_size], say.
texts, labels = load_docstrings(return_X_y=True)
texts, test_texts, labels, test_labels = train_test_split(
    texts, labels, test_size=0.25, stratify=labels, random_state=0
)

clf = EmbeddingBagClassifier(
    distributed=True,
    # After an accident the same command goes on from the last completed epoch.
    checkpoint=os.path.join(folder, "fit.ckpt"),
    random_state=0,
    verbose=1,  # Only rank 0 prints.
)
clf.fit(texts[rank::world_size], labels[rank::world_size])

# All ranks have the same model now; one is enough to keep it.
if rank == 0:
    skbag.save(clf, os.path.join(folder, "model.safetensors"))
    print(f"Accuracy {clf.score(test_texts, test_labels):.3f}")
dist.destroy_process_group()
# sphinx_gallery_thumbnail_path = "drawings/thumbnails/several_processes.svg"
