"""The table that verbose prints."""

import re

import pytest
from networks import SOLVERS, X_train, X_val, small, y_train, y_val

from skmlp._engine.network import Network
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("every", [True, 2])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("validated", [False, True])
def test_verbose_prints_a_line_an_epoch(validated, solver, every, capsys):
    validation = {"X_val": X_val, "y_val": y_val} if validated else {}
    model = small(solver=solver, verbose=every, max_iter=4).fit(X_train, y_train, **validation)
    header, *lines = capsys.readouterr().out.splitlines()
    curves = {"loss": (model.loss_curve_, ".6f")}
    if validated:
        curves["val. loss"] = model.validation_loss_curve_, ".6f"
        curves["val. score"] = model.validation_scores_, ".4f"
    if solver in OPTIMIZERS:
        curves["learning rate"] = model.learning_rate_curve_, ".3g"
    assert re.split(" {2,}", header.strip()) == ["epoch", *curves, "seconds"]
    shown = range(every, model.n_iter_ + 1, every)
    assert len(lines) == len(shown) == 4 // every
    for epoch, line in zip(shown, lines, strict=True):
        expected = [format(curve[epoch - 1], style) for curve, style in curves.values()]
        assert line.split()[:-1] == [str(epoch), *expected]
    small(solver=solver, max_iter=3).fit(X_train, y_train, **validation)
    assert capsys.readouterr().out == ""


def test_columns_are_aligned_and_the_last_one_is_the_seconds_since_the_fit_began(
    monkeypatch, capsys
):
    now, loss_gradient = [100.0], Network.loss_gradient

    def slow(*args):
        now[0] += 0.5
        return loss_gradient(*args)

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr(Network, "loss_gradient", slow)
    # 60 rows make 3 batches of 20
    small(verbose=True, max_iter=8, batch_size=20).fit(X_train, y_train)
    header, *lines = capsys.readouterr().out.splitlines()
    assert {len(line) for line in lines} == {len(header)}
    assert [float(line.split()[-1]) for line in lines] == [1.5 * epoch for epoch in range(1, 9)]
