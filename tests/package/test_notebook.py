"""In a notebook, estimators, tables, figures and progress bars show, and fits can be ended."""

import os
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[2]
START = """
from sklearn.datasets import load_digits
from skmlp import NumpyMLPClassifier, TrainingCurveDisplay
X, y = load_digits(return_X_y=True)
X = X / 16
"""
FIT = "model = NumpyMLPClassifier((20,), max_iter=12, tol=0, {settings}).fit(X, y)"


@pytest.fixture(scope="module")
def run():
    """Return a function that runs a cell, and returns its outputs and its error, if any."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    env.pop("MPLBACKEND", None)  # the kernel chooses its own, which draws into the notebook
    manager, client = start_new_kernel(startup_timeout=120, env=env)

    def run_cell(code, interrupt_at=None):
        outputs, awaited = [], [interrupt_at] if interrupt_at else []

        def keep(message):
            outputs.append((message["msg_type"], message["content"]))
            if awaited and awaited[0] in message["content"].get("text", ""):
                awaited.clear()  # one interrupt, whatever is printed after it
                manager.interrupt_kernel()

        reply = client.execute_interactive(
            code, output_hook=keep, timeout=120, stop_on_error=False
        )  # a kernel that stops on an error drops the next cell if that arrives at once
        assert reply["content"]["status"] in {"ok", "error"}
        return outputs, reply["content"].get("ename")

    assert run_cell(START)[1] is None
    yield run_cell
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def printed(outputs):
    return "".join(content["text"] for kind, content in outputs if kind == "stream")


def shown(outputs, kind):
    """Return what was shown of a kind of content, such as a picture."""
    return [content["data"][kind] for _, content in outputs if kind in content.get("data", {})]


def test_estimator_is_shown_as_a_diagram_before_and_after_fit(run):
    outputs, error = run("NumpyMLPClassifier(alpha=0.125)")
    (before,) = shown(outputs, "text/html")
    assert error is None
    assert "NumpyMLPClassifier" in before
    assert "0.125" in before
    outputs, error = run(FIT.format(settings="random_state=0") + "\nmodel")
    (after,) = shown(outputs, "text/html")
    assert error is None
    assert "fitted" in after


def test_table_of_epochs_is_printed(run):
    outputs, error = run(FIT.format(settings="random_state=0, early_stopping=True, verbose=3"))
    lines = [line for line in printed(outputs).splitlines() if line.split()[:1] == ["12"]]
    assert error is None
    assert len(lines) == 1
    assert "loss" in printed(outputs)


def test_figure_of_a_display_is_shown(run):
    run(FIT.format(settings="random_state=0"))
    outputs, error = run("%matplotlib inline\nTrainingCurveDisplay.from_estimator(model);")
    assert error is None
    assert len(shown(outputs, "image/png")) == 1


def test_progress_bar_reaches_its_end(run):
    pytest.importorskip("sklearn.callback")
    outputs, error = run(
        "from sklearn.callback import ProgressBar\n"
        "NumpyMLPClassifier((20,), max_iter=12, tol=0).set_callbacks(ProgressBar()).fit(X, y);"
    )
    bars = [bar for bar in shown(outputs, "text/plain") if "NumpyMLPClassifier - fit" in bar]
    assert error is None
    assert "100%" in bars[-1]


def test_interrupt_leaves_the_model_of_the_last_complete_epoch(run):
    long = "model = NumpyMLPClassifier((20,), max_iter=10**6, tol=0, n_iter_no_change=10**6, "
    outputs, error = run(long + "verbose=True).fit(X, y)", interrupt_at="epoch")
    assert error is None
    assert "interrupted" in printed(outputs)
    outputs, error = run(
        "print(model.n_iter_ == len(model.loss_curve_) > 0, model.n_iter_ < 10**6,"
        " model.predict(X).shape == y.shape)"
    )
    assert (printed(outputs).strip(), error) == ("True True True", None)


def test_interrupt_before_the_first_epoch_leaves_the_estimator_as_it_was(run):
    run("model = NumpyMLPClassifier((3000, 3000, 3000)); print('ready')")
    outputs, error = run("print('fitting')\nmodel.fit(X.repeat(50, 0), y.repeat(50))", "fitting")
    assert error == "KeyboardInterrupt"
    outputs, error = run("print(vars(model) == vars(NumpyMLPClassifier((3000, 3000, 3000))))")
    assert (printed(outputs).strip(), error) == ("True", None)
