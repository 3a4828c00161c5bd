"""Transformer that returns the activations of a hidden layer, as features for other models."""

from contextlib import nullcontext
from numbers import Integral
from typing import Any, ClassVar

from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from skmlp._compat import CallbackSupportMixin, HasMethods, fit_context
from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray
from skmlp._fit.callbacks import begin_meta_fit
from skmlp._fit.checks import check_hidden_layer_sizes


class HiddenLayerTransformer(
    ClassNamePrefixFeaturesOutMixin,
    CallbackSupportMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Transform each row into the activations of a hidden layer of a network.

    The hidden layers of a network map the rows to features in which the classes are easier to
    separate. This transformer makes these features available to other models, for example a
    nearest-neighbour search, a clustering, a plot in two dimensions, or a classifier for a data set
    with few labels.

    Parameters
    ----------
    estimator : NumpyMLPClassifier
        The network, of which `fit` trains a clone. To use a fitted network without training it
        again, pass ``FrozenEstimator(network)``, see :class:`sklearn.frozen.FrozenEstimator`.
    layer : int, default=-1
        Index of the hidden layer: 0 is the first, -1 the last. `layer` can be changed after `fit`.

    Attributes
    ----------
    estimator_ : NumpyMLPClassifier
        The fitted network, or the frozen network.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    NumpyMLPClassifier.hidden_activations : The same activations, as a method of the network.

    Notes
    -----
    The features are fitted to the labels. For the training rows they separate the classes better
    than for new rows, so evaluate the whole pipeline on rows that were not used in `fit`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skmlp import HiddenLayerTransformer, NumpyMLPClassifier
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_digits(return_X_y=True), random_state=0
    ... )
    >>> network = NumpyMLPClassifier((50, 12), learning_rate_init=0.01, tol=1e-3, random_state=0)
    >>> hidden = HiddenLayerTransformer(network)
    >>> model = make_pipeline(MinMaxScaler(), hidden, KNeighborsClassifier())
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    >>> model[:-1].transform(X_test).shape
    (450, 12)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "hidden_activations"])],
        "layer": [Integral],
    }

    def __init__(self, estimator: Any, *, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    # the network validates its own parameters
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "HiddenLayerTransformer":
        """Train a clone of the network on X and y; a frozen network is not trained again.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The labels. May be None for a frozen network.
        **fit_params
            Arguments for the network's `fit`, such as `sample_weight`. If metadata routing is
            enabled, the network must request them.

        Returns
        -------
        self : HiddenLayerTransformer
            The fitted transformer.

        Raises
        ------
        InvalidParameterError
            If `estimator` has no method `hidden_activations`, or if `layer` is not an integer.
        ValueError
            If the network has no hidden layer with this index, or if its `fit` fails.
        NotFittedError
            If a frozen network is not fitted.
        """
        owner = type(self.estimator).__name__
        n_hidden = len(check_hidden_layer_sizes(self.estimator.hidden_layer_sizes, owner))
        if not -n_hidden <= self.layer < n_hidden:
            raise ValueError(
                f"layer={self.layer!r} is no hidden layer of the network, which has {n_hidden}: "
                f"hidden_layer_sizes={self.estimator.hidden_layer_sizes!r}. Count from 0, or "
                "backwards from -1."
            )
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        request = FitRequest(X, y, fit_params.get("sample_weight"))
        # a frozen network is not trained, so callbacks are not told of it
        n_trained = 0 if isinstance(self.estimator, FrozenEstimator) else 1
        tasks = begin_meta_fit(self, self.estimator, request, n_trained)
        network = clone(self.estimator)
        with tasks.network().run(network, request) if tasks and n_trained else nullcontext():
            self.estimator_ = network.fit(X, y, **fit_params)
        if tasks is not None:
            tasks.end()
        return self

    def transform(self, X: Any) -> FloatArray:
        """Return the activations of the hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to transform.

        Returns
        -------
        a : ndarray of shape (n_samples, n_units)
            The activations, one column for each unit, with the network's dtype.

        Raises
        ------
        NotFittedError, ValueError
            As in `NumpyMLPClassifier.hidden_activations`.
        """
        check_is_fitted(self)
        return self.estimator_.hidden_activations(X, self.layer)

    @property
    def n_features_in_(self) -> int:
        """Number of features in `fit`."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> Any:
        """Names of the features in `fit`."""
        return self.estimator_.feature_names_in_

    @property
    def _n_features_out(self) -> int:
        # the last bias vector belongs to the output layer, not to a hidden one
        return len(self.estimator_.intercepts_[:-1][self.layer])

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing, by which scikit-learn passes arguments of `fit` on.

        Returns
        -------
        router : MetadataRouter
            Routes arguments of `fit` to the `fit` of the network.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        # pipelines of scikit-learn 1.6 look for this caller
        mapping.add(caller="fit_transform", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags of the network that apply to the transformer."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        tags.target_tags.required = get_tags(self.estimator).target_tags.required
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
