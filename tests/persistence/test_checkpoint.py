import itertools
import json
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from unfinished_fits import SEARCH, UNFINISHED, X, killed_in_batch, small, y

import skmlp
from skmlp._engine.network import Network
from skmlp._persistence.checkpoint_file import read_checkpoint, write_checkpoint
from skmlp._persistence.state_dict import to_state_dict
from skmlp._training.optimizers import OPTIMIZERS
from skmlp._training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CURVES = "loss_curve_", "validation_loss_curve_", "validation_scores_", "learning_rate_curve_"


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Spare the tests what guards against the end of the whole machine."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def everything_of(model):
    """Return all that a fitted model is and goes on with, as bytes."""
    model = clone(model).set_params(checkpoint_path=None, checkpoint_every=1), vars(model)
    attributes = {
        name: value for name, value in model[1].items() if name not in model[0].get_params()
    }
    return pickle.dumps(attributes)


def assert_equal_models(ours, theirs):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_array_equal(a, b)
    for name in (*CURVES, "n_iter_", "t_", "loss_", "best_epoch_", "best_loss_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.best_validation_score_ == theirs.best_validation_score_
    # what training would go on with
    ours, theirs = (clone_of_state(model) for model in (ours, theirs))
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_equal(ours[name], theirs[name], err_msg=name)


def clone_of_state(model):
    """Return what is kept to go on with, in plain types."""
    plain = to_state_dict(model._state)
    for name in ("rng", "split_rng", "noise_rng"):
        # where it stands, whatever it was seeded by
        plain[name] = plain[name] and plain[name]["state"]
    return plain


def check_resumes(tmp_path, batches, *args, fit=None, **params):
    """Fit without interruption, and with one in each of the batches given, and compare."""
    path = tmp_path / "fit.checkpoint"
    args, fit = args or (X, y), fit or {}
    expected = small(**params).fit(*args, **fit)
    model = small(checkpoint_path=path, **params)
    for batch in batches:
        killed_in_batch(model, batch, *args, **fit)
        assert not hasattr(model, "coefs_")
    n_before = len(read_checkpoint(str(path))["history"]["loss_curve"]) if path.exists() else 0
    n_batches = killed_in_batch(model, None, *args, **fit)
    assert_equal_models(model, expected)
    assert not list(tmp_path.iterdir())
    return n_before, n_batches


@pytest.mark.parametrize("stopping", [{}, SEARCH, SEARCH | {"refit": True}])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_a_resumed_fit_gives_the_same_model_bit_for_bit(solver, schedule, stopping, tmp_path):
    n_before, _ = check_resumes(
        tmp_path, [18], solver=solver, learning_rate=schedule, warmup_epochs=1.5, **stopping
    )
    assert n_before in (3, 4)  # of 5 batches, or 6


@pytest.mark.parametrize("stopping", [{}, SEARCH, SEARCH | {"refit": True}])
@pytest.mark.parametrize(
    "params",
    [
        {"averaging": 0.9},
        {"batch_norm": True},
        {"noise": 0.3, "input_noise": 0.1, "dropout": 0.2, "input_dropout": 0.1},
        {"batch_norm": True, "averaging": 0.9, "dropout": [0.1, 0.3], "noise": 0.2},
        {"max_grad_norm": 0.1, "max_norm": 1.0, "label_smoothing": 0.1, "class_weight": "balanced"},
        {"dtype": "float32", "solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0, "shuffle": False},
        {"warm_start": True, "noise": 0.1, "batch_norm": True},
    ],
    ids=str,
)
def test_whatever_a_fit_has_beside_its_weights_is_resumed_too(params, stopping, tmp_path):
    if params.get("warm_start") and stopping.get("refit"):
        stopping = SEARCH  # these exclude each other
    check_resumes(tmp_path, [17], **params, **stopping)


@pytest.mark.parametrize("batch", range(1, 60, 4))
def test_a_fit_that_ends_in_any_batch_of_search_or_refit_is_resumed(batch, tmp_path):
    params = SEARCH | {"refit": True, "noise": 0.1, "solver": "sgd", "learning_rate": "adaptive"}
    check_resumes(tmp_path, [batch], tol=0.01, max_iter=6, **params)


def test_a_fit_may_end_again_and_again(tmp_path):
    params = SEARCH | {"refit": True, "noise": 0.1}
    # each attempt goes on from the epoch before, and so takes 7 more batches only
    check_resumes(tmp_path, [7] * 8, **params)


def test_plateaus_of_the_search_are_repeated_in_a_resumed_refit(tmp_path):
    params = SEARCH | {"refit": True, "solver": "sgd", "learning_rate": "adaptive", "tol": 1.0}
    params |= {"n_iter_no_change": 1, "max_iter": 12, "learning_rate_init": 0.02}
    expected = small(**params).fit(X, y)
    assert len(set(expected.learning_rate_curve_[: expected.best_epoch_])) > 1
    n_search = 5 * expected.n_iter_
    check_resumes(tmp_path, [n_search + 5 * (expected.best_epoch_ - 1)], **params)


@pytest.mark.parametrize("kind", ["sparse", "weights", "validation set", "multilabel", "scorer"])
def test_every_kind_of_data_is_resumed(kind, tmp_path):
    args, fit, params = (X, y), {}, {}
    if kind == "sparse":
        args = csr_matrix(np.where(X > 0.5, X, 0)), y
    elif kind == "weights":
        fit = {"sample_weight": np.arange(90) % 3}
    elif kind == "validation set":
        args, fit, params = (X[:70], y[:70]), {"X_val": X[70:], "y_val": y[70:]}, SEARCH
    elif kind == "multilabel":
        args = X, np.column_stack([y == 0, y == 1, X[:, 0] > 0]).astype(int)
    else:
        params = SEARCH | {"scoring": "roc_auc_ovr"}
    check_resumes(tmp_path, [12], *args, fit=fit, **params)


@pytest.mark.parametrize("every", [2, 3])
def test_epochs_since_the_last_writing_are_trained_again(every, tmp_path):
    n_before, n_batches = check_resumes(tmp_path, [28], checkpoint_every=every)
    assert n_before == 5 - 5 % every
    assert n_batches == 5 * (7 - n_before)


def test_a_fit_with_a_generator_goes_on_with_its_random_numbers(tmp_path):
    path, ours, theirs = tmp_path / "fit.checkpoint", *map(np.random.RandomState, (3, 3))
    model = small(checkpoint_path=path, noise=0.1)
    killed_in_batch(model.set_params(random_state=ours), 13, X, y)
    # in a new process the generator is another object, and where it stands does not count
    ours = np.random.RandomState(99)
    model.set_params(random_state=ours).fit(X, y)
    assert_equal_models(model, small(random_state=theirs, noise=0.1).fit(X, y))
    assert ours.randint(2**31) == theirs.randint(2**31)


def test_a_fit_without_a_seed_goes_on_and_leaves_the_shared_generator_alone(tmp_path, monkeypatch):
    expected = small(random_state=np.random.RandomState(3), noise=0.1).fit(X, y)
    shared, path = np.random.RandomState(3), tmp_path / "fit.checkpoint"
    monkeypatch.setattr("skmlp._fit.build.check_random_state", lambda seed: shared)
    model = small(checkpoint_path=path, random_state=None, noise=0.1)
    killed_in_batch(model, 13, X, y)
    stands = shared.get_state(legacy=False)
    model.fit(X, y)
    np.testing.assert_equal(shared.get_state(legacy=False), stands)
    assert_equal_models(model, expected)


def test_a_warm_start_that_ended_too_soon_goes_on_from_the_same_model(tmp_path):
    start = small(warm_start=True, **SEARCH).fit(X, y)
    expected = pickle.loads(pickle.dumps(start)).fit(X, y)
    path = tmp_path / "fit.checkpoint"
    model = pickle.loads(pickle.dumps(start)).set_params(checkpoint_path=path)
    killed_in_batch(model, 17, X, y)
    assert_equal_models(model, start)
    assert_equal_models(model.fit(X, y), expected)
    # from another model it is another fit
    killed_in_batch(model, 17, X, y)
    with pytest.raises(ValueError, match=r"another model to go on with \(warm_start\)\."):
        pickle.loads(pickle.dumps(start)).set_params(checkpoint_path=path).fit(X, y)


# --- How a fit ends ---------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["search", "refit"])
def test_a_fit_that_ran_out_of_time_goes_on_in_the_next_call(where, tmp_path, monkeypatch):
    params = SEARCH | {"refit": True}
    expected = small(**params).fit(X, y)
    path = tmp_path / "fit.checkpoint"
    model = small(checkpoint_path=path, max_time=100.0, **params)
    now, batches = [0.0], itertools.count(1)
    last = 13 if where == "search" else 5 * expected.n_iter_ + 8
    loss_gradient = Network.loss_gradient

    def timed(*args):
        if next(batches) == last:
            now[0] = 200.0
        return loss_gradient(*args)

    with monkeypatch.context() as patch:
        patch.setattr(Network, "loss_gradient", timed)
        patch.setattr("time.perf_counter", lambda: now[0])
        with pytest.warns(UserWarning, match=r"max_time=100\.0"):
            model.fit(X, y)
    assert path.exists()
    model.fit(X, y)
    assert_equal_models(model, expected)
    assert not path.exists()


@pytest.mark.parametrize(("where", "call"), [("batch", 18), ("writing", 3)])
def test_an_interrupted_fit_gives_a_model_and_may_go_on(where, call, tmp_path, monkeypatch):
    path = tmp_path / "fit.checkpoint"
    model, expected = small(checkpoint_path=path), small().fit(X, y)
    thing, name = (Network, "loss_gradient") if where == "batch" else (os, "replace")
    original, calls = getattr(thing, name), itertools.count(1)

    def interrupted(*args):
        if next(calls) == call:
            raise KeyboardInterrupt
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(thing, name, interrupted)
        with pytest.warns(UserWarning, match="interrupted after 3 complete epochs") as caught:
            model.fit(X, y)
    assert len(caught) == 1
    assert model.n_iter_ == len(model.loss_curve_) == len(model.learning_rate_curve_) == 3
    assert model.loss_curve_ == expected.loss_curve_[:3]
    n_before = len(read_checkpoint(str(path))["history"]["loss_curve"])
    assert n_before == {"batch": 3, "writing": 2}[where]
    assert_equal_models(model.fit(X, y), expected)
    assert not list(tmp_path.iterdir())


def test_a_complete_fit_leaves_no_file_and_fits_anew_the_next_time(tmp_path):
    path = tmp_path / "fit.checkpoint"
    model = small(checkpoint_path=path)
    assert killed_in_batch(model, None, X, y) == killed_in_batch(model, None, X, y) == 35
    assert not list(tmp_path.iterdir())


def test_what_a_killed_fit_left_beside_the_file_is_removed(tmp_path):
    path = tmp_path / "fit.checkpoint"
    for name in ("fit.0123456789abcdef.tmp.checkpoint", ".fit.checkpoint.skmlp-lock"):
        (tmp_path / name).write_bytes(b"half of it" if ".tmp" in name else b"")
    assert_equal_models(small(checkpoint_path=path).fit(X, y), small().fit(X, y))
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_ends_the_fit_and_keeps_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "fit.checkpoint"
    model = small(checkpoint_path=path)
    killed_in_batch(model, 12, X, y)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space left"):
            model.fit(X, y)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["fit.checkpoint"]
    assert_equal_models(model.fit(X, y), small().fit(X, y))


def test_verbose_counts_the_epochs_on(tmp_path, capsys):
    model = small(checkpoint_path=tmp_path / "fit.checkpoint", verbose=True)
    killed_in_batch(model, 18, X, y)
    capsys.readouterr()
    model.fit(X, y)
    _, _, *lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [4, 5, 6, 7]


# --- What is refused --------------------------------------------------------------------------


@pytest.fixture
def unfinished(tmp_path):
    """Return a model whose fit on X and y has been killed, and the path of its file."""
    path = tmp_path / "fit.checkpoint"
    model = small(checkpoint_path=path, **UNFINISHED)
    killed_in_batch(model, 18, X, y)
    return model, path


def changed(values):
    values = values.copy()
    values.flat[7] += 1
    return values


@pytest.mark.parametrize(
    ("params", "fit", "difference"),
    [
        ({"alpha": 0.5}, {}, r"alpha=0\.0001 there, 0\.5 here"),
        ({"max_iter": 8, "solver": "sgd"}, {}, r"max_iter=7 there, 8 here; solver='adam' there"),
        ({"hidden_layer_sizes": (5, 5)}, {}, r"hidden_layer_sizes=\[5, 4\] there, \[5, 5\] here"),
        ({"random_state": 1}, {}, "random_state=0 there, 1 here"),
        ({"dtype": "float32"}, {}, "dtype=None there, 'float32' here; .*another precision"),
        ({}, {"X": changed(X)}, "another training rows X"),
        ({}, {"X": X[:80], "y": y[:80]}, "another training rows X; another labels y"),
        ({}, {"X": csr_matrix(X)}, "another training rows X"),
        ({}, {"y": y[::-1]}, "another labels y"),
        ({}, {"y": y.astype(str)}, "another labels y"),
        ({}, {"sample_weight": np.arange(90)}, "another sample_weight"),
        ({}, {"X_val": X, "y_val": y}, "another X_val, y_val"),
    ],
)
def test_the_file_of_another_fit_is_refused_and_kept(params, fit, difference, unfinished):
    model, path = unfinished
    before, expected = path.read_bytes(), small(**UNFINISHED).fit(X, y)
    other = clone(model).set_params(**params)
    with pytest.raises(ValueError, match=rf"checkpoint_path=.* is not this one: .*{difference}"):
        other.fit(**{"X": X, "y": y} | fit)
    assert path.read_bytes() == before
    assert_equal_models(model.fit(X, y), expected)


@pytest.mark.parametrize(
    "params", [{"verbose": True}, {"max_time": 1e6}, {"checkpoint_every": 3}, {"n_threads": 1}]
)
def test_parameters_that_change_no_result_may_be_changed(params, unfinished):
    model, _ = unfinished
    model.set_params(**params).fit(X, y)
    assert_equal_models(model, small(**UNFINISHED).fit(X, y))


def test_values_of_equal_meaning_are_the_same_fit(unfinished):
    model, _ = unfinished
    same = {"hidden_layer_sizes": np.array([5, 4]), "learning_rate_init": np.float64(0.01)}
    model.set_params(**same).fit(X.tolist(), y.tolist())
    assert_equal_models(model, small(**UNFINISHED).fit(X, y))


@pytest.mark.parametrize("kind", ["empty", "cut off", "changed", "of another kind"])
def test_a_damaged_file_is_refused_and_nothing_changes(kind, unfinished):
    model, path = unfinished
    content = bytearray(path.read_bytes())
    if kind == "changed":
        content[len(content) // 2] ^= 1
    bad = {"empty": b"", "cut off": content[:-1], "of another kind": pickle.dumps(model)}
    path.write_bytes(bytes(bad.get(kind, content)))
    before = path.read_bytes(), everything_of(model)
    with pytest.raises(ValueError, match=r"checkpoint_path=.* is no checkpoint .* delete this"):
        model.fit(X, y)
    assert (path.read_bytes(), everything_of(model)) == before
    with pytest.raises(NotFittedError):
        model.predict(X)


def values_of(tree, path=()):
    """Yield the path of every value in the tree."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from values_of(value, (*path, key))
    else:
        yield path


@pytest.mark.parametrize("kind", ["none", "text", "number", "list", "dict", "floats", "matrix"])
def test_a_valid_file_with_a_value_of_another_kind_is_refused_and_nothing_changes(kind, unfinished):
    model, path = unfinished
    value = {
        "none": None, "text": "x", "number": -1, "list": ["x"], "dict": {"x": 1},
        "floats": np.zeros(3), "matrix": np.zeros((2, 2), "uint32"),
    }[kind]  # fmt: skip
    places = [place for place in values_of(read_checkpoint(str(path))) if place[0] != "fingerprint"]
    assert len(places) > 30
    before = everything_of(model)
    for *branches, last in places:
        tree = branch = read_checkpoint(str(path))
        for name in branches:
            branch = branch[name]
        is_number = type(branch[last]) in (int, float)
        is_same = type(branch[last]) is type(value) and kind in ("none", "text")
        is_same |= last == "compiled" and kind == "none"  # no stochastic training
        if is_same or (is_number and kind == "number"):
            continue
        branch[last] = value
        other = path.with_name("other")
        write_checkpoint(str(other), tree)
        with pytest.raises(ValueError, match="is no checkpoint that can be read"):
            model.set_params(checkpoint_path=other).fit(X, y)
        assert everything_of(model) == before


def refused_with(model, path, tree, message):
    before = everything_of(model)
    write_checkpoint(str(path), tree)
    with pytest.raises(ValueError, match=rf"is no checkpoint that can be read: .*{message}"):
        model.fit(X, y)
    assert everything_of(model) == before


def test_a_file_that_lacks_a_part_or_has_another_one_is_refused(unfinished):
    model, path = unfinished
    whole = read_checkpoint(str(path))
    for part in set(whole) - {"compiled"}:
        lacking = {name: value for name, value in whole.items() if name != part}
        refused_with(model, path, lacking, "it must have")
    refused_with(model, path, whole | {"more": 1}, "it must have")
    refused_with(model, path, [*whole], "it must have")


def test_a_file_of_an_earlier_version_which_knows_no_kernels_is_resumed(unfinished):
    model, path = unfinished
    tree = read_checkpoint(str(path))
    del tree["compiled"]
    write_checkpoint(str(path), tree)
    model.fit(X, y)
    assert_equal_models(model, small(**UNFINISHED).fit(X, y))


def test_numbers_that_training_cannot_compute_with_are_refused(unfinished, monkeypatch):
    model, path = unfinished
    tree = read_checkpoint(str(path))
    tree["solver"]["optimizer"]["t"] = -1
    refused_with(model, path, tree, "t counts something, and cannot be -1")
    tree["solver"]["optimizer"]["t"] = 5

    def step(*args):
        raise OverflowError("too large")

    monkeypatch.setattr(OPTIMIZERS["adam"], "step", step)
    refused_with(model, path, tree, r"training cannot go on from it \(too large\)")


def test_settings_of_the_solver_that_are_not_those_of_the_estimator_are_refused(unfinished):
    model, path = unfinished
    tree = read_checkpoint(str(path))
    tree["solver"]["optimizer"]["beta_2"] = 1.5
    refused_with(model, path, tree, "its solver has {'beta_1': 0.9, 'beta_2': 1.5")


IMPOSSIBLE = [
    ("history", {"best_epoch": 10**9}),
    ("history", {"learning_rate_curve": [1.0] * 99}),
    ("history", {"validation_scores": []}),
    ("history", {"plateaus": [10**9]}),
    ("vectors", np.inf),
]


@pytest.mark.parametrize(
    ("in_search", "part", "changes"),
    [
        *((False, *impossible) for impossible in IMPOSSIBLE),
        *((True, *impossible) for impossible in IMPOSSIBLE),
        (False, "best", np.nan),  # a search ends with its best parameters in place
    ],
)
def test_curves_epochs_and_parameters_that_no_training_has_are_refused(
    part, changes, in_search, tmp_path
):
    path = tmp_path / "fit.checkpoint"
    model = small(checkpoint_path=path, **UNFINISHED)
    killed_in_batch(model, 42 if in_search else 18, X, y)
    tree = read_checkpoint(str(path))
    if in_search:
        assert tree["search"] is not None
    branch = tree["search"] if in_search else tree
    if isinstance(changes, dict):
        branch[part].update(changes)
    else:
        branch[part][...] = changes
    refused_with(model, path, tree, r"do not fit one another|not finite")


@pytest.mark.parametrize("position", [-(2**31), -1, 5, 2**31 - 1])
def test_a_buffer_that_is_read_beyond_its_end_is_refused(position, tmp_path):
    path = tmp_path / "fit.checkpoint"
    rng = np.random.RandomState(np.random.Philox(3))
    model = small(random_state=rng, checkpoint_path=path)
    killed_in_batch(model, 18, X, y)
    tree = read_checkpoint(str(path))
    tree["rng"]["buffer_pos"] = tree["start"]["buffer_pos"] = position
    write_checkpoint(str(path), tree)
    with pytest.raises(ValueError, match="position is beyond its end"):
        model.fit(X, y)


def test_a_warm_started_model_that_was_interrupted_is_told_how_to_go_on(tmp_path):
    model = small(warm_start=True, checkpoint_path=tmp_path / "fit.checkpoint", max_iter=10**6)
    model.set_params(max_time=0.2, tol=0).fit(X, y)
    with pytest.raises(ValueError, match=r"another model to go on with.*Fit a clone.*or delete"):
        model.fit(X, y)


@pytest.mark.parametrize("generator", ["start", "rng"])
@pytest.mark.parametrize("position", [-1, 625, 10**9, 2**40])
def test_a_generator_that_stands_beyond_its_end_is_refused(position, generator, unfinished):
    model, path = unfinished
    tree = read_checkpoint(str(path))
    tree[generator]["state"]["pos"] = position
    write_checkpoint(str(path), tree)
    with pytest.raises(ValueError, match="the generator's position is beyond its end"):
        model.fit(X, y)


@pytest.mark.parametrize("name", ["", "no/such/folder/file"])
def test_a_path_that_is_no_file_in_a_folder_is_refused_before_training(name, tmp_path):
    with pytest.raises(ValueError, match="must name a file in a folder that exists"):
        small(checkpoint_path=tmp_path / name, max_iter=10**9).fit(X, y)


def test_lbfgs_refuses_a_checkpoint_with_the_reason(tmp_path):
    model = small(solver="lbfgs", checkpoint_path=tmp_path / "fit.checkpoint")
    with pytest.raises(ValueError, match=r"checkpoint_path=.*stochastic solver.*SciPy's own"):
        model.fit(X, y)


def test_partial_fit_neither_reads_nor_writes_the_file(tmp_path):
    path = tmp_path / "fit.checkpoint"
    path.write_bytes(b"something")
    ours, theirs = small(checkpoint_path=path), small()
    for model in (ours, theirs):
        model.partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
    assert_equal_models(ours, theirs)
    assert path.read_bytes() == b"something"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has pipes with names")
def test_a_pipe_is_refused_before_training(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"checkpoint_path=.*it is no regular file"):
        small(checkpoint_path=tmp_path / "pipe", max_iter=10**9).fit(X, y)


@pytest.mark.parametrize("name", ["fit.checkpoint.tmp", "fit.tmp.checkpoint"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_of_another_program_beside_it_stays_as_it_is(kind, name, tmp_path):
    victim = tmp_path / ("victim" if kind == "link" else name)
    victim.write_text("precious")
    if kind == "link":
        (tmp_path / name).symlink_to(victim)
    small(checkpoint_path=tmp_path / "fit.checkpoint").fit(X, y)
    assert victim.read_text() == (tmp_path / name).read_text() == "precious"


def test_a_folder_that_cannot_be_written_is_noticed_before_training(tmp_path, monkeypatch):
    def read_only(path, flags, *args):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", path)
        return os_open(path, flags, *args)

    os_open = os.open
    monkeypatch.setattr("os.open", read_only)
    model = small(checkpoint_path=tmp_path / "c", checkpoint_every=10**6, max_iter=10**9)
    with pytest.raises(PermissionError):
        model.fit(X, y)


def test_a_path_that_another_fit_uses_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "fit.checkpoint"
    refused = []

    class Score:
        def __call__(self, *args):
            with pytest.raises(ValueError, match=r"in use by another fit.*n_jobs=1") as caught:
                small(checkpoint_path=path).fit(X, y)
            refused.append(str(caught.value))
            return 0.0

    params = {"early_stopping": True, "scoring": Score(), "max_iter": 2}
    small(checkpoint_path=path, **params).fit(X, y)
    assert len(refused) == 2
    assert repr(str(path)) in refused[0]
    assert not list(tmp_path.iterdir())
    assert_equal_models(small(checkpoint_path=path).fit(X, y), small().fit(X, y))


def test_a_search_of_several_processes_names_the_reason(tmp_path):
    model = small(checkpoint_path=tmp_path / "fit.checkpoint", max_iter=300, tol=0)
    search = GridSearchCV(model, {"alpha": [0, 0.1]}, n_jobs=2, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=r"in use by another fit"):
        search.fit(X, y)
    path = tmp_path / "other.checkpoint"
    search.set_params(n_jobs=1, estimator__checkpoint_path=path, estimator__max_iter=2).fit(X, y)
    assert not path.exists()


# --- Processes that are killed ----------------------------------------------------------------

SCRIPT = """
    import json, os, random, signal, sys, time
    import numpy as np
    from sklearn.datasets import make_classification
    from skmlp import NumpyMLPClassifier
    from skmlp._persistence.checkpoint_file import read_checkpoint

    X, y = make_classification(
        n_samples=300, n_features=20, n_informative=10, n_classes=3, random_state=0
    )

    def fit(checkpoint, result):
        model = NumpyMLPClassifier(
            (30, 20), batch_size=20, max_iter=25, noise=0.1, averaging=0.9, batch_norm=True,
            early_stopping=True, scoring="loss", refit=True, n_iter_no_change=10, random_state=0,
            n_threads=1, learning_rate="exponential", checkpoint_path=checkpoint,
        )
        model.fit(X, y)
        counts = model.n_iter_, model.best_epoch_, model.t_
        np.savez(
            result, *model.coefs_, *model.intercepts_, model.loss_curve_, counts,
            model.validation_loss_curve_, model.validation_scores_, model.learning_rate_curve_,
        )

    def in_a_process(checkpoint, kill_after=None):
        "Return how it ended, the bytes of the result and the seconds."
        start, pid = time.perf_counter(), os.fork()
        if pid == 0:
            code = 1
            try:
                fit(checkpoint, "result.npz")
                code = 0
            finally:
                os._exit(code)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != 0:
            return code, None, None
        with np.load("result.npz") as arrays:
            result = {name: arrays[name].tobytes() for name in arrays.files}
        return code, result, time.perf_counter() - start

    path, rng = os.path.abspath("fit.checkpoint"), random.Random(0)
    fit(None, "result.npz")  # loads compiled loops here, so that no child spends its time on it
    _, expected, _ = in_a_process(None)
    _, _, seconds = in_a_process(path)
    n_kills, told = int(sys.argv[1]), {"killed": 0, "equal": 0, "epochs": []}
    # at least one of them after a checkpoint was written
    while told["killed"] < n_kills or not any(told["epochs"]):
        code, _, _ = in_a_process(path, seconds * rng.random())
        # the lock, and what was being written
        others = {"script.py", "result.npz", "fit.checkpoint"}
        assert len(set(os.listdir()) - others) <= 2, os.listdir()
        if code == 0:
            continue
        assert code == -signal.SIGKILL, code
        told["killed"] += 1
        found = read_checkpoint(path) if os.path.exists(path) else None
        told["epochs"].append(found and len(found["history"]["loss_curve"]))
        code, result, _ = in_a_process(path)
        told["equal"] += code == 0 and result == expected
        assert not os.path.exists(path) and not os.path.exists(path + ".tmp")
        assert sorted(os.listdir()) == ["result.npz", "script.py"], os.listdir()
    print(json.dumps(told))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fits are forked, and killed as POSIX does")
@pytest.mark.parametrize(
    "n_kills", [3, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.long])]
)
def test_fits_killed_at_random_moments_go_on_in_other_processes(n_kills, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    environment = {"PYTHONPATH": str(Path(skmlp.__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(n_kills)],
        cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    told = json.loads(done.stdout)
    print(told)
    assert told["killed"] == told["equal"] >= n_kills
    assert any(told["epochs"])
