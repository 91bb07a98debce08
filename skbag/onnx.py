"""A converter for skl2onnx: pipelines that end in a classifier of skbag, as ONNX.

Not imported with the package: ``from skbag.onnx import register_converter``. It needs
skl2onnx, which is imported when a converter is registered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skbag._classifier import EmbeddingBagClassifier
from skbag._persistence.onnx_graph import OPSET, Graph, matrix_graph

__all__ = ["register_converter"]

_ALIAS = "SkbagEmbeddingBagClassifier"


def register_converter() -> None:
    """Let ``skl2onnx.to_onnx`` convert `EmbeddingBagClassifier`, in pipelines, too.

    Of classifiers that were fitted on a matrix, which the steps before them make of
    texts or other columns; they are converted by skl2onnx's own converters. Call it
    once in a process, before ``to_onnx``; to call it again changes nothing.

    The graph has the outputs of skl2onnx's own classifiers, `label` and
    `probabilities`, and takes their options ``zipmap`` (True, False or "columns"),
    ``output_class_labels`` and ``nocl``. It needs opset 13 or later.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    With skl2onnx installed, ``onnx.save(to_onnx(pipeline, X[:1]), "pipeline.onnx")``
    after ``register_converter()``.
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "register_converter adds to skl2onnx, which is not installed. Install it: "
            'pip install skl2onnx "skbag[onnx]"'
        ) from error
    update_registered_converter(
        EmbeddingBagClassifier,
        _ALIAS,
        _set_output_shapes,
        _convert,
        overwrite=True,
        options={
            "zipmap": [True, False, "columns"],
            "output_class_labels": [False, True],
            "nocl": [True, False],
        },
    )


def _set_output_shapes(operator: Any) -> None:
    """Say what `label` and `probabilities` are, of classes or of labels."""
    from skl2onnx.common.data_types import (
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    clf = operator.raw_operator
    _check_matrix(clf)
    n_samples = operator.inputs[0].get_first_dimension()
    n_classes = len(clf.classes_)
    shape = [n_samples] if clf._targets.one_of_all else [n_samples, n_classes]
    is_text = _labels(operator).dtype.kind == "O"
    label = StringTensorType(shape) if is_text else Int64TensorType(shape)
    operator.outputs[0].type = label
    operator.outputs[1].type = FloatTensorType([n_samples, n_classes])


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted classifier to a graph of skl2onnx."""
    from onnx import TensorProto

    clf = operator.raw_operator
    _check_matrix(clf)
    if container.target_opset < OPSET:
        raise ValueError(
            f"{type(clf).__name__} is converted with operators of opset {OPSET}, but "
            f"target_opset is {container.target_opset}. Pass target_opset={OPSET} or "
            "leave it out."
        )
    model = clf._learning_model("become an ONNX graph; convert")
    one_of_all = clf._targets.one_of_all
    graph = matrix_graph(model.predictor, model.calibration, one_of_all=one_of_all)
    names = {"probabilities": operator.outputs[1].full_name}
    names["X"] = scope.get_unique_variable_name("X")
    source = operator.inputs[0].full_name
    container.add_node(
        "Cast", source, names["X"], to=TensorProto.FLOAT, op_version=OPSET
    )
    label = operator.outputs[0].full_name
    if not one_of_all:
        names["codes"] = label
    _add(scope, container, graph, names)
    if one_of_all:
        labels = scope.get_unique_variable_name("classes")
        classes = _labels(operator)
        is_text = classes.dtype.kind == "O"
        kind = TensorProto.STRING if is_text else TensorProto.INT64
        values = [each.encode() for each in classes] if is_text else classes
        container.add_initializer(labels, kind, list(classes.shape), values)
        container.add_node(
            "Gather", [labels, names["codes"]], label, axis=0, op_version=OPSET
        )


def _add(scope: Any, container: Any, graph: Graph, names: dict[str, str]) -> None:
    """Add nodes and constants under names that the whole graph does not have yet.

    Parameters
    ----------
    scope, container : objects of skl2onnx
    graph : Graph
    names : dict of str to str
        Names that are known already; the others are added.
    """
    from onnx import helper

    def name_of(name: str) -> str:
        if name not in names:
            names[name] = scope.get_unique_variable_name(name)
        return names[name]

    for constant in graph.constants:
        constant.name = name_of(constant.name)
        container.initializers.append(constant)
    for node in graph.nodes:
        container.add_node(
            node.op_type,
            [name_of(name) for name in node.input],
            [name_of(name) for name in node.output],
            op_version=OPSET,
            name=scope.get_unique_operator_name(node.op_type),
            **{each.name: helper.get_attribute_value(each) for each in node.attribute},
        )


def _labels(operator: Any) -> Any:
    """Return the labels as int64 or str objects; with "nocl" their numbers."""
    clf = operator.raw_operator
    options = operator.scope_inst.get_options(clf, {"nocl": False}, fail=False)
    classes = clf.classes_
    if options.get("nocl"):
        return np.arange(len(classes))
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(object)
    raise ValueError(
        "skl2onnx has labels that are whole numbers or strings, but this "
        f"{type(clf).__name__} has {classes.tolist()[0]!r}, of the type "
        f"{type(classes.tolist()[0]).__name__}. Convert y, or pass the option "
        "nocl=True for the numbers of the classes."
    )


def _check_matrix(clf: EmbeddingBagClassifier) -> None:
    """Raise where what comes before the bags is not a graph.

    Raises
    ------
    NotFittedError, ValueError
    """
    model = clf._learning_model("become an ONNX graph; convert")
    if model.encoder is not None:
        raise ValueError(
            f"This {type(clf).__name__} was fitted on texts, and ONNX has no operators "
            "for their tokens. Convert a pipeline in which a vectorizer makes a "
            "matrix of them; or call its own to_onnx(), which starts from encode(X)."
        )
