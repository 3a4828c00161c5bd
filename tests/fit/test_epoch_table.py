"""The table that verbose prints."""

import re

import pytest
from networks import SOLVERS, X_train, X_val, small, y_train, y_val

from skmlp._compiled.choice import load_loops
from skmlp._engine.network import Network
from skmlp._training.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("every", [True, 2])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("validated", [False, True])
def test_verbose_prints_a_line_an_epoch(validated, solver, every, capsys):
    validation = {"X_val": X_val, "y_val": y_val} if validated else {}
    model = small(solver=solver, verbose=every, max_iter=4).fit(X_train, y_train, **validation)
    kernels, header, *lines = capsys.readouterr().out.splitlines()
    name = "NumPy" if solver == "lbfgs" or not load_loops() else "compiled loops"
    assert kernels.startswith(f"kernels: {name}")
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


def printed_epochs(capsys):
    _, _, *lines = capsys.readouterr().out.splitlines()
    return [int(line.split()[0]) for line in lines]


@pytest.mark.parametrize(("every", "expected"), [(3, [3, 6, 7]), (7, [7]), (8, [7]), (10**30, [7])])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_epoch_has_a_line_whatever_its_number(solver, every, expected, capsys):
    model = small(solver=solver, verbose=every, max_iter=7).fit(X_train, y_train)
    assert model.n_iter_ == 7
    assert printed_epochs(capsys) == expected


def test_both_trainings_of_a_refit_end_with_a_line(capsys):
    model = small(early_stopping=True, refit=True, max_iter=5, verbose=4).fit(X_train, y_train)
    second = [4, model.best_epoch_] if model.best_epoch_ > 4 else [model.best_epoch_]
    assert printed_epochs(capsys) == [4, 5, *second]


def test_the_last_epoch_before_an_interrupt_has_a_line(monkeypatch, capsys):
    calls, loss_gradient = [], Network.loss_gradient

    def interruptible(*args):
        calls.append(1)
        if len(calls) == 14:  # 3 batches an epoch
            raise KeyboardInterrupt
        return loss_gradient(*args)

    monkeypatch.setattr(Network, "loss_gradient", interruptible)
    with pytest.warns(UserWarning, match="interrupted"):
        small(verbose=3, max_iter=9, batch_size=20).fit(X_train, y_train)
    assert printed_epochs(capsys) == [3, 4]


def test_every_call_of_partial_fit_ends_with_a_line(capsys):
    model = small(verbose=10).partial_fit(X_train, y_train, classes=[0, 1, 2])
    assert printed_epochs(capsys) == [1]
    model.partial_fit(X_train, y_train)
    assert printed_epochs(capsys) == [1]


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
    _, header, *lines = capsys.readouterr().out.splitlines()
    assert {len(line) for line in lines} == {len(header)}
    assert [float(line.split()[-1]) for line in lines] == [1.5 * epoch for epoch in range(1, 9)]
