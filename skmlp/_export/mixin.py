"""The methods by which an estimator is exported, or made of one of scikit-learn."""

import os
from typing import Any, Self

import numpy.typing as npt

# the functions are imported where they are called: few programs export a model, and the
# networks of scikit-learn take long to import


class ExportMixin:
    """`from_sklearn`, `to_sklearn` and `to_onnx`, for estimators of one network."""

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Self:
        """Return a fitted MLPClassifier or MLPRegressor of scikit-learn as a model of this class.

        The model predicts the same, and training continues where that of `fitted` ended, with the
        same parameters: `partial_fit` gives what `partial_fit` of `fitted` would give, and so does
        `fit` with ``warm_start=True``, as far as the rules of stopping agree. All arrays are
        copies. Parameters that scikit-learn does not have are at their defaults; they may be
        changed by `set_params` before training continues.

        The state of the optimizer, of the learning rate and of the random generator is taken over.
        The generator continues, while MLPClassifier starts it anew in each call, so that with
        ``shuffle=True`` the order of rows is another one. After early stopping, `fitted` has the
        weights of the best epoch, but the momentum or the moments of the last one: then these start
        at 0, and the learning rate stays. A model of ``solver="lbfgs"`` has no such state.

        What scikit-learn does not record is NaN in the curves, such as the loss of each iteration
        of "lbfgs", or None. `loss` of a regressor is that of its output activation.

        Parameters
        ----------
        fitted : sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
            The fitted model, for NumpyMLPClassifier or NumpyMLPRegressor. Left unchanged.

        Returns
        -------
        model : estimator
            The fitted model.

        Raises
        ------
        TypeError
            If `fitted` is another kind of estimator, such as a Pipeline, or of the other class.
        NotFittedError
            If `fitted` is not fitted.
        ValueError
            If weights or biases are not finite, or there is one class only. If attributes were
            changed so that they do not fit one another.

        See Also
        --------
        to_sklearn : The opposite direction.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from skmlp import NumpyMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> fitted = MLPClassifier((10,), max_iter=1000, tol=0.001, random_state=0).fit(X, y)
        >>> model = NumpyMLPClassifier.from_sklearn(fitted)
        >>> bool((model.predict(X) == fitted.predict(X)).all())
        True
        >>> model.set_params(max_grad_norm=1.0).partial_fit(X, y).predict(X[:2])
        array([0, 0])
        """
        from skmlp._export.from_sklearn import from_sklearn

        return from_sklearn(cls, fitted)

    def to_sklearn(self) -> Any:
        """Return this model as a fitted MLPClassifier or MLPRegressor of scikit-learn.

        The exported model predicts the same up to rounding, and needs no skmlp where it is loaded.
        Tools for scikit-learn's networks, such as other exporters, work with it. `coefs_` and
        `intercepts_` are copies; batch normalisation and the scale of the target are folded into
        them. Parameters that scikit-learn's class does not have are left out, and values that the
        class does not know become its defaults, for example ``solver="adamw"``. Of the losses of
        regression, MLPRegressor knows "squared_error" and "poisson": "gamma" becomes "poisson", and
        the others become "squared_error", which does not change predictions. Only far out, where
        exp(z) is no finite number above 0, MLPRegressor predicts 0 or infinity. Continue training
        with this model, not with the exported one.

        Returns
        -------
        model : sklearn.neural_network.MLPClassifier or sklearn.neural_network.MLPRegressor
            The fitted model.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the activation is not "identity", "logistic", "tanh" or "relu", or not the same in
            all layers. If the model knows one class only, or predicts a sequence of quantiles. If
            the loss is "poisson" or "gamma", and scikit-learn is older than 1.7.

        See Also
        --------
        from_sklearn : The opposite direction.
        """
        from skmlp._export.sklearn_model import to_sklearn

        return to_sklearn(self)

    def to_onnx(
        self,
        path: str | os.PathLike | None = None,
        *,
        opset: int = 17,
        dtype: npt.DTypeLike | None = None,
    ) -> Any:
        """Return this model in the ONNX format, which runs without Python.

        The input is "X" of shape (n, `n_features_in_`), for any n. The outputs of a classifier are
        "label", as from `predict` (int64 or string), and "probabilities", as from `predict_proba`,
        a plain tensor of shape (n, n_classes). The output of a regressor is "prediction", as from
        `predict`, of shape (n, `n_outputs_`): a column for each target or quantile, also if there
        is one. The package onnx is needed (``pip install skmlp[onnx]``). For a whole pipeline see
        :func:`skmlp.register_skl2onnx`.

        Parameters
        ----------
        path : str or path-like, default=None
            File in which the model is saved as well. If None, the model is not saved.
        opset : int, default=17
            Version of the operators of ONNX, at least 13. Older runtimes need an older version.
        dtype : {"float32", "float64"} or None, default=None
            Precision of the input, the computation and the output. If None, the precision of the
            model.

        Returns
        -------
        model : onnx.ModelProto
            The model, for example for ``onnxruntime.InferenceSession(model.SerializeToString())``.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ImportError
            If onnx is not installed.
        ValueError
            If `opset` or `dtype` is out of range, or the labels are neither integers nor strings.
        """
        from skmlp._export.onnx_model import to_onnx

        return to_onnx(self, path, opset=opset, dtype=dtype)
