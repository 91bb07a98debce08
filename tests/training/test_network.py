"""The torch module and its numpy export are the same function."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from skbag._core.bags import Bags
from skbag._training.network import HIDDEN_START, Network

SHAPES = [(None, ()), (4, ()), (4, (6,)), (5, (6, 3))]


def bags(n=9, n_ids=20):
    rng = np.random.default_rng(0)
    return Bags.from_csr(
        sp.random(n, n_ids, density=0.2, random_state=rng, format="csr")
    )


def network(embedding_dim, hidden, n_outputs=3, seed=0):
    return Network.initialise(
        20, n_outputs, embedding_dim, hidden, torch.Generator().manual_seed(seed)
    )


def forward(module, texts):
    with torch.no_grad():
        return module(
            torch.from_numpy(texts.ids),
            torch.from_numpy(texts.offsets.astype(np.int32)),
            torch.from_numpy(texts.weights),
        ).numpy()


@pytest.mark.parametrize(("embedding_dim", "hidden"), SHAPES)
def test_export_scores_as_the_module_does(embedding_dim, hidden):
    module = network(embedding_dim, hidden)
    module.table.normal_(generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(
        module.export().scores(bags()), forward(module, bags()), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("embedding_dim", "hidden"), SHAPES)
def test_an_untrained_network_scores_zero(embedding_dim, hidden):
    np.testing.assert_allclose(
        forward(network(embedding_dim, hidden), bags()), 0, atol=1e-6
    )


@pytest.mark.parametrize(("embedding_dim", "hidden"), SHAPES)
def test_going_on_from_an_export(embedding_dim, hidden):
    module = network(embedding_dim, hidden)
    module.table.normal_(generator=torch.Generator().manual_seed(1))
    grown = Network.from_predictor(module.export(), 25)
    assert grown.table.shape[0] == 25
    assert not grown.table[20:].any()
    np.testing.assert_array_equal(forward(grown, bags()), forward(module, bags()))


def test_exported_arrays_own_their_memory():
    module = network(4, (6,))
    fitted = module.export()
    module.table.fill_(7)
    assert not fitted.embedding.any()
    arrays = [fitted.embedding, *fitted.layers[0], *fitted.layers[1]]
    assert all(a.base is None and a.flags.c_contiguous for a in arrays)


def test_linear_head_starts_orthonormal():
    (linear,) = network(8, ()).linears()
    torch.testing.assert_close(linear.weight @ linear.weight.T, torch.eye(3))


def test_hidden_units_start_open():
    module = network(4, (6, 5))
    x = torch.zeros(1, 4)
    for layer in module.head[:-1]:
        x = layer(x)
        if isinstance(layer, torch.nn.ReLU):
            torch.testing.assert_close(x, torch.full_like(x, HIDDEN_START))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_defaults_of_the_user_are_not_ours(dtype):
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(dtype)
        module = network(4, (3,))
        direct = network(None, ())
    finally:
        torch.set_default_dtype(before)
    for made in (module, direct):
        assert made.table.dtype == torch.float32
        assert all(p.dtype == torch.float32 for p in made.parameters())


def test_global_generator_is_not_drawn_from():
    state = torch.random.get_rng_state()
    network(8, (4,))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_seed_decides_the_head():
    first, again, other = (network(8, (), seed=s).export() for s in (1, 1, 2))
    np.testing.assert_array_equal(first.layers[0][0], again.layers[0][0])
    assert (first.layers[0][0] != other.layers[0][0]).any()
