"""The classifier: its manual, labels and probabilities."""

import os
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length

from skmlp._base import BaseNumpyMLP, is_stochastic
from skmlp._choices import ActivationName, Dtype, LearningRate, Solver, WeightInit
from skmlp._compat import Interval, StrOptions, fit_context
from skmlp._data.class_weight import ClassWeights, check_not_classes, class_weights
from skmlp._data.labels import plain_labels
from skmlp._data.request import FitMode, FitRequest
from skmlp._data.targets import ClassificationTargets, continued_targets, first_targets
from skmlp._engine.losses.base import ClassificationLoss
from skmlp._engine.losses.registry import CLASSIFICATION_LOSSES
from skmlp._engine.types import FloatArray, Targets
from skmlp._fit.fit import fit_estimator
from skmlp._fit.hints import hint_at_names

if TYPE_CHECKING:
    from skmlp._export.onnx_head import ClassificationHead


class NumpyMLPClassifier(ClassifierMixin, BaseNumpyMLP):
    """Multilayer perceptron classifier, trained by backpropagation in NumPy.

    NumpyMLPClassifier is a drop-in successor of :class:`sklearn.neural_network.MLPClassifier`: the
    parameters up to `max_fun` are the same, and in float64 the same `random_state` gives the same
    model. The parameters after `max_fun` are additions.

    Scale the features before training, for example with
    :class:`~sklearn.preprocessing.StandardScaler`. Networks learn poorly from unscaled features.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units in each hidden layer. ``()`` gives a linear model, that is logistic
        regression.
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
        Whether `fit` starts from the parameters of the previous fit. The class labels must be the
        same. Early stopping then reuses one validation split, so that no training row is used to
        evaluate the model.
    momentum : float, default=0.9
        Fraction of the previous step that is added to the next step, for "sgd". In [0, 1].
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's form of momentum, for "sgd".
    early_stopping : bool, default=False
        Whether to stop when the score on a validation set (see `scoring`) no longer improves, and
        to restore the parameters of the best epoch, for stochastic solvers. The validation set is
        `X_val`, `y_val` if given to `fit`, else a part of the training rows, stratified by class.
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
    class_weight : dict, "balanced", list of dicts or None, default=None
        Weight of each class, as {label: weight}; classes that are not listed have weight 1. If
        "balanced", weights are inversely proportional to the class frequencies. Class weights
        multiply `sample_weight`, and also weight the validation score. For multilabel y,
        "balanced" or a list with a dict for each column, whose weights are multiplied.
        `partial_fit` does not accept "balanced".
    weight_init : str or float, default="glorot_uniform"
        Distribution of the initial weights: "glorot_uniform" (as in MLPClassifier, including the
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
    label_smoothing : float, default=0.0
        Fraction of each label that is spread evenly over all classes in the training loss. In
        [0, 1).
    scoring : str, callable or None, default=None
        Score that early stopping uses. If "loss", the cross-entropy on the validation set. If a
        name or a scorer ``scorer(model, X_val, y_val)`` of scikit-learn, that score, higher is
        better. If None, the accuracy. If several epochs have the same score, the latest is kept;
        with ``scoring=None``, the earliest.
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
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted. For multilabel y, the column numbers.
    coefs_ : list of ndarray
        Weight matrix W^l of each layer, shape (units below, units).
    intercepts_ : list of ndarray
        Bias vector b^l of each layer.
    loss_ : float
        Loss of the last epoch: mean cross-entropy over its batches, plus the penalty.
    best_epoch_ : int
        Epoch (counted from 1 in the last call to `fit`) whose parameters the model uses. 0 if early
        stopping restored the parameters from before that call.
    best_loss_ : float or None
        Minimum of `loss_curve_`. None if early stopping used the validation set.
    loss_curve_ : list of float
        `loss_` after each epoch ("lbfgs": after each iteration). `warm_start` and `partial_fit`
        append to the curve.
    validation_loss_curve_ : list of float or None
        Mean cross-entropy on the validation set after each epoch. None if there was no validation
        set. In all curves entry i belongs to epoch i over all calls; the entry is NaN if that epoch
        had no validation set.
    validation_scores_ : list of float or None
        Score on the validation set after each epoch, by `scoring`, or accuracy. None if there was
        no validation set.
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
        Number of output units: 1 for two classes, else one per class.
    out_activation_ : {"softmax", "logistic"}
        Output activation: "softmax" for more than two classes, else "logistic".
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The estimator that NumpyMLPClassifier can replace.

    Notes
    -----
    For a batch of m rows, with weights w_i of mean one over the training set, the loss is ::

        E = sum_i w_i crossentropy(y_i, a^L_i) / m + alpha / (2 m) sum_l |W^l|^2

    and its gradient is derived by hand, layer by layer. Rows of weight 0 are left out. If `fit`
    raises an error, the estimator keeps its earlier state.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating
    errors", Nature 323, 1986.

    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skmlp import NumpyMLPClassifier
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_digits(return_X_y=True), random_state=0
    ... )
    >>> classifier = NumpyMLPClassifier((50,), learning_rate_init=0.01, tol=1e-3, random_state=0)
    >>> model = make_pipeline(MinMaxScaler(), classifier).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.96
    True
    >>> model.predict_proba(X_test[:2]).shape
    (2, 10)
    """

    classes_: npt.NDArray[Any]
    _targets: ClassificationTargets
    _loss: ClassificationLoss

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseNumpyMLP._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    @hint_at_names
    def __init__(
        self,
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
        class_weight: Literal["balanced"]
        | Mapping[Any, float]
        | Sequence[Mapping[Any, float]]
        | None = None,
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
        label_smoothing: float = 0.0,
        scoring: str | Callable[..., float] | None = None,
        refit: bool = False,
        rtol: float = 0.0,
        max_time: float | None = None,
        checkpoint_path: str | os.PathLike | None = None,
        checkpoint_every: int = 1,
    ) -> None:
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
        self.class_weight = class_weight
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
        self.label_smoothing = label_smoothing
        self.scoring = scoring
        self.refit = refit
        self.rtol = rtol
        self.max_time = max_time
        self.checkpoint_path = checkpoint_path
        self.checkpoint_every = checkpoint_every

    @available_if(is_stochastic)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on X and y, from the current parameters.

        The state of the solver and of the random generator continues from call to call, also after
        pickling. There is no validation: `early_stopping` has no effect here. If `partial_fit`
        raises an error, the model is the one from before the call.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of the rows. Not all classes must be among them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss, at least 0. The loss of a batch is divided by its number
            of rows times the mean weight of all rows seen so far, over all calls.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Required in the first call, optional in later ones.

        Returns
        -------
        self : NumpyMLPClassifier
            The fitted classifier.

        Raises
        ------
        InvalidParameterError, ValueError, KeyboardInterrupt
            As in `fit`; also if `classes` is missing in the first call or differs in a later one,
            if y has labels not among them, or if ``class_weight="balanced"``.
        """
        if classes is None:
            check_not_classes(sample_weight, y)
        mode = FitMode(continues=hasattr(self, "coefs_"), partial=True)
        fit_estimator(self, FitRequest(X, y, sample_weight, classes=classes, mode=mode))
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Label of each row. For multilabel, an indicator matrix of the labels whose probability
            is above 1/2.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X is not valid, or has other features than in `fit`, or values so large that the
            network's output is not finite.
        """
        encoded = self._predict_by_chunks(X, lambda z: self._loss.predict(z))
        return self._targets.decode(encoded)

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. For multilabel, column k is the probability that
            label k is present; else rows sum to 1.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`.
        """
        return self._predict_by_chunks(
            X, lambda z: self._loss.inverse_link(np.hstack([-z, z]) if self._targets.binary else z)
        )

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithm of the probability of each class.

        The values are computed from the logits, so they are finite and exact even for the most
        confident rows. A value below the range of the precision is its lowest finite number.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`.
        """
        return self._log_proba_of_valid(self._validate_rows(X))

    def _log_proba_of_valid(self, X: Any) -> FloatArray:
        """Return the same of rows that have been validated."""
        return self._predict_valid_by_chunks(
            X, lambda z: self._loss.log_proba(np.hstack([-z, z]) if self._targets.binary else z)
        )

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log-odds of each class against all other classes.

        That is log(p) - log(1 - p) for a class of probability p, computed from the logits, so that
        the values are finite and exact even for the most confident rows. Calibration and
        one-vs-rest scorers take `decision_function` for such scores. For two classes and for
        multilabel, the log-odds are the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column per class; for two classes the log-odds of ``classes_[1]`` alone. For more
            classes, the largest score of a row is that of the predicted class; for two classes and
            for multilabel, labels with a score above 0 are predicted.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`.

        See Also
        --------
        logits : The network's output before softmax.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import NumpyMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NumpyMLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> scores, proba = model.decision_function(X), model.predict_proba(X)
        >>> scores.shape
        (150, 3)
        >>> bool(np.allclose(1 / (1 + np.exp(-scores)), proba))
        True
        """
        scores = self._predict_by_chunks(X, lambda z: self._loss.log_odds(z))
        return scores[:, 0] if self._targets.binary else scores

    def logits(self, X: Any) -> FloatArray:
        """Return the logits, the network's output before softmax or logistic function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column per class; for two classes the logit of ``classes_[1]`` alone, which is
            predicted where it is above 0.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`.

        See Also
        --------
        decision_function : The log-odds of each class against all other classes.

        Examples
        --------
        >>> import numpy as np
        >>> from scipy.special import softmax
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import NumpyMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NumpyMLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> bool(np.allclose(softmax(model.logits(X), axis=1), model.predict_proba(X)))
        True
        """
        z = self._predict_by_chunks(X, lambda z: z)
        return z[:, 0] if self._targets.binary else z

    def input_gradient(self, X: Any, y: npt.ArrayLike | None = None) -> FloatArray:
        """Return the gradient of each row's loss by its features, by backpropagation.

        Where the gradient is positive, a larger feature makes the label less probable. Its absolute
        values show which features matter for a row (a saliency map).

        K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising
        image classification models and saliency maps", ICLR 2014 (workshop).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels whose loss is differentiated. If None, the predicted labels.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_features)
            Gradient of the cross-entropy, without penalty and label smoothing.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`; also if y does not fit X or has unknown labels, or if the gradient is
            not finite.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import NumpyMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NumpyMLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> model.input_gradient(X, y).shape
        (150, 4)
        """
        X = self._validate_rows(X)
        if y is None:
            encoded = self._predict_valid_by_chunks(X, self._loss.predict)
        else:
            check_consistent_length(X, y)
            encoded = self._targets.encode(y if hasattr(y, "ndim") else np.asarray(y))

        def set_delta(z: FloatArray, rows: slice) -> None:
            self._loss.loss_gradient(z, encoded[rows])
            z *= len(z)  # the loss of a row, not the mean

        return self._input_gradient(X, set_delta)

    def _read_targets(self, y: Any, name: str) -> Any:
        return plain_labels(y, name)

    def _make_targets(
        self, y: Any, w: FloatArray | None, request: FitRequest
    ) -> ClassificationTargets:
        if request.mode.continues:
            return continued_targets(self._targets, y, request.classes, request.mode)
        return first_targets(y, request.classes, request.mode)

    def _make_loss(
        self,
        targets: ClassificationTargets,
        y: Targets,
        w: FloatArray | None,
        request: FitRequest,
    ) -> ClassificationLoss:
        return CLASSIFICATION_LOSSES[targets.out_activation](self.label_smoothing)

    def _make_class_weights(
        self, targets: ClassificationTargets, y: Targets, w: FloatArray | None, mode: FitMode
    ) -> ClassWeights | None:
        return class_weights(self.class_weight, targets, y, w, mode)

    def _sklearn_twin(self) -> tuple[type, dict[str, Any]]:
        from skmlp._export.sklearn_model import mlp_classifier_twin

        return mlp_classifier_twin(self)

    def _onnx_head(self) -> "ClassificationHead":
        from skmlp._export.onnx_head import ClassificationHead

        return ClassificationHead(self._targets, self.out_activation_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
