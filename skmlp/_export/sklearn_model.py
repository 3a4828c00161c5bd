"""A fitted network as an estimator of scikit-learn."""

import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

# what MLPClassifier has of the parameters that have more values here
_VALUES_OF_SKLEARN = {
    "activation": {"identity", "logistic", "tanh", "relu"},
    "solver": {"lbfgs", "sgd", "adam"},
    "learning_rate": {"constant", "invscaling", "adaptive"},
}
_ATTRIBUTES_OF_SKLEARN = (
    "best_loss_",
    "best_validation_score_",
    "classes_",
    "feature_names_in_",
    "loss_",
    "loss_curve_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
    "validation_scores_",
)


def to_sklearn(model: Any) -> Any:
    """Return the model as a fitted estimator of scikit-learn; see the method of that name."""
    check_is_fitted(model)
    twin, attributes = model._sklearn_twin()
    known = twin().get_params()
    params = {name: value for name, value in model.get_params().items() if name in known}
    params["activation"] = _one_activation(model)
    for name, values in _VALUES_OF_SKLEARN.items():
        if params[name] not in values:
            params[name] = known[name]
    exported = twin(**copy.deepcopy(params))
    for name in _ATTRIBUTES_OF_SKLEARN:
        if hasattr(model, name):
            setattr(exported, name, copy.deepcopy(getattr(model, name)))
    exported.coefs_ = [np.array(W) for W in model.coefs_]
    exported.intercepts_ = [np.array(b) for b in model.intercepts_]
    vars(exported).update(attributes)
    exported._no_improvement_count = 0  # without it, its partial_fit fails
    return exported


def _one_activation(model: Any) -> str:
    """Return the activation of all hidden layers, if MLPClassifier has it."""
    names = sorted(set(model._fitted_activations)) or ["identity"]
    unknown = [name for name in names if name not in _VALUES_OF_SKLEARN["activation"]]
    if unknown or len(names) > 1:
        what = f"activation {', '.join(unknown)}" if unknown else f"different ones, {names}"
        raise ValueError(
            f"MLPClassifier has one activation for all layers, out of "
            f"{sorted(_VALUES_OF_SKLEARN['activation'])}; this model has {what}. Use to_onnx "
            "instead, or fit with an activation of these."
        )
    return names[0]


def mlp_classifier_twin(model: Any) -> tuple[type, dict[str, Any]]:
    """Return MLPClassifier, and the attribute with which it decodes labels.

    Raises
    ------
    ValueError
        If the model knows one class only.
    """
    from sklearn.neural_network import MLPClassifier  # takes long to import, is rarely used
    from sklearn.preprocessing import LabelBinarizer

    if len(model.classes_) == 1:
        raise ValueError(
            f"This model knows one class, {model.classes_}, for which MLPClassifier has two "
            "probabilities. Use to_onnx, or fit with at least two classes."
        )
    targets = model._targets
    one_row_of_each_label = (
        targets.decode(np.array([[False], [True]]).repeat(targets.n_outputs, axis=1))
        if targets.multilabel
        else model.classes_
    )
    return MLPClassifier, {"_label_binarizer": LabelBinarizer().fit(one_row_of_each_label)}
