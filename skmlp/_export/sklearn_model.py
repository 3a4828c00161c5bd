"""A fitted network as an estimator of scikit-learn."""

import copy
from typing import Any

import numpy as np
import sklearn
from sklearn.utils.validation import check_is_fitted

# what scikit-learn has of the parameters that have more values here
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
# the losses of MLPRegressor by output activation
_MLP_REGRESSOR_LOSSES = {"exp": "poisson", "identity": "squared_error"}


def to_sklearn(model: Any) -> Any:
    """Return the model as a fitted estimator of scikit-learn; see the method of that name."""
    check_is_fitted(model)
    twin, attributes = model._sklearn_twin()
    known = twin().get_params()
    params = {name: value for name, value in model.get_params().items() if name in known}
    params["activation"] = _one_activation(model, twin.__name__)
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


def _one_activation(model: Any, twin_name: str) -> str:
    """Return the activation of all hidden layers, if the class in scikit-learn has it."""
    names = sorted(set(model._fitted_activations)) or ["identity"]
    unknown = [name for name in names if name not in _VALUES_OF_SKLEARN["activation"]]
    if unknown or len(names) > 1:
        what = f"activation {', '.join(unknown)}" if unknown else f"different ones, {names}"
        raise ValueError(
            f"{twin_name} has one activation for all layers, out of "
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


def mlp_regressor_twin(model: Any) -> tuple[type, dict[str, Any]]:
    """Return MLPRegressor, and its `loss`: that of training or, by the link, one that it has.

    Raises
    ------
    ValueError
        If the model predicts quantiles in columns. If MLPRegressor has no output activation exp,
        which is new in scikit-learn 1.7.
    """
    from sklearn.neural_network import MLPRegressor  # takes long to import, is rarely used

    loss, targets = model._loss, model._targets
    if targets.n_targets == 1 and not targets.flat:
        raise ValueError(
            f"This model predicts the quantiles {loss.q.tolist()} in order, a column for each, "
            "which MLPRegressor cannot do. Use to_onnx, or fit with one quantile as a number."
        )
    loss_by_link = _MLP_REGRESSOR_LOSSES[loss.out_activation]
    if loss_by_link != "squared_error" and "loss" not in MLPRegressor().get_params():
        raise ValueError(
            f"loss={loss.name!r} predicts exp(z), which MLPRegressor does not have before "
            f"scikit-learn 1.7; scikit-learn {sklearn.__version__} is installed. Use to_onnx, or a "
            "newer scikit-learn."
        )
    known = loss.name in _MLP_REGRESSOR_LOSSES.values()
    return MLPRegressor, {"loss": loss.name if known else loss_by_link}
