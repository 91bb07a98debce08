"""The written-out step is torch's own, and touches the batch's rows only."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from skbag._core.bags import Bags
from skbag._targets.links import n_outputs
from skbag._targets.losses import LOSSES
from skbag._training.batches import make_batches
from skbag._training.devices import Placement
from skbag._training.network import Network
from skbag._training.trainer import Diverged, Schedule, Trainer
from tests.conftest import rotating

CPU = torch.device("cpu")


def samples(n=24, n_ids=30, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = sp.random(n, n_ids, density=0.2, random_state=rng, format="csr")
    return Bags.from_csr(X), rng.integers(n_classes, size=n)


def make_trainer(
    n_classes=3,
    embedding_dim=None,
    hidden=(),
    loss="squared_hinge",
    alpha=0.0,
    rate=0.1,
    n_steps=None,
    seed=0,
    **options,
):
    bags, codes = samples(n_classes=n_classes)
    network = Network.initialise(
        bags.n_ids,
        n_outputs(n_classes),
        embedding_dim,
        hidden,
        torch.Generator().manual_seed(seed),
    )
    batches = make_batches(
        bags,
        codes,
        lambda bags, first: None,
        batch_size=8,
        keep_order=options.get("dropout", 0) > 0,
    )
    schedule = Schedule(learning_rate=rate, alpha=alpha, n_steps=n_steps)
    placed = Placement(batches, CPU)
    return Trainer(network, LOSSES[loss], placed, schedule, **options), bags, codes


def reference_table(trainer, bags, codes, loss, rate, alpha, n_steps):
    """Train torch's own EmbeddingBag with its own SGD; the head's steps are given."""
    network = trainer.network
    embedding = nn.EmbeddingBag.from_pretrained(
        network.table.clone(),
        freeze=False,
        mode="sum",
        sparse=True,
        include_last_offset=True,
    )
    sgd = torch.optim.SGD(embedding.parameters(), lr=rate)
    n_batches = len(trainer.batches)
    for number, batch in enumerate(trainer.batches):
        now = rate * (1 - number / n_steps) if n_steps else rate
        sgd.param_groups[0]["lr"] = now
        part = bags.slice(batch.start, batch.stop)
        x = embedding(
            torch.from_numpy(part.ids),
            torch.from_numpy(part.offsets.astype(np.int32)),
            torch.from_numpy(part.weights),
        )
        scores = network.head(x)
        above, _ = LOSSES[loss].gradient(scores.detach(), batch.codes, None)
        sgd.zero_grad()
        scores.backward(above)
        with torch.no_grad():
            embedding.weight.mul_(1 - now * alpha * len(batch))
        sgd.step()
        trainer.run_epoch(np.array([number]))
    assert n_batches == 3
    return embedding.weight.detach().numpy()


@pytest.mark.slow
@rotating(
    layers=[(2, None, ()), (3, None, ()), (3, 4, ()), (2, 4, ()), (3, 4, (5,))],
    loss=list(LOSSES),
    n_steps=[None, 9],
    alpha=[0.0, 0.01],
)
def test_table_is_that_of_torch_embedding_bag_with_sgd(layers, loss, n_steps, alpha):
    n_classes, embedding_dim, hidden = layers
    trainer, bags, codes = make_trainer(
        n_classes, embedding_dim, hidden, loss, alpha, n_steps=n_steps
    )
    expected = reference_table(trainer, bags, codes, loss, 0.1, alpha, n_steps)
    np.testing.assert_allclose(
        trainer.export().embedding, expected, rtol=1e-4, atol=1e-6
    )


def test_intercept_is_that_of_torch_adagrad():
    trainer, bags, _ = make_trainer()
    bias = torch.zeros(3, requires_grad=True)
    adagrad = torch.optim.Adagrad([bias], lr=0.1, initial_accumulator_value=1e-8, eps=0)
    for number, batch in enumerate(trainer.batches):
        scores = (
            torch.from_numpy(bags.slice(batch.start, batch.stop).to_csr().toarray())
            @ trainer.network.table
        )
        (scores + bias).backward(
            LOSSES["squared_hinge"].gradient(
                (scores + bias).detach(), batch.codes, None
            )[0]
        )
        adagrad.step()
        adagrad.zero_grad()
        trainer.run_epoch(np.array([number]))
    (_, intercept) = trainer.export().layers[-1]
    np.testing.assert_allclose(intercept, bias.detach(), rtol=1e-4)


def test_rows_outside_the_batch_are_not_touched():
    trainer, _, _ = make_trainer(embedding_dim=4)
    trainer.network.table.fill_(torch.nan)
    touched = trainer.batches[0].rows
    trainer.network.table[touched] = 0.0
    trainer.run_epoch(np.array([0]))
    untouched = np.setdiff1d(np.arange(30), touched)
    table = trainer.network.table.numpy()
    assert np.isnan(table[untouched]).all()
    assert np.isfinite(table[touched]).all()
    assert table[touched].any()


def test_the_scale_of_the_penalty_folds_into_the_table():
    trainer, bags, codes = make_trainer(alpha=2.0, rate=0.02)
    expected = reference_table(trainer, bags, codes, "squared_hinge", 0.02, 2.0, None)
    trainer._fold_scale()
    assert trainer._scale == 1
    np.testing.assert_allclose(trainer.network.table, expected, rtol=1e-4, atol=1e-7)


def test_watched_scores_are_those_before_the_step():
    trainer, bags, _ = make_trainer(rate=0.2)
    trainer.run_epoch(np.array([0, 1]))
    before = trainer.export().scores(bags.slice(16, 24))
    progress = trainer.run_epoch(np.array([2]), np.array([2]))
    np.testing.assert_array_equal(progress.rows, np.arange(16, 24))
    np.testing.assert_allclose(progress.scores, before, rtol=1e-5, atol=1e-6)


def test_loss_is_the_mean_per_text():
    trainer, _, _ = make_trainer(n_classes=3)
    # At zero scores each of three one-vs-rest hinges costs 1.
    assert trainer.run_epoch(np.array([1])).loss == pytest.approx(3.0)


def test_unsound_step_is_not_taken():
    trainer, _, _ = make_trainer()
    trainer.network.table.fill_(1e6)
    before = trainer.network.table.clone()
    with pytest.raises(Diverged, match="the loss of a batch of 8 is"):
        trainer.run_epoch(np.array([0]))
    torch.testing.assert_close(trainer.network.table, before, rtol=0, atol=0)


def test_dropout_blanks_the_same_entries_in_both_orders():
    trainer, _, _ = make_trainer(dropout=0.5)
    batch = trainer.batches[0]
    weights, row_weights = trainer._kept_weights(batch)
    torch.testing.assert_close(weights[batch.order], row_weights)
    ratio = weights / batch.weights
    assert set(ratio.tolist()) == {0.0, 2.0}


def test_dropout_repeats_with_its_seed():
    def table(seed):
        trainer, _, _ = make_trainer(dropout=0.3)
        trainer._generator.manual_seed(seed)
        trainer.run_epoch(np.arange(3))
        return trainer.export().embedding

    np.testing.assert_array_equal(table(1), table(1))
    assert (table(1) != table(2)).any()


def test_accumulators_go_on_where_they_were():
    whole, _, _ = make_trainer(embedding_dim=4)
    whole.run_epoch(np.arange(3))
    first, _, _ = make_trainer(embedding_dim=4)
    first.run_epoch(np.array([0]))
    second, bags, _ = make_trainer(embedding_dim=4, accumulators=first.accumulators)
    second.network = Network.from_predictor(first.export(), bags.n_ids)
    second.run_epoch(np.array([1, 2]))
    for mine, theirs in zip(
        second.export().layers[0], whole.export().layers[0], strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_global_generator_and_grad_mode_are_left_alone():
    state = torch.random.get_rng_state()
    with torch.no_grad():
        trainer, _, _ = make_trainer(embedding_dim=4, hidden=(3,), dropout=0.2)
        trainer.run_epoch(np.arange(3))
    assert torch.equal(torch.random.get_rng_state(), state)
