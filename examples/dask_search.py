"""Search the parameters of a network on a dask cluster, then predict rows that come in chunks.

The cluster is one of two worker processes on this machine, started by the script. With
``--scheduler`` it is one that runs already, on as many machines as it has::

    python examples/dask_search.py
    python examples/dask_search.py --scheduler tcp://scheduler:8786

The data are the 1,797 digits that come with scikit-learn. GridSearchCV trains its candidates on the
workers, and once more without them: the results are the same to the last bit. Then the best model
predicts a dask array, of which no process ever holds more than a chunk. dask comes with
``pip install 'skmlp[dask]'``.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

try:
    import dask.array as da
    from distributed import Client, LocalCluster
except ImportError:
    sys.exit("This script distributes its work and needs dask: pip install 'skmlp[dask]'")

GRID = {"network__hidden_layer_sizes": [(30,), (60, 30)], "network__alpha": [0.01, 1.0]}


def build_search(epochs: int, seed: int) -> GridSearchCV:
    """Return the search that is yet to be run."""
    # one thread each: the cluster has a process for every core already
    network = NumpyMLPClassifier(
        batch_size=32,
        learning_rate="one_cycle",
        learning_rate_init=0.01,
        max_iter=epochs,
        n_threads=1,
        random_state=seed,
    )
    return GridSearchCV(Pipeline([("scale", StandardScaler()), ("network", network)]), GRID, cv=3)


@contextmanager
def connect(scheduler: str | None) -> Iterator[Client]:
    """Yield a client of that scheduler, or of a cluster of two processes, which then ends."""
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    try:
        with Client(cluster) as client:
            yield client
    finally:
        # on a busy machine dask may not wait long enough to see that a process has ended
        with suppress(TimeoutError):
            cluster.close()


def search_on_dask(search: GridSearchCV, X: np.ndarray, y: np.ndarray) -> GridSearchCV:
    """Run the search on the workers of the client that is open."""
    # the rows are sent to each worker once, not with every fit
    with joblib.parallel_backend("dask", scatter=[X, y]):
        return search.fit(X, y)


def predict_chunks(model: Pipeline, rows: da.Array) -> da.Array:
    """Return the probabilities, yet to be computed, as a dask array in chunks of the same rows."""
    n_classes = len(model.classes_)
    # meta says what a chunk will be, so that dask need not try the model on no rows
    meta = np.empty((0, n_classes), model["network"].coefs_[0].dtype)
    chunks = (rows.chunks[0], (n_classes,))
    return rows.map_blocks(model.predict_proba, chunks=chunks, meta=meta)


def print_table(on_dask: GridSearchCV, serial: GridSearchCV) -> None:
    """Print a line for each candidate."""
    print(f"\n{'hidden layers':>13}{'alpha':>8}{'on dask':>12}{'serial':>12}")
    columns = [search.cv_results_["mean_test_score"] for search in (on_dask, serial)]
    for parameters, *scores in zip(on_dask.cv_results_["params"], *columns, strict=True):
        sizes, alpha = (parameters[name] for name in GRID)
        print(f"{sizes!s:>13}{alpha:8g}" + "".join(f"{score:12.6f}" for score in scores))


def have_same_scores(search: GridSearchCV, other: GridSearchCV) -> bool:
    """Return whether every candidate has the same score in every fold, and the same one is best."""
    names = [name for name in search.cv_results_ if name.endswith("_test_score")]
    same = (np.array_equal(search.cv_results_[name], other.cv_results_[name]) for name in names)
    return all(same) and search.best_params_ == other.best_params_


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Search a network's parameters on a dask cluster and predict a dask array."
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running cluster (default: start one here)"
    )
    parser.add_argument("--epochs", type=int, default=10, help="of each training (default: 10)")
    parser.add_argument(
        "--copies", type=int, default=50, help="of the test rows to predict (default: 50)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of split and training (default: 0)")
    args = parser.parse_args(argv)

    X_train, X_test, y_train, y_test = train_test_split(
        *load_digits(return_X_y=True), test_size=0.25, random_state=args.seed
    )
    on_dask, serial = (build_search(args.epochs, args.seed) for _ in range(2))
    with connect(args.scheduler) as client:
        n_workers = len(client.ncores())
        start = time.perf_counter()
        search_on_dask(on_dask, X_train, y_train)
        print(f"Search on {n_workers} worker processes: {time.perf_counter() - start:.1f} s")
        start = time.perf_counter()
        serial.fit(X_train, y_train)
        print(f"The same search in this process: {time.perf_counter() - start:.1f} s")
        print_table(on_dask, serial)
        if not have_same_scores(on_dask, serial):
            sys.exit("The scores on the cluster differ from those in this process.")
        print("The scores of every fold are the same to the last bit")

        model = on_dask.best_estimator_
        print(f"\nTest accuracy of the best: {model.score(X_test, y_test):.4f}")
        rows = da.concatenate([da.from_array(X_test, chunks=-1)] * args.copies)
        start = time.perf_counter()
        digits = predict_chunks(model, rows).argmax(axis=1).compute()
        seconds = time.perf_counter() - start
        print(f"{len(rows)} rows in {rows.numblocks[0]} chunks predicted in {seconds:.1f} s")
        if not np.array_equal(digits, np.tile(model.predict(X_test), args.copies)):
            sys.exit("The predictions on the cluster differ from those in this process.")
        print("The predictions are the same as in this process")
    return 0


if __name__ == "__main__":
    sys.exit(main())
