"""The regressor: its manual, predictions and scores."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from skmlp._base import BaseNumpyMLP, is_stochastic
from skmlp._choices import (
    ActivationName,
    Dtype,
    LearningRate,
    RegressionLossName,
    Solver,
    WeightInit,
)
from skmlp._compat import Interval, StrOptions, fit_context
from skmlp._data.numbers import (
    check_domain,
    plain_numbers,
    score_of_numbers,
    scored_targets,
)
from skmlp._data.regression_targets import (
    RegressionTargets,
    continued_regression_targets,
    first_regression_targets,
)
from skmlp._data.request import FitMode, FitRequest
from skmlp._engine.losses.registry import REGRESSION_LOSSES
from skmlp._engine.losses.regression import RegressionLoss
from skmlp._engine.types import FloatArray
from skmlp._fit.checks import check_quantile
from skmlp._fit.diagnostics import warn_of_unused_loss_parameters
from skmlp._fit.fit import fit_estimator
from skmlp._fit.hints import hint_at_names

if TYPE_CHECKING:
    from skmlp._export.onnx_head import OnnxHead


class NumpyMLPRegressor(RegressorMixin, BaseNumpyMLP):
    """Multilayer perceptron regressor, trained by backpropagation in NumPy.

    NumpyMLPRegressor is a drop-in successor of :class:`sklearn.neural_network.MLPRegressor`: the
    parameters up to `max_fun` are the same, and in float64 the same `random_state` gives the same
    model. `loss`, `activation`, `solver` and `learning_rate` accept more values, and the parameters
    after `max_fun` are additions.

    Scale the features before training, for example with
    :class:`~sklearn.preprocessing.StandardScaler`, and the target with ``standardize_target=True``.
    Networks learn poorly from unscaled features and targets.

    Parameters
    ----------
    loss : str, default="squared_error"
        The loss of training, which decides what `predict` returns:

        - "squared_error": half the squared error; the mean.
        - "absolute_error": the absolute error; the median.
        - "huber": squared for errors up to `delta`, beyond that linear; a mean that outliers change
          little.
        - "poisson": half the Poisson deviance, for counts and rates y >= 0; the mean, as exp(z^L).
        - "gamma": half the gamma deviance, for amounts y > 0 whose relative error is constant; the
          mean, as exp(z^L).
        - "quantile": the pinball loss; the quantile of level `quantile`, or several of them.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units in each hidden layer. ``()`` gives a linear model.
    activation : str or sequence of str, default="relu"
        Activation function h of the hidden units, or of each hidden layer: "identity" z, "logistic"
        1 / (1 + exp(-z)), "tanh", "relu" max(0, z), "leaky_relu", "elu", "selu", "gelu", "silu",
        "softplus" or "mish".
    solver : {"lbfgs", "sgd", "adam", "adamw", "nadam", "rmsprop"}, default="adam"
        Solver for the weights. "adam" needs the least tuning. "adamw" is Adam with `weight_decay`,
        "nadam" Adam with Nesterov momentum, "rmsprop" Adam without momentum. "sgd" with a
        well-chosen learning rate and momentum can generalise better. "lbfgs" uses all rows at once
        and is often the best choice for small data. All solvers but "lbfgs" are stochastic: they
        train on mini-batches.
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights, alpha / (2 m) sum W^2, where m is the number of
        rows in the batch. At least 0.
    batch_size : int or "auto", default="auto"
        Number of rows in a mini-batch, for stochastic solvers. If "auto", min(200, n_samples).
    learning_rate : str, default="constant"
        Schedule of the learning rate, for stochastic solvers:

        - "constant": `learning_rate_init` throughout.
        - "invscaling": learning_rate_init / (`t_` + 1)^power_t, from the second epoch on.
        - "adaptive": divided by 5 each time training would otherwise stop, down to 1e-6.
        - "exponential": multiplied by `learning_rate_decay` after each epoch.
        - "linear", "cosine": fall to 0 over `max_iter` epochs.
        - "one_cycle": rises to `learning_rate_init` over the first 30 % of `max_iter` epochs, and
          falls to 0 over the others.

        "adam" treats "invscaling" and "adaptive" as "constant". "linear", "cosine" and "one_cycle"
        change with each batch and are planned for `max_iter` epochs, so a plateau of the training
        loss does not stop training.
    learning_rate_init : float, default=0.001
        Initial learning rate, or the maximum of the schedule, for stochastic solvers. Above 0.
    power_t : float, default=0.5
        Exponent of "invscaling". At least 0.
    max_iter : int, default=200
        Maximum number of epochs (stochastic solvers) or iterations ("lbfgs").
    shuffle : bool, default=True
        Whether to shuffle the rows before each epoch, for stochastic solvers.
    random_state : int, RandomState instance or None, default=None
        Random generator for the initial weights, the validation split and the shuffling. Pass an
        int for reproducible results.
    tol : float, default=1e-4
        Minimum decrease of the training loss, or with `early_stopping` minimum increase of the
        validation score, that counts as an improvement. For "lbfgs", training stops when the
        largest entry of the gradient is at most `tol`. At least 0.
    verbose : bool or int, default=False
        Whether to print a table with a line per epoch. If an int k, with a line every k epochs.
    warm_start : bool, default=False
        Whether `fit` starts from the parameters of the previous fit, with the same number of
        targets and the same output activation. Early stopping then reuses one validation split, so
        that no training row is used to evaluate the model.
    momentum : float, default=0.9
        Fraction of the previous step that is added to the next step, for "sgd". In [0, 1].
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's form of momentum, for "sgd".
    early_stopping : bool, default=False
        Whether to stop when the score on a validation set (see `scoring`) no longer improves, and
        to restore the parameters of the best epoch, for stochastic solvers. The validation set is
        `X_val`, `y_val` if given to `fit`, else a part of the training rows.
        Has no effect in `partial_fit`. With ``scoring="loss"`` and ``refit=True`` early stopping
        costs hardly any accuracy.
    validation_fraction : float, default=0.1
        Fraction of the training rows that early stopping splits off. In [0, 1).
    beta_1 : float, default=0.9
        Decay rate of the running mean of gradients, for "adam", "adamw" and "nadam". In [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the running mean of squared gradients, for "adam", "adamw", "nadam" and
        "rmsprop". In [0, 1).
    epsilon : float, default=1e-8
        Constant in the denominator of these solvers, for numerical stability. Above 0.
    n_iter_no_change : int or inf, default=10
        Maximum number of consecutive epochs without an improvement of at least `tol`. Training
        stops at the next one. For stochastic solvers.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss, for "lbfgs".
    delta : float, default=1.35
        For ``loss="huber"``: the error beyond which the loss is linear, in units of the scale of y.
        That scale is fixed before training: with `standardize_target` the standard deviation, else
        1.4826 times the median distance from the median, which for a normal distribution is the
        same. After `fit`, `delta_` is that error in units of y. Above 0.
    quantile : float or sequence of float, default=0.5
        For ``loss="quantile"``: the level in (0, 1), or distinct levels in any order. For a
        sequence, `predict` returns a column for each level, in the given order.
    standardize_target : bool, default=False
        Whether to train on (y - mean) / standard deviation, weighted, of each target; for "poisson"
        and "gamma" on y / mean. Recommended, because it makes training independent of the units of
        y: `learning_rate_init`, `alpha`, `tol`, `delta` and all recorded losses then are in
        standardised units. `coefs_`, `intercepts_`, predictions, `y_val` and scores are in units of
        y. A constant target is predicted as that constant. `warm_start` and `partial_fit` use the
        mean and the deviation of the first call again. In float32, predictions have seven digits,
        those of the mean included: for y that varies by less than 1e-5 of its mean use float64.
    weight_init : str or float, default="glorot_uniform"
        Distribution of the initial weights: "glorot_uniform" (as in MLPRegressor, including the
        biases), "glorot_normal", "he_uniform", "he_normal", "lecun_normal" (with biases 0); or a
        number s > 0 for weights and biases from N(0, s^2).
    dtype : {"float32", "float64"} or None, default=None
        Precision of all computation. If None, the dtype of X if it is float32 or float64, float32
        for narrower floats, else float64. "float32" is faster, and rarely less accurate. Dense X of
        uint8 or float16 is converted batch by batch, not as a whole.
    n_threads : int or "auto", default="auto"
        Number of threads that BLAS may use, in `fit` and in predictions of the fitted model. If
        "auto", one thread for small matrix products, which more threads only slow down; for large
        ones all idle cores that this process may use, if a short trial shows a gain. The number of
        threads can change the last bits of the results of a large network. Pass an int to fix it.
    weight_decay : float, default=0.01
        For "adamw": each step first multiplies the weights, not the biases, by
        1 - learning rate * weight_decay. Unlike `alpha`, the decay does not depend on the batch
        size. At least 0.
    max_grad_norm : float or None, default=None
        Maximum Euclidean norm of the gradient over all parameters. Longer gradients are scaled
        down. If None, there is no maximum.
    max_norm : float or None, default=None
        Maximum Euclidean norm of the incoming weights of a unit. Larger ones are scaled down after
        each step. Values from 2 to 4 work well with dropout. If None, there is no maximum.
    warmup_epochs : float, default=0.0
        Number of epochs, possibly fractional, over which the learning rate rises from 0 to its full
        value before the schedule begins. For "one_cycle", the length of its rise, if above 0.
    learning_rate_decay : float, default=0.95
        Factor per epoch of the "exponential" schedule. In (0, 1].
    averaging : float or None, default=None
        Decay d of an exponential moving average of all parameters, updated after each step:
        average <- d average + (1 - d) parameters, with a smaller d in the first steps. The averaged
        parameters are used for validation and prediction, and are published. A good value is
        1 - 10 / (total number of steps), such as 0.999. In [0, 1). If None, there is no average.
    batch_norm : bool, default=False
        Whether to normalise z of each hidden unit over the batch. For prediction, mean and variance
        are computed on up to 10,000 training rows, without noise and dropout (in `partial_fit` they
        are running means). They are folded into `coefs_` and `intercepts_`, which therefore
        describe what `predict` computes.
    dropout : float or sequence of float, default=0.0
        Probability of setting a hidden unit to 0 in training, for all hidden layers or for each.
        In [0, 1).
    input_dropout : float, default=0.0
        Probability of setting a feature to 0 in training. In [0, 1).
    noise : float or sequence of float, default=0.0
        Standard deviation of the Gaussian noise added to z of the hidden units in training, for all
        hidden layers or for each.
    input_noise : float, default=0.0
        Standard deviation of the Gaussian noise added to the features in training, in units of the
        features. Sparse rows become dense, batch by batch.
    adversarial_radius : float, default=0.0
        Radius of adversarial training: each row is also used after moving it this far (Euclidean
        distance, in units of the features) in the direction of the steepest increase of its loss.
        The loss is the mean over both copies. Training takes twice the time. Adversarial training
        is the strongest regularisation for many features of one kind, such as pixels. Sparse rows
        become dense, batch by batch.
    scoring : str, callable or None, default=None
        Score that early stopping uses. If "loss", minus the loss on the validation set. If a
        name or a scorer ``scorer(model, X_val, y_val)`` of scikit-learn, that score, higher is
        better. If None, that of `score`: R^2 or D^2. If several epochs have the same score, the
        latest is kept; with ``scoring=None``, the earliest.
    refit : bool, default=False
        Whether early stopping, after finding the best epoch, trains again on all rows for that
        number of epochs. Has no effect with `X_val`. The curves are those of the first training.
    rtol : float, default=0.0
        Like `tol`, relative to the best value so far. The larger of both is used. In [0, 1).
    max_time : float or None, default=None
        Maximum training time in seconds, checked after each batch. If None, there is no maximum.
    checkpoint_path : str, path-like or None, default=None
        File in which `fit` saves its progress after each epoch. To resume a fit that was killed,
        interrupted or ended by `max_time`, call `fit` again with the same parameters and data, also
        in another process. The model is then the same, bit for bit, as without the interruption.
        The file is removed when the fit is complete. For stochastic solvers; has no effect in
        `partial_fit`.
    checkpoint_every : int, default=1
        Number of epochs between two writes of `checkpoint_path`.

    Attributes
    ----------
    coefs_ : list of ndarray
        Weight matrix W^l of each layer, shape (units below, units).
    intercepts_ : list of ndarray
        Bias vector b^l of each layer.
    loss_ : float
        Loss of the last epoch: mean of `loss` over its batches, plus the penalty. As all losses, in
        standardised units with `standardize_target`.
    best_epoch_ : int
        Epoch (counted from 1 in the last call to `fit`) whose parameters the model uses. 0 if early
        stopping restored the parameters from before that call.
    best_loss_ : float or None
        Minimum of `loss_curve_`. None if early stopping used the validation set.
    loss_curve_ : list of float
        `loss_` after each epoch ("lbfgs": after each iteration). `warm_start` and `partial_fit`
        append to the curve.
    validation_loss_curve_ : list of float or None
        Mean of `loss` on the validation set after each epoch. None if there was no validation
        set. In all curves entry i belongs to epoch i over all calls; the entry is NaN if that epoch
        had no validation set.
    validation_scores_ : list of float or None
        Score on the validation set after each epoch, by `scoring`, else R^2 or D^2. None if there
        was no validation set.
    learning_rate_curve_ : list of float or None
        Learning rate of the last batch of each epoch. None for "lbfgs" (NaN for its iterations if
        other calls used another solver).
    best_validation_score_ : float or None
        Maximum of `validation_scores_`. None if there was no validation set.
    n_iter_ : int
        Number of epochs or iterations of the last call.
    t_ : int
        Number of training rows seen, over all epochs. 0 for "lbfgs".
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of output units: one per target or, for several quantiles, per level.
    out_activation_ : {"identity", "exp"}
        Output activation: "exp" for "poisson" and "gamma", else "identity".
    target_mean_, target_scale_ : float, ndarray of shape (n_targets,) or None
        Shift and scale by which y is standardised; an array for several targets. With "poisson"
        and "gamma", 0 and the mean. None without `standardize_target`.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPRegressor : The estimator that NumpyMLPRegressor can replace.
    NumpyMLPClassifier : The same network for class labels.
    FoldEnsembleRegressor : An ensemble of networks, with standard deviations and intervals.
    make_tabular_regressor : A pipeline for tables, with settings that need no tuning.

    Notes
    -----
    For a batch of m rows, with weights w_i of mean one over the training set, the objective is ::

        E = sum_i w_i loss(y_i, z^L_i) / m + alpha / (2 m) sum_l |W^l|^2

    and its gradient is derived by hand, layer by layer. The loss of several targets is the sum over
    them; only for "squared_error", as in MLPRegressor, the mean is reported and the gradient of the
    sum is followed. Rows of weight 0 are left out. If `fit` raises an error, the estimator keeps
    its earlier state.

    "lbfgs" with "absolute_error" or "quantile" minimises the loss with its kinks rounded off, over
    a smaller and smaller distance.

    A quantile of a network is no promise: the share of new rows below it differs from its level,
    the more the network overfits. :class:`~skmlp.FoldEnsembleRegressor` corrects intervals on rows
    that were held out.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating
    errors", Nature 323, 1986.

    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics
    35(1), 1964.

    R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46(1), 1978.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmlp import NumpyMLPRegressor
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_diabetes(return_X_y=True), random_state=0
    ... )
    >>> network = NumpyMLPRegressor(
    ...     hidden_layer_sizes=(20,), standardize_target=True, early_stopping=True, random_state=0
    ... )
    >>> model = make_pipeline(StandardScaler(), network).fit(X_train, y_train)
    >>> model.predict(X_test[:2]).shape
    (2,)

    Three quantiles of each row, of which a higher one is never lower:

    >>> network.set_params(loss="quantile", quantile=(0.05, 0.5, 0.95))
    NumpyMLPRegressor(...)
    >>> model.fit(X_train, y_train).predict(X_test).shape
    (111, 3)
    """

    target_mean_: float | FloatArray | None
    target_scale_: float | FloatArray | None
    _targets: RegressionTargets
    _loss: RegressionLoss

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNumpyMLP._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
        "standardize_target": ["boolean"],
    }

    @hint_at_names
    def __init__(
        self,
        loss: RegressionLossName = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: ActivationName | Sequence[ActivationName] = "relu",
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        delta: float = 1.35,
        quantile: float | Sequence[float] = 0.5,
        standardize_target: bool = False,
        weight_init: WeightInit | float = "glorot_uniform",
        dtype: Dtype | None = None,
        n_threads: int | Literal["auto"] = "auto",
        weight_decay: float = 0.01,
        max_grad_norm: float | None = None,
        max_norm: float | None = None,
        warmup_epochs: float = 0.0,
        learning_rate_decay: float = 0.95,
        averaging: float | None = None,
        batch_norm: bool = False,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        noise: float | Sequence[float] = 0.0,
        input_noise: float = 0.0,
        adversarial_radius: float = 0.0,
        scoring: str | Callable[..., float] | None = None,
        refit: bool = False,
        rtol: float = 0.0,
        max_time: float | None = None,
        checkpoint_path: str | os.PathLike | None = None,
        checkpoint_every: int = 1,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.delta = delta
        self.quantile = quantile
        self.standardize_target = standardize_target
        self.weight_init = weight_init
        self.dtype = dtype
        self.n_threads = n_threads
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.max_norm = max_norm
        self.warmup_epochs = warmup_epochs
        self.learning_rate_decay = learning_rate_decay
        self.averaging = averaging
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.noise = noise
        self.input_noise = input_noise
        self.adversarial_radius = adversarial_radius
        self.scoring = scoring
        self.refit = refit
        self.rtol = rtol
        self.max_time = max_time
        self.checkpoint_path = checkpoint_path
        self.checkpoint_every = checkpoint_every

    @available_if(is_stochastic)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for one epoch on X and y, from the current parameters.

        The state of the solver and of the random generator continues from call to call, also after
        pickling. There is no validation: `early_stopping` has no effect here. If `partial_fit`
        raises an error, the model is the one from before the call.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets of the rows. With `standardize_target`, those of the first call decide on mean
            and scale.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss, at least 0. The loss of a batch is divided by its number
            of rows times the mean weight of all rows seen so far, over all calls.

        Returns
        -------
        self : NumpyMLPRegressor
            The fitted regressor.

        Raises
        ------
        InvalidParameterError, ValueError, KeyboardInterrupt
            As in `fit`; also if y has another number of targets than in the first call.
        """
        mode = FitMode(continues=hasattr(self, "coefs_"), partial=True)
        fit_estimator(self, FitRequest(X, y, sample_weight, mode=mode))
        return self

    def predict(self, X: Any) -> FloatArray:
        """Return the predictions, in units of y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or (n_samples, n_levels)
            What `loss` estimates: the mean, the median or a quantile. For a sequence of quantiles,
            a column for each, of which that of a higher level is never lower. With "poisson" and
            "gamma" above 0, and at most the largest finite number.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is not valid, or has other features than in `fit`, or values so large that the
            network's output is not finite.
        """
        X = self._validate_rows(X)
        return self._targets.shaped(self._predict_valid_by_chunks(X, self._loss.predict))

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return R^2 of the predictions, or D^2 of the loss.

        For "squared_error" and "poisson" the score is R^2, as in MLPRegressor. For other losses the
        score is D^2 = 1 - loss / loss of the best constant prediction, averaged over targets and
        quantiles. Both are 1 for perfect predictions, and 0 for the best constant.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. If None, all weights are 1.

        Returns
        -------
        score : float
            At most 1.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`; also if y or the weights are not valid.
        """
        X = self._validate_rows(X)
        y, w = scored_targets(X, y, sample_weight)
        encoded = self._targets.encode(y)
        predicted = self._predict_valid_by_chunks(X, self._loss.predict)
        return score_of_numbers(self._loss, self._targets, y, encoded, predicted, w)

    def input_gradient(self, X: Any, output: int | None = None) -> FloatArray:
        """Return the gradient of each row's prediction by its features, by backpropagation.

        The gradient says by how much the prediction rises with each feature, in units of y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        output : int or None, default=None
            Which of several predictions, a target or a quantile. If None, all of them.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_features) or (n_samples, n_outputs, n_features)
            The second shape if there are several predictions and `output` is None.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`; also if there is no such output, or if the gradient is not finite.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from skmlp import NumpyMLPRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = NumpyMLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, y)
        >>> bool(abs(model.input_gradient(X) - model.coefs_[0].T).max() < 1e-9)
        True
        """
        X = self._validate_rows(X)
        n = self._targets.n_outputs
        if output is not None and not -n <= output < n:
            raise ValueError(
                f"output={output!r} is no output of this model, which has {n}: give an index from "
                f"{-n} to {n - 1}."
            )
        outputs = range(n) if output is None else [output % n]
        gradients = [
            self._input_gradient(X, partial(self._loss.output_gradient, output=k)) for k in outputs
        ]
        return gradients[0] if output is not None or self._targets.flat else np.stack(gradients, 1)

    @property
    def delta_(self) -> float | FloatArray:
        """The error beyond which Huber's loss is linear, in units of y, as fixed before training.

        An array for several targets. Only for ``loss="huber"``.
        """
        threshold = getattr(getattr(self, "_loss", None), "threshold", None)
        if threshold is None:
            raise AttributeError("delta_ is there after fit with loss='huber' only.")
        delta = threshold * self._targets.scale
        return float(delta[0]) if len(delta) == 1 else delta

    def _validate_params(self) -> None:
        super()._validate_params()
        check_quantile(self.quantile, type(self).__name__)

    def _new_loss(self) -> RegressionLoss:
        """Return the loss of the parameters, before it is adapted to the targets."""
        loss = REGRESSION_LOSSES[self.loss]
        return loss(**{name: getattr(self, name) for name in loss.parameters})

    def _read_targets(self, y: Any, name: str) -> Any:
        return check_domain(plain_numbers(y, name), self._new_loss(), name)

    def _make_targets(self, y: Any, w: FloatArray | None, request: FitRequest) -> RegressionTargets:
        if request.mode.continues:
            return continued_regression_targets(
                self._targets, y, w, self._new_loss(), self.standardize_target, request.mode
            )
        warn_of_unused_loss_parameters(self)
        return first_regression_targets(
            y, w, self._new_loss(), self.standardize_target, request.mode
        )

    def _make_loss(
        self,
        targets: RegressionTargets,
        y: FloatArray,
        w: FloatArray | None,
        request: FitRequest,
    ) -> RegressionLoss:
        loss, known = self._new_loss(), self._loss if request.mode.continues else None
        targets.check_precision(y)
        return loss if targets.standardized else loss.adapted(y, w, known)

    def _sklearn_twin(self) -> tuple[type, dict[str, Any]]:
        from skmlp._export.sklearn_model import mlp_regressor_twin

        return mlp_regressor_twin(self)

    def _onnx_head(self) -> "OnnxHead":
        from skmlp._export.onnx_head import RegressionHead

        return RegressionHead(self._loss, self._targets)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = REGRESSION_LOSSES.get(self.loss) if isinstance(self.loss, str) else None
        if loss is not None:
            tags.target_tags.positive_only = not loss.link.shifts
            tags.target_tags.multi_output = loss.link.shifts and np.ndim(self.quantile) == 0
        return tags
