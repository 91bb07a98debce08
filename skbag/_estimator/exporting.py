"""Exports of a fitted model: arrays, graphs, a small copy."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from skbag._core.bags import EmbeddingBagInput
from skbag._core.threads import n_threads
from skbag._estimator import inputs
from skbag._estimator.fitted_attributes import FittedModelMixin
from skbag._estimator.parameters import check_compression
from skbag._model.model import Model
from skbag._persistence.safetensors_file import file_size

if TYPE_CHECKING:
    from onnx import ModelProto

    from skbag._training.torch_module import EmbeddingBagModule

_Self = TypeVar("_Self", bound="ExportingMixin")


class ExportingMixin(FittedModelMixin):
    """Methods that give the model in another form."""

    def encode(self, X: Any) -> EmbeddingBagInput:
        """Weighted bags of token ids: what the graphs below take in place of texts.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        text : ndarray of shape (nnz,), dtype=int64
            Ids (rows of `embedding_`) of the known tokens of all texts, end to end.
        offsets : ndarray of shape (n_samples,), dtype=int64
            Where the ids of each text start.
        per_sample_weights : ndarray of shape (nnz,), dtype=float32
            The fitted weight of each of the tokens in its text.

        See Also
        --------
        to_torch, to_onnx : Graphs that go on from here.
        """
        model = self._learning_model("encode for other graphs; take the ids of")
        X = inputs.read_X(self, X, reset=False)
        return model.bags(X, n_threads(self.n_jobs)).to_embedding_bag()

    def to_torch(self, *, sparse: bool = False) -> EmbeddingBagModule:
        """Give the model as a torch module, for instance to train it further.

        ``module(*map(torch.from_numpy, clf.encode(X)))`` is `decision_function`,
        within rounding; for two classes with one column, of shape (n_samples, 1). Of a
        regressor it is `predict`, or the logarithm of that with ``loss="poisson"``.

        Parameters
        ----------
        sparse : bool, default=False
            Whether the gradient of the table is a sparse tensor, for optimizers that
            take one, such as ``torch.optim.SparseAdam``.

        Returns
        -------
        module : nn.Module
            ``module.embedding`` is an ``nn.EmbeddingBag(mode="sum")``,
            ``module.linear`` an ``nn.Linear``, with `hidden_layer_sizes` an
            ``nn.Sequential`` of Linear and ReLU; the last of them is, of an adaptive
            softmax, a module of skbag that gives log-probabilities. With
            ``embedding_dim=None`` the Linear starts as the identity and `intercept_`.
            Called as ``module(text,
            offsets, per_sample_weights=None)``; without weights each token counts 1.
            All parameters are copies, on the CPU, and require a gradient.

        See Also
        --------
        encode : What it takes in.
        """
        predictor = self._learning_model("become a torch module; convert").predictor
        # Imported here: predicting with an unpickled estimator must not need torch.
        from skbag._training.torch_module import EmbeddingBagModule

        predictor = self._in_units_of_y(predictor)
        return EmbeddingBagModule.from_predictor(predictor, sparse=sparse)

    def to_onnx(self) -> ModelProto:
        """Give the model as an ONNX graph, from `encode` to what it predicts.

        Needs the package onnx (``pip install "skbag[onnx]"``) and no torch. Texts
        become ids and weights in Python, by `encode`; the graph does the rest.

        Returns
        -------
        model : onnx.ModelProto
            Its inputs are `text`, `offsets` and `per_sample_weights` of `encode`, for
            one text at least. Of a classifier its outputs are `probabilities` of shape
            (n_samples, n_classes) and `scores` of shape (n_samples, n_outputs), with
            one output for two classes, both float32; of an adaptive softmax the scores
            are log-probabilities, as in `decision_function`. Of a regressor there is
            one, `predictions` of shape (n_samples, n_outputs), float32. Its metadata
            hold `classes` of a classifier (the labels as strings, in JSON) and the
            versions of skbag, scikit-learn and onnx.

        Raises
        ------
        ImportError
            If onnx is not installed.
        ValueError
            If the model has more than the 2 GiB that a protobuf message can hold.

        See Also
        --------
        encode : What it takes in.
        """
        model = self._learning_model("become an ONNX graph; convert")
        return self._build_onnx(model)

    @abstractmethod
    def _build_onnx(self, model: Model) -> ModelProto:
        """Graph of a model of this kind of `y`."""

    def compress(
        self: _Self, max_bytes: int | None = None, *, bits: int | str = "auto"
    ) -> _Self:
        """Return a small copy that predicts; this estimator stays as it is.

        Each number of the table takes `bits` bits (row-wise affine quantisation), each
        weight one byte. Features are known by hashes instead of names, so that of some
        4,000 unknown ones one is taken for a known one; what only learning needs is
        left out. Under a budget those rows are left out, too, that the scores need
        least; their share goes to their back-off features, a bigram's to a word of it.
        The compressed estimator is used as it is, without being unpacked.

        Parameters
        ----------
        max_bytes : int, default=None
            The most bytes that the file of `skbag.save` may have. None: all features
            are kept.
        bits : {'auto', 2, 4, 8, 16}, default='auto'
            Bits of each number of the table. 'auto' is 8 without a budget; with one,
            2, 4 or 8: what loses least in it.

        Returns
        -------
        compressed : estimator of the same class
            Predicts, transforms, pickles and is saved as ever. It has no
            `vocabulary_`, no `embedding_`, no `coef_` and nothing that needs them
            (`encode`, `to_torch`, `to_onnx`), and does not
            learn on: `partial_fit`, and `fit` with `warm_start`, raise ValueError.

        Raises
        ------
        ValueError
            If `max_bytes` cannot be met (the message says what can), or the estimator
            is compressed already.
        TypeError
            If a parameter or label is of a type that `skbag.save` cannot store.
        """
        # Imported here: predicting does not need it.
        from skbag._model.compression import compress

        max_bytes = check_compression(max_bytes, bits)
        model = self._learning_model("be compressed again; compress")
        compressed = copy.copy(self)
        compressed.__dict__.pop("_resume", None)

        def size(model: Model) -> int:
            compressed._model = model
            return file_size(compressed)

        compressed._model = compress(model, max_bytes, bits, size)
        return compressed
