"""The trained model as an ONNX graph, from weighted bags to what it predicts.

ONNX knows no bags, so each is summed by itself: a Scan over the starts and stops of the
texts cuts out a row of weights and multiplies it with the rows of its ids. To add all
rows to their sums at once, by ScatterND, would take (nnz, width) numbers first, and go
wrong: onnxruntime (1.20 to 1.32) does it in threads that overwrite each other's sums.

onnx is imported only where a graph is built: it is an optional dependency.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.clusters import Clusters
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration
from skbag._targets.links import class_scores
from skbag._version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

OPSET = 13
"""The first in which all operators used here mean what they mean today (2020)."""

IR_VERSION = 7
"""That of the same release: a runtime refuses a version that it does not know."""

MOST_BYTES = 2**31 - 2**20
"""Numbers that fit a protobuf message beside the graph; it ends at 2 GiB."""

_DESCRIPTION = (
    "Model of texts by skbag, from weighted bags of token ids to scores and "
    "probabilities, or to numbers. The estimator's encode makes the inputs from texts."
)


def _import_onnx() -> Any:
    try:
        import onnx
        import onnx.helper
    except ImportError as error:
        raise ImportError(
            "to_onnx needs the package onnx, which is not installed. Install it, and "
            'onnxruntime to run what it makes: pip install "skbag[onnx]"'
        ) from error
    return onnx


def build_onnx(
    predictor: Predictor,
    calibration: Calibration,
    classes: NDArray[Any],
    *,
    one_of_all: bool = True,
) -> ModelProto:
    """Write a model down as an ONNX graph.

    Parameters
    ----------
    predictor : Predictor
    calibration : Calibration
    classes : ndarray of shape (n_classes,)
        Labels; each one's ``str`` is kept in the metadata.
    one_of_all : bool
        Whether probabilities are shared among all classes, or each label has its own.

    Returns
    -------
    model : onnx.ModelProto
        Inputs and outputs as in `EmbeddingBagClassifier.to_onnx`.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If the numbers are more than a protobuf message can hold.
    """
    _import_onnx()
    _check_size(predictor)
    graph = Graph()
    sums = _sum_bags(graph, predictor.dense)
    _apply_model(graph, sums, predictor, calibration, one_of_all)
    outputs = {"probabilities": len(classes), "scores": predictor.n_outputs}
    labels = json.dumps([str(label) for label in classes.tolist()])
    return _as_model(graph, outputs, {"classes": labels})


def build_regression_onnx(predictor: Predictor, *, has_log_link: bool) -> ModelProto:
    """Write a model of numbers down as an ONNX graph.

    Parameters
    ----------
    predictor : Predictor
        Whose scores are in units of `y`.
    has_log_link : bool
        Whether they are logarithms of predictions.

    Returns
    -------
    model : onnx.ModelProto
        Inputs and outputs as in `EmbeddingBagRegressor.to_onnx`.

    Raises
    ------
    ImportError, ValueError
        As `build_onnx`.
    """
    _import_onnx()
    _check_size(predictor)
    graph = Graph()
    scores = _apply_layers(graph, _sum_bags(graph, predictor.dense), predictor)
    graph.node("Exp" if has_log_link else "Identity", scores, output="predictions")
    return _as_model(graph, {"predictions": predictor.n_outputs}, {})


def _as_model(
    graph: Graph, outputs: dict[str, int], properties: dict[str, str]
) -> ModelProto:
    """Model of a graph with outputs of given widths, float32."""
    onnx = _import_onnx()
    TensorProto, helper = onnx.TensorProto, onnx.helper
    int64, float32 = TensorProto.INT64, TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "skbag",
            inputs=[
                helper.make_tensor_value_info("text", int64, ["nnz"]),
                helper.make_tensor_value_info("offsets", int64, ["n_samples"]),
                helper.make_tensor_value_info("per_sample_weights", float32, ["nnz"]),
            ],
            outputs=[
                helper.make_tensor_value_info(name, float32, ["n_samples", width])
                for name, width in outputs.items()
            ],
            initializer=graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="skbag",
        producer_version=__version__,
        doc_string=_DESCRIPTION,
    )
    helper.set_model_props(
        model,
        {
            **properties,
            "skbag_version": __version__,
            "scikit_learn_version": sklearn.__version__,
            "onnx_version": onnx.__version__,
        },
    )
    return model


def matrix_graph(
    predictor: Predictor, calibration: Calibration, *, one_of_all: bool = True
) -> Graph:
    """Nodes and constants from a matrix to scores, probabilities and class codes.

    Parameters
    ----------
    predictor : Predictor
    calibration : Calibration
    one_of_all : bool
        Whether probabilities are shared among all classes, or each label has its own.

    Returns
    -------
    graph : Graph
        Its input is `X`, float32, of shape (n_samples, n_features). Its outputs are
        `scores` and `probabilities` as in `build_onnx`, and `codes`, int64: of the
        class, of shape (n_samples,), or 1 for each label that is predicted, of shape
        (n_samples, n_labels).

    Raises
    ------
    ImportError, ValueError
        As `build_onnx`.
    """
    onnx = _import_onnx()
    _check_size(predictor)
    graph = Graph()
    embedding = graph.constant(predictor.dense, "embedding")
    sums = graph.node("MatMul", "X", embedding)
    _apply_model(graph, sums, predictor, calibration, one_of_all)
    if one_of_all and predictor.n_outputs > 1:
        graph.node("ArgMax", "scores", axis=1, keepdims=0, output="codes")
        return graph
    zero = graph.constant(np.array(0, WEIGHT_DTYPE))
    positive = graph.node("Greater", "scores", zero)
    int64 = onnx.TensorProto.INT64
    if not one_of_all:
        graph.node("Cast", positive, to=int64, output="codes")
        return graph
    column = graph.node("Cast", positive, to=int64)
    one = graph.constant(np.array([1], dtype=np.int64))
    graph.node("Squeeze", column, one, output="codes")
    return graph


def _apply_model(
    graph: Graph,
    sums: str,
    predictor: Predictor,
    calibration: Calibration,
    one_of_all: bool,
) -> None:
    """Scores and probabilities of the sums of bags."""
    scores = _apply_layers(graph, sums, predictor)
    inverse_temperature = calibration.inverse_temperature
    if calibration.link == "softplus":
        _apply_softplus(graph, scores, inverse_temperature)
    elif one_of_all:
        _apply_softmax(graph, scores, inverse_temperature, predictor.n_outputs)
    else:
        powers = _powers(graph, scores, inverse_temperature)
        graph.node("Sigmoid", powers, output="probabilities")


class Graph:
    """Nodes and constants as they are added; each output has a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, array: NDArray[Any], name: str | None = None) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self, operator: str, *inputs: str, output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node of one output and return the output's name."""
        from onnx import helper

        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def _sum_bags(graph: Graph, embedding: NDArray[np.float32]) -> str:
    """Weighted sum of the rows of each bag, (n_samples, width)."""
    from onnx import TensorProto, helper

    graph.constant(embedding, "embedding")
    one = graph.constant(np.array([1], dtype=np.int64))
    last = graph.constant(np.array([np.iinfo(np.int64).max], dtype=np.int64))
    # Whatever need not be done for each text is done outside of the loop.
    zero = graph.constant(np.array([0], dtype=np.int64))
    weights = graph.node("Unsqueeze", "per_sample_weights", zero)
    bounds = graph.node("Concat", "offsets", graph.node("Shape", "text"), axis=0)
    stops = graph.node("Unsqueeze", graph.node("Slice", bounds, one, last), one)
    starts = graph.node("Unsqueeze", "offsets", one)

    text = Graph()
    ids = text.node("Slice", "text", "start", "stop", output="ids")
    row = text.node("Slice", weights, "start", "stop", one, output="weights")
    rows = text.node("Gather", "embedding", ids, output="rows")
    # Of no ids as well: a product over nothing is zero.
    text.node("MatMul", row, rows, output="sum")
    body = helper.make_graph(
        text.nodes,
        "sum_of_one_bag",
        inputs=[
            helper.make_tensor_value_info(name, TensorProto.INT64, [1])
            for name in ("start", "stop")
        ],
        outputs=[
            helper.make_tensor_value_info(
                "sum", TensorProto.FLOAT, [1, embedding.shape[1]]
            )
        ],
    )
    sums = graph.node("Scan", starts, stops, body=body, num_scan_inputs=2)
    return graph.node("Squeeze", sums, one)


def _apply_layers(graph: Graph, x: str, predictor: Predictor) -> str:
    """Scores of the sums, (n_samples, n_outputs)."""
    last = len(predictor.layers) - 1
    for depth, (coef, intercept) in enumerate(predictor.layers):
        output = "scores" if depth == last else None
        if depth:
            x = graph.node("Relu", x)
        if depth == last and predictor.clusters is not None:
            assert coef is not None
            x = _apply_clusters(graph, x, predictor.clusters, coef, intercept)
            continue
        bias = graph.constant(intercept, f"intercept_{depth}")
        if coef is None:
            x = graph.node("Add", x, bias, output=output)
        else:
            weight = graph.constant(coef, f"coef_{depth}")
            x = graph.node("Gemm", x, weight, bias, transB=1, output=output)
    return x


def _apply_clusters(
    graph: Graph,
    x: str,
    clusters: Clusters,
    coef: NDArray[np.float32],
    intercept: NDArray[np.float32],
) -> str:
    """Log-probabilities of an adaptive softmax: see `Clusters`."""
    head_size, n_shortlist = clusters.head_size, clusters.n_shortlist

    def linear(part: slice) -> str:
        weight, bias = graph.constant(coef[part]), graph.constant(intercept[part])
        return graph.node("Gemm", x, weight, bias, transB=1)

    def numbers(*values: int) -> str:
        return graph.constant(np.array(values, dtype=np.int64))

    one = numbers(1)
    first = graph.node("LogSoftmax", linear(slice(head_size)), axis=1)
    short = graph.node("Slice", first, numbers(0), numbers(n_shortlist), one)
    of_clusters = graph.node(
        "Slice", first, numbers(n_shortlist), numbers(head_size), one
    )
    # 0: as many samples as there are.
    shape = numbers(0, clusters.n_clusters, clusters.size)
    within = graph.node("Reshape", linear(slice(head_size, None)), shape)
    within = graph.node("LogSoftmax", within, axis=2)
    both = graph.node("Add", within, graph.node("Unsqueeze", of_clusters, numbers(2)))
    flat = graph.node("Reshape", both, numbers(0, clusters.n_clusters * clusters.size))
    ordered = graph.node("Concat", short, flat, axis=1)
    places = graph.constant(clusters.places, "places")
    return graph.node("Gather", ordered, places, axis=1, output="scores")


def _apply_softmax(
    graph: Graph, scores: str, inverse_temperature: float, n_outputs: int
) -> None:
    """Probabilities, (n_samples, n_classes)."""
    # What a score of 1 is to each class: ones, or -1/2 and 1/2 of one shared score.
    factors = (
        class_scores(np.ones((1, n_outputs), dtype=WEIGHT_DTYPE)) * inverse_temperature
    )
    link = graph.constant(factors.astype(WEIGHT_DTYPE), "temperature")
    powers = graph.node("Mul", scores, link)
    graph.node("Softmax", powers, axis=1, output="probabilities")


def _powers(graph: Graph, scores: str, inverse_temperature: float) -> str:
    factor = graph.constant(np.array(inverse_temperature, WEIGHT_DTYPE), "temperature")
    return graph.node("Mul", scores, factor)


def _apply_softplus(graph: Graph, scores: str, inverse_temperature: float) -> None:
    """Shares of softplus, as the softmax of its logarithm: x itself far below 0."""
    powers = _powers(graph, scores, inverse_temperature)
    least = graph.constant(np.array(-15, WEIGHT_DTYPE), "least")
    near = graph.node("Max", powers, least)
    logs = graph.node("Log", graph.node("Softplus", near))
    shares = graph.node("Where", graph.node("Less", powers, least), powers, logs)
    graph.node("Softmax", shares, axis=1, output="probabilities")


def _check_size(predictor: Predictor) -> None:
    """Raise where protobuf could not hold the numbers."""
    arrays = [
        predictor.dense,
        *(array for layer in predictor.layers for array in layer),
    ]
    n_bytes = sum(array.nbytes for array in arrays if array is not None)
    if n_bytes > MOST_BYTES:
        n_ids, width = predictor.dense.shape
        raise ValueError(
            "An ONNX model is a protobuf message, which holds 2 GiB at most; this "
            f"model has {n_bytes / 2**30:.2f} GiB, in a table of {n_ids:,} x {width}. "
            "Fit it with fewer features (min_df, max_features) or a narrower table "
            "(embedding_dim), or use to_torch, which has no such bound."
        )
