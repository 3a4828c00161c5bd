"""The ensemble of a classifier of tables: members on folds, and the weights of their models."""

import time
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.splits import Split
from skmlp._fit.callbacks import FitTasks
from skmlp._tables.blend import blend_weights, blended, mean_of_members
from skmlp._tables.evidence import EvidenceReader
from skmlp._tables.features import PlainFeatures
from skmlp._tables.members import Member, Plan, Rows, Targets, fit_members
from skmlp._tables.recipe import cosines_by_rank
from skmlp._tables.table_reader import Columns
from skmlp._tables.tree_columns import TreeColumns

_N_COSINES = 6


class BlendedEnsemble:
    """Members, each of a network and boosted trees, and one weight for each kind of model.

    The probabilities are ::

        p(x) = mean_i softmax(w_1 log p_network,i(x) + w_2 log p_trees,i(x))

    The weights have the least log loss on the rows that members hold out, each predicted by the
    member that did not see the row.

    Attributes
    ----------
    members_ : list of Member
        The fitted members.
    weights_ : ndarray of shape (n_models,)
        Weight of the networks, and of the trees if there are any.
    held_out_ : list of ndarray
        Indices of the rows that each member held out.
    """

    members_: list[Member]
    weights_: FloatArray
    held_out_: list[IndexArray]

    def fit_readers(
        self,
        columns: Columns,
        counts: Sequence[npt.NDArray[Any]],
        targets: Targets,
        rng: np.random.RandomState,
    ) -> Self:
        """Learn from the training rows what does not depend on the folds.

        Parameters
        ----------
        columns : Columns
            The training rows.
        counts : sequence of ndarray of int
            Number of training rows with each value, for each column of words.
        targets : Targets
            Their targets.
        rng : RandomState
            Source of folds.

        Returns
        -------
        self : BlendedEnsemble
            The ensemble, to be fitted by `fit_members`.
        """
        by_rank = cosines_by_rank(len(targets.numbers), int(targets.numbers.max()) + 1)
        self.plain_ = PlainFeatures(_N_COSINES, by_rank=by_rank).fit(columns, counts)
        self.raw_ = TreeColumns(columns.numbers.shape[1], counts)
        self.evidence_ = EvidenceReader().fit(columns, counts, targets.codes, rng)
        return self

    def fit_members(
        self,
        plan: Plan,
        columns: Columns,
        targets: Targets,
        splits: list[Split],
        rng: np.random.RandomState,
        n_jobs: int | None,
        tasks: FitTasks | None,
    ) -> Self:
        """Train the members, and choose the weights of their models.

        Parameters
        ----------
        plan : Plan
            How members are trained.
        columns : Columns
            All rows.
        targets : Targets
            Their targets.
        splits : list of Split
            The rows that each member is trained on and holds out.
        rng : RandomState
            Source of the members' seeds.
        n_jobs : int or None
            Number of members to train in parallel, as in joblib.
        tasks : FitTasks or None
            The tasks of the whole fit.

        Returns
        -------
        self : BlendedEnsemble
            The fitted ensemble.
        """
        rows = self._rows(columns)
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(splits))
        self.held_out_ = [split.held_out for split in splits]
        plan = plan._replace(n_categorical=int(self.raw_.categorical_.sum()))
        self.members_ = fit_members(plan, rows, targets, splits, seeds, n_jobs, tasks)
        self._weigh_models(rows, targets, 1 + (plan.trees is not None))
        return self

    def log_proba(self, columns: Columns) -> FloatArray:
        """Return the log-probabilities of the classes, of shape (n_samples, n_classes)."""
        rows = self._rows(columns)
        return mean_of_members([blended(m.log_proba(rows), self.weights_) for m in self.members_])

    def log_proba_of_member(self, i: int, columns: Columns) -> FloatArray:
        """Return the log-probabilities of one member."""
        return blended(self.members_[i].log_proba(self._rows(columns)), self.weights_)

    def _rows(self, columns: Columns) -> Rows:
        return Rows(
            self.plain_.transform(columns),
            self.raw_.transform(columns),
            self.evidence_.transform(columns),
        )

    def _weigh_models(self, rows: Rows, targets: Targets, n_models: int) -> None:
        """Set the weights of the models by the rows that members hold out."""
        self.weights_ = np.full(n_models, 1 / n_models)
        held = np.concatenate(self.held_out_)
        if len(held) == 0:
            return
        folds = zip(self.members_, self.held_out_, strict=True)
        log_proba = np.hstack([m.log_proba(rows.take(fold)) for m, fold in folds if len(fold)])
        held_targets = targets.take(held)
        self.weights_ = blend_weights(log_proba, held_targets.numbers, held_targets.w)


def deadline_of(max_time: float | None) -> float | None:
    """Return when a fit that begins now should end, on the clock of `time.time`."""
    return None if max_time is None else time.time() + max_time
