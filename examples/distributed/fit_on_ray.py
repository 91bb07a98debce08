"""
One model by the workers of Ray Train
=====================================

Needs Ray: ``pip install "ray[train]"``. Ray starts the processes, joins them in a
process group of torch.distributed, and keeps the checkpoint that rank 0 reports.
"""

import tempfile
from pathlib import Path

from sklearn.model_selection import train_test_split

import skbag
from skbag.datasets import load_docstrings


def fit_rank(config):
    """Fit with the other ranks, on texts of this one's own."""
    from ray import train

    from skbag import EmbeddingBagClassifier

    context = train.get_context()
    rank, n_ranks = context.get_world_rank(), context.get_world_size()
    # In earnest each rank reads files of its own.
    X, X_test, y, y_test = config["samples"]
    clf = EmbeddingBagClassifier(distributed=True, random_state=0)
    clf.fit(X[rank::n_ranks], y[rank::n_ranks])
    metrics = {"accuracy": clf.score(X_test, y_test)}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = None
        if rank == 0:
            skbag.save(clf, Path(folder) / "model.safetensors")
            checkpoint = train.Checkpoint.from_directory(folder)
        train.report(metrics, checkpoint=checkpoint)


if __name__ == "__main__":
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    X, y = load_docstrings(return_X_y=True)
    samples = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        trainer = TorchTrainer(
            fit_rank,
            train_loop_config={"samples": samples},
            scaling_config=ScalingConfig(num_workers=2),
            run_config=RunConfig(storage_path=folder, name="fit"),
            torch_config=TorchConfig(backend="gloo"),
        )
        result = trainer.fit()
        with result.checkpoint.as_directory() as kept:
            clf = skbag.load(Path(kept) / "model.safetensors")
        print(f"Accuracy {result.metrics['accuracy']:.3f}")
        print(f"The kept model knows {len(clf.classes_)} libraries")
    ray.shutdown()
