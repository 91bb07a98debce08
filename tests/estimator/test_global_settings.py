"""What a decorated call changes for the whole program, it puts back."""

import numpy as np
import pytest
import sklearn

from skbag._estimator.fit_context import keeps_global_settings


@keeps_global_settings
def careless(error):
    """Change both settings, and leave by an error where one is given."""
    np.seterr(all="raise")
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    if error is not None:
        raise error
    return "done"


@pytest.fixture
def settings():
    before = np.geterr(), sklearn.get_config()
    yield before
    np.seterr(**before[0])
    sklearn.set_config(**before[1])


def test_after_a_call(settings):
    assert careless(None) == "done"
    assert (np.geterr(), sklearn.get_config()) == settings


@pytest.mark.parametrize("error", [KeyboardInterrupt("now"), ValueError("now")])
def test_after_an_error(error, settings):
    with pytest.raises(type(error), match="now"):
        careless(error)
    assert (np.geterr(), sklearn.get_config()) == settings


def test_interrupted_while_putting_back(settings, monkeypatch):
    """The first try to put back may be what Ctrl-C ends; the second is not."""
    calls = []

    def once_interrupted(**errors):
        calls.append(errors)
        if len(calls) == 1:
            raise KeyboardInterrupt("while putting back")
        return real(**errors)

    real = np.seterr
    monkeypatch.setattr("skbag._estimator.fit_context.np.seterr", once_interrupted)

    @keeps_global_settings
    def call():
        real(all="raise")

    with pytest.raises(KeyboardInterrupt, match="while putting back"):
        call()
    monkeypatch.undo()
    assert (np.geterr(), sklearn.get_config()) == settings
