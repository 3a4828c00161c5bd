"""A member of the ensemble of a classifier: a network and boosted trees on the same rows."""

import math
import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.parallel import Parallel, delayed

from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.members import (
    check_no_checkpoint,
    fit_network,
    on_this_worker,
    share_of_time,
    turns_left,
)
from skmlp._ensemble.splits import Split
from skmlp._fit.callbacks import FitTasks, NetworkTask
from skmlp._tables.evidence import Evidence, LearntFeatures
from skmlp._tables.quiet import without_training_warnings
from skmlp._tables.target_codes import TargetCodes
from skmlp._tables.tree_columns import DenseCategories
from skmlp._tables.tree_walk import MAX_ROWS, TreeWalk
from skmlp._tables.trees import check_tree_settings, fit_trees, tree_log_proba


class Rows(NamedTuple):
    """Rows as the models take them.

    Attributes
    ----------
    plain : ndarray of float32 of shape (n_samples, n_features)
        Features of the networks that are not learnt from targets.
    raw : ndarray of float32 of shape (n_samples, n_columns)
        Features of the trees that are not learnt from targets.
    evidence : Evidence
        What further features are learnt from.
    """

    plain: FloatArray
    raw: FloatArray
    evidence: Evidence

    def take(self, rows: IndexArray) -> "Rows":
        """Return some of the rows."""
        return Rows(self.plain[rows], self.raw[rows], self.evidence.take(rows))


class Targets(NamedTuple):
    """What the members learn.

    Attributes
    ----------
    labels : ndarray of shape (n_samples,)
        Labels of the classes.
    numbers : ndarray of int of shape (n_samples,)
        Number of each row's class.
    codes : TargetCodes
        Columns that features are learnt from.
    w : ndarray of shape (n_samples,) or None
        Weights of the rows.
    """

    labels: npt.NDArray[Any]
    numbers: IndexArray
    codes: TargetCodes
    w: FloatArray | None

    def take(self, rows: IndexArray) -> "Targets":
        """Return the targets of some rows."""
        w = None if self.w is None else self.w[rows]
        return Targets(self.labels[rows], self.numbers[rows], self.codes.take(rows), w)


class Plan(NamedTuple):
    """How each member is trained.

    Attributes
    ----------
    network : NumpyMLPClassifier
        The network, of which each member trains a clone.
    trees : dict or None
        Parameters of the trees. If None, there are none.
    deadline : float or None
        When all members should be trained, on the clock of `time.time`.
    n_categorical : int, default=0
        Number of columns of the trees that are categories: the first ones.
    """

    network: Any
    trees: dict[str, Any] | None
    deadline: float | None
    n_categorical: int = 0


class Member:
    """A network and boosted trees that were trained on the same rows, stopped by the same fold."""

    def __init__(
        self, learnt: LearntFeatures, categories: DenseCategories, network: Any, trees: Any
    ) -> None:
        self.learnt_ = learnt
        self.categories_ = categories
        self.network_ = network
        self.trees_ = trees
        self._walk = None if trees is None else TreeWalk(trees)

    def log_proba(self, rows: Rows) -> FloatArray:
        """Return log-probabilities, of shape (n_models, n_samples, n_classes)."""
        learnt = self.learnt_.transform(rows.evidence)
        # features of a table that has been read are finite
        log_proba = self.network_._log_proba_of_valid(np.hstack([rows.plain, learnt]))
        found = [log_proba.astype(np.float64)]
        if self.trees_ is not None:
            X = np.hstack([self.categories_.transform(rows.raw), learnt])
            few = len(X) <= MAX_ROWS
            found.append(tree_log_proba(self._walk if few else self.trees_, X))
        return np.stack(found)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, without what repeats the trees."""
        return {name: value for name, value in vars(self).items() if name != "_walk"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, and prepare the trees for single rows."""
        vars(self).update(state)
        self._walk = None if self.trees_ is None else TreeWalk(self.trees_)


def fit_members(
    plan: Plan,
    rows: Rows,
    targets: Targets,
    splits: list[Split],
    seeds: IndexArray,
    n_jobs: int | None,
    tasks: FitTasks | None,
) -> list[Member]:
    """Train a member for each split, through joblib.

    Parameters
    ----------
    plan : Plan
        How members are trained.
    rows, targets : Rows, Targets
        The training rows.
    splits : list of Split
        The rows that each member is trained on and holds out.
    seeds : ndarray of int
        Seed of each member.
    n_jobs : int or None
        Number of members to train in parallel, as in joblib.
    tasks : FitTasks or None
        The tasks of the whole fit, one of which is each member.

    Returns
    -------
    members : list of Member
        The fitted members.

    Raises
    ------
    ValueError
        If the network has a `checkpoint_path`, or if a parameter of the trees is not valid.
    """
    check_no_checkpoint(plan.network)
    if plan.trees is not None:
        check_tree_settings(plan.trees)
    # all tasks first: a task that is being pickled must not get a new sibling
    member_tasks = [None if tasks is None else tasks.network() for _ in splits]
    turns = turns_left(len(splits), n_jobs)
    return Parallel(n_jobs=n_jobs)(
        delayed(_fit_member)(plan, rows, targets, split, int(seed), task, n)
        for split, seed, task, n in zip(splits, seeds, member_tasks, turns, strict=True)
    )


def _fit_member(
    plan: Plan,
    rows: Rows,
    targets: Targets,
    split: Split,
    seed: int,
    task: NetworkTask | None,
    turns: int,
) -> Member:
    """Return a member trained on the rows of its split, and stopped by those that it holds out."""
    start, seconds = time.time(), share_of_time(plan.deadline, turns)
    y, y_val = targets.take(split.train), targets.take(split.held_out)
    if not plan.network.early_stopping:
        y_val = y_val.take(np.arange(0))
    train, held_out = rows.take(split.train), rows.take(split.held_out)
    learnt = LearntFeatures()
    of_train = learnt.fit_transform(train.evidence, y.codes, np.random.RandomState(seed))
    of_held_out = learnt.transform(held_out.evidence)
    categories, trees = DenseCategories(train.raw, plan.n_categorical), None
    if plan.trees is not None:
        X = np.hstack([categories.transform(train.raw), of_train])
        X_val = np.hstack([categories.transform(held_out.raw), of_held_out])
        deadline = math.inf if seconds is None else start + seconds / 2
        trees = _trees(plan, X, y, X_val, y_val, seed, deadline)
    request = FitRequest(np.hstack([train.plain, of_train]), y.labels, y.w)
    if len(y_val.labels):
        X_val = np.hstack([held_out.plain, of_held_out])
        request = request._replace(X_val=X_val, y_val=y_val.labels)
    with without_training_warnings():
        network = fit_network(plan.network, request, seed, task, _rest(seconds, start))
    return Member(learnt, categories, network, trees)


def _trees(
    plan: Plan,
    X: FloatArray,
    y: Targets,
    X_val: FloatArray,
    y_val: Targets,
    seed: int,
    deadline: float,
) -> HistGradientBoostingClassifier:
    """Return boosted trees, stopped by the validation rows if there are any."""
    categorical = np.arange(X.shape[1]) < plan.n_categorical
    settings = {**(plan.trees or {}), "categorical_features": categorical, "random_state": seed}
    validation = (X_val, y_val.numbers, y_val.w) if len(y_val.labels) else None
    with on_this_worker():
        return fit_trees(settings, X, y.numbers, y.w, validation, deadline)


def _rest(seconds: float | None, start: float) -> float | None:
    """Return the seconds that are left; None if there is no limit."""
    return None if seconds is None else max(seconds - (time.time() - start), 1e-3)
