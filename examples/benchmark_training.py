"""Measure how long training takes, beside every alternative that is installed.

Four networks, or one of your own, are trained for an epoch by skmlp (with compiled loops and
without), MLPClassifier, PyTorch, skorch and JAX, on one thread and on all. The data are random, of
MNIST's shape, or MNIST itself::

    python examples/benchmark_training.py --quick
    python examples/benchmark_training.py --mnist ~/data/mnist --output results
    python examples/benchmark_training.py --hidden 100,50 --solver adam --batch-size 64
    python examples/benchmark_training.py --workloads 5 6

The last two networks are regressions: their target is the number of the class, standardised.

Each measurement runs in a process of its own, and the candidates take turns. The script prints
tables of medians in Markdown, and writes two files: all measurements, and a figure. With
``--quick`` it takes less than two minutes, else about a quarter of an hour. What the figures mean
is explained in docs/performance.md.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib import metadata, util
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

# A measurement's process imports only what it measures, so skmlp and matplotlib wait for their use.

N_ROWS, N_TEST_ROWS, N_FEATURES, N_CLASSES = 50_000, 10_000, 784, 10
QUICK_ROWS = 5_000
# what a regression on few features sees: pixels of the middle row
FEW_PIXELS = slice(396, 416)
TIMEOUT = 900  # seconds; threads in each other's way can take minutes for an epoch of seconds
# NPROC is JAX's: its flag for one thread leaves a second one that waits in a loop.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NPROC")
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
JSON_NAME, FIGURE_NAME = "benchmark_training.json", "benchmark_training.png"


@dataclass(frozen=True)
class Workload:
    """A network and the way it is trained; units are relu, all else is as by default."""

    hidden: tuple[int, ...]
    solver: str
    batch_size: int
    regression: bool = False
    few_features: bool = False

    @property
    def sizes(self) -> list[int]:
        """Number of inputs, hidden units and outputs."""
        n_inputs = FEW_PIXELS.stop - FEW_PIXELS.start if self.few_features else N_FEATURES
        return [n_inputs, *self.hidden, 1 if self.regression else N_CLASSES]

    def __str__(self) -> str:
        network = "-".join(map(str, self.sizes))
        solver = {"sgd": "SGD", "adam": "Adam"}[self.solver]
        return f"{network}, {solver}, batch {self.batch_size}"


WORKLOADS = {
    "1": Workload((100,), "sgd", 32),
    "2": Workload((100,), "adam", 200),
    "3": Workload((512, 512), "adam", 128),
    "4": Workload((32,), "adam", 32),
    "5": Workload((100,), "adam", 200, regression=True),
    "6": Workload((256, 256), "adam", 200, regression=True, few_features=True),
}
OF_CLASSES = ["1", "2", "3", "4"]


@dataclass(frozen=True)
class Task:
    """One measurement: what is trained by whom, on how many threads ("1" or "all")."""

    candidate: str
    workload: Workload
    threads: str
    epochs: int
    seed: int

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Undo `json.dumps(asdict(task))`."""
        fields = json.loads(text)
        workload = fields.pop("workload")
        workload["hidden"] = tuple(workload["hidden"])
        return cls(workload=Workload(**workload), **fields)


@dataclass(frozen=True)
class Prepared:
    """A new network, ready to be trained on the data it was made for."""

    train: Callable[[], Any]
    predict: Callable[[np.ndarray], np.ndarray]
    compile_seconds: float | None = None


# --- The candidates


def prepare_skmlp(task: Task, X: np.ndarray, y: np.ndarray) -> Prepared:
    """Make a NumpyMLPClassifier or a NumpyMLPRegressor."""
    from skmlp import NumpyMLPClassifier, NumpyMLPRegressor

    kind = NumpyMLPRegressor if task.workload.regression else NumpyMLPClassifier
    return _prepare_estimator(kind, task, X, y)


def prepare_sklearn(task: Task, X: np.ndarray, y: np.ndarray) -> Prepared:
    """Make an MLPClassifier or an MLPRegressor."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if task.workload.regression else MLPClassifier
    return _prepare_estimator(kind, task, X, y)


def _prepare_estimator(kind: type, task: Task, X: np.ndarray, y: np.ndarray) -> Prepared:
    model = kind(
        hidden_layer_sizes=task.workload.hidden,
        solver=task.workload.solver,
        batch_size=min(task.workload.batch_size, len(X)),
        momentum=0,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs,
        random_state=task.seed,
    )
    return Prepared(lambda: model.fit(X, y), model.predict)


def prepare_torch(task: Task, X: np.ndarray, y: np.ndarray, fused: bool = False) -> Prepared:
    """Make a network of PyTorch, trained by the usual loop."""
    import torch

    torch.manual_seed(task.seed)
    net = _torch_network(task, X.shape[1])
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[task.workload.solver]
    optimizer = kind(net.parameters(), lr=0.001, fused=fused or None)
    regression = task.workload.regression
    loss = torch.nn.MSELoss() if regression else torch.nn.CrossEntropyLoss()
    X_tensor, y_tensor = torch.from_numpy(X), torch.from_numpy(y)
    if regression:
        y_tensor = y_tensor[:, None]

    def train() -> None:
        for _ in range(task.epochs):
            for rows in torch.randperm(len(X_tensor)).split(task.workload.batch_size):
                optimizer.zero_grad()
                loss(net(X_tensor[rows]), y_tensor[rows]).backward()
                optimizer.step()

    def predict(X: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            raw = net(torch.from_numpy(X))
            return (raw[:, 0] if regression else raw.argmax(1)).numpy()

    return Prepared(train, predict)


def prepare_torch_fused(task: Task, X: np.ndarray, y: np.ndarray) -> Prepared:
    """Make a network of PyTorch, with the optimizer whose update is one fused kernel."""
    return prepare_torch(task, X, y, fused=True)


def prepare_skorch(task: Task, X: np.ndarray, y: np.ndarray) -> Prepared:
    """Make skorch's classifier around the same network."""
    import torch
    from skorch import NeuralNetClassifier

    torch.manual_seed(task.seed)
    net = NeuralNetClassifier(
        _torch_network(task, X.shape[1]),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer={"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[task.workload.solver],
        lr=0.001,
        batch_size=task.workload.batch_size,
        max_epochs=task.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    ).initialize()
    return Prepared(lambda: net.partial_fit(X, y), net.predict)


def _torch_network(task: Task, n_features: int) -> Any:
    import torch

    if task.threads == "1":
        torch.set_num_threads(1)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise([n_features, *task.workload.sizes[1:]]):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def prepare_jax(task: Task, X: np.ndarray, y: np.ndarray) -> Prepared:
    """Make a network of JAX, and compile a whole epoch of its training."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(task.seed)
    n, batch_size = len(X), min(task.workload.batch_size, len(X))

    def draw(n_in: int, n_out: int) -> tuple[jax.Array, jax.Array]:
        W = rng.standard_normal((n_in, n_out), dtype=X.dtype) * math.sqrt(2 / n_in)
        return jnp.asarray(W.astype(X.dtype)), jnp.zeros(n_out, X.dtype)

    def logits(params: Any, a: jax.Array) -> jax.Array:
        for W, b in params[:-1]:
            a = jax.nn.relu(a @ W + b)
        W, b = params[-1]
        return a @ W + b

    def loss(params: Any, X: jax.Array, y: jax.Array) -> jax.Array:
        log_p = jax.nn.log_softmax(logits(params, X))
        return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()

    def update(params: Any, grads: Any, moments: Any) -> tuple[Any, Any]:
        if task.workload.solver == "sgd":
            return jax.tree.map(lambda p, g: p - 0.001 * g, params, grads), moments
        m, v, t = moments
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        new = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), params, m, v)
        return new, (m, v, t)

    def step(state: Any, X: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        params, moments = state
        E, grads = jax.value_and_grad(loss)(params, X, y)
        return update(params, grads, moments), E

    def epoch(state: Any, X: jax.Array, y: jax.Array, order: jax.Array) -> tuple[Any, jax.Array]:
        full = n - n % batch_size
        batches = order[:full].reshape(-1, batch_size)
        state, E = jax.lax.scan(lambda state, rows: step(state, X[rows], y[rows]), state, batches)
        if full < n:
            rest = order[full:]
            state, _ = step(state, X[rest], y[rest])
        return state, E.mean()

    params = [draw(*shape) for shape in pairwise([X.shape[1], *task.workload.sizes[1:]])]
    zeros = jax.tree.map(jnp.zeros_like, params)
    moments = (zeros, zeros, jnp.zeros((), X.dtype)) if task.workload.solver == "adam" else ()
    state = params, moments
    X_device, y_device = jnp.asarray(X), jnp.asarray(y)

    start = time.perf_counter()
    compiled = jax.jit(epoch).lower(state, X_device, y_device, jnp.arange(n)).compile()
    compile_seconds = time.perf_counter() - start
    # The first run of a compiled function is slower. It changes nothing: it returns a new state.
    jax.block_until_ready(compiled(state, X_device, y_device, jnp.arange(n)))

    def train() -> None:
        nonlocal state
        for _ in range(task.epochs):
            order = jnp.asarray(rng.permutation(n).astype(jnp.arange(n).dtype))
            state, _ = compiled(state, X_device, y_device, order)
        jax.block_until_ready(state)

    def predict(X: np.ndarray) -> np.ndarray:
        return np.asarray(logits(state[0], jnp.asarray(X)).argmax(1))

    return Prepared(train, predict, compile_seconds)


@dataclass(frozen=True)
class Candidate:
    """Who trains: the package it needs, the type of X, how it is prepared, and the type of y.

    The type of y is that of a target that is a number. What `needs` names must be installed too.
    """

    package: str
    dtype: str
    prepare: Callable[[Task, np.ndarray, np.ndarray], Prepared]
    y_dtype: str = "float32"
    needs: str = "numpy"
    environment: tuple[tuple[str, str], ...] = ()


NUMPY = {"environment": (("SKMLP_KERNELS", "numpy"),)}
# forced, so that the tiny network compiles before the time is taken
FAST = {"needs": "numba", "environment": (("SKMLP_KERNELS", "compiled"),)}
CANDIDATES = {
    "skmlp float32": Candidate("skmlp", "float32", prepare_skmlp, **NUMPY),
    "skmlp float64": Candidate("skmlp", "float64", prepare_skmlp, **NUMPY),
    "skmlp[fast] float32": Candidate("skmlp", "float32", prepare_skmlp, **FAST),
    "skmlp[fast] float64": Candidate("skmlp", "float64", prepare_skmlp, **FAST),
    "MLPClassifier float32": Candidate("sklearn", "float32", prepare_sklearn),
    "MLPClassifier float64": Candidate("sklearn", "float64", prepare_sklearn),
    "PyTorch": Candidate("torch", "float32", prepare_torch),
    "PyTorch fused": Candidate("torch", "float32", prepare_torch_fused),
    "skorch": Candidate("skorch", "float32", prepare_skorch),
    "JAX float32": Candidate("jax", "float32", prepare_jax),
    "JAX float64": Candidate("jax", "float64", prepare_jax, environment=(("JAX_ENABLE_X64", "1"),)),
}
REGRESSION_CANDIDATES = {
    "skmlp float32": CANDIDATES["skmlp float32"],
    "skmlp[fast] float32": CANDIDATES["skmlp[fast] float32"],
    "skmlp float32, y float64": Candidate("skmlp", "float32", prepare_skmlp, "float64", **NUMPY),
    "MLPRegressor float32": Candidate("sklearn", "float32", prepare_sklearn),
    "MLPRegressor float32, y float64": Candidate("sklearn", "float32", prepare_sklearn, "float64"),
    "PyTorch": CANDIDATES["PyTorch"],
    "PyTorch fused": CANDIDATES["PyTorch fused"],
}


def candidates_of(workload: Workload) -> dict[str, Candidate]:
    """Return who can train the network."""
    return REGRESSION_CANDIDATES if workload.regression else CANDIDATES


def counterpart(name: str, measured: Collection[str]) -> str:
    """Return the name of skmlp's candidate with numbers of the same types, the faster if measured.

    That is the one with compiled loops. A peer is compared with it, and so is skmlp without them.
    """
    candidate = (CANDIDATES | REGRESSION_CANDIDATES)[name]
    numbers = candidate.dtype + ", y float64" * (candidate.y_dtype == "float64")
    fast = f"skmlp[fast] {numbers}"
    return fast if fast in measured else f"skmlp {numbers}"


PEERS = sorted({candidate.package for candidate in CANDIDATES.values()} - {"skmlp"})


# --- One measurement, in a process of its own


def measure(
    task: Task, X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray
) -> dict[str, Any]:
    """Train and return seconds per epoch, MB of memory, accuracy; for skmlp the floor too.

    The accuracy of a regression is R^2.
    """
    candidate = candidates_of(task.workload)[task.candidate]
    # A tiny network first: it imports what is imported late, and starts the threads.
    tiny = replace(task, workload=replace(task.workload, hidden=(3,), batch_size=8), epochs=1)
    candidate.prepare(tiny, X[:20, :5].copy(), y[:20]).train()

    memory = start_of_memory_growth()
    network = candidate.prepare(task, X, y)
    cpu, wall = _seconds(network.train)
    result = {
        "cpu": cpu / task.epochs,
        "wall": wall / task.epochs,
        "memory_mb": memory(),
        "accuracy": _accuracy(task.workload, y_test, network.predict(X_test)),
    }
    if network.compile_seconds is not None:
        result["compile"] = network.compile_seconds
    if candidate.package == "skmlp":
        result["floor_cpu"], result["floor_wall"] = floor_seconds(task, len(X), X.dtype)
    return result


def _accuracy(workload: Workload, y: np.ndarray, predicted: np.ndarray) -> float:
    if workload.regression:
        return float(1 - np.mean((predicted - y) ** 2) / y.var())
    return float(np.mean(predicted == y))


def _seconds(function: Callable[[], Any]) -> tuple[float, float]:
    """Call the function; return its CPU time, of all threads, and its wall time."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.process_time() - cpu, time.perf_counter() - wall


def start_of_memory_growth() -> Callable[[], float | None]:
    """Return a function that says by how many MB the memory has peaked above its present size."""
    status = Path("/proc/self/status")
    if not status.exists():
        return _resource_growth()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status_mb(status, "VmRSS")
    return lambda: _status_mb(status, "VmHWM") - before


def _status_mb(status: Path, field: str) -> float:
    # Unlike ru_maxrss, these do not start from the size of the parent process.
    (line,) = (line for line in status.read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


def _resource_growth() -> Callable[[], float | None]:
    try:
        import resource
    except ImportError:  # Windows
        return lambda: None
    unit = 2**20 if sys.platform == "darwin" else 2**10

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

    before = peak()
    return lambda: peak() - before


def floor_seconds(task: Task, n_rows: int, dtype: np.dtype) -> tuple[float, float]:
    """Return the CPU and wall time of an epoch's matrix products alone, by NumPy.

    If there are more threads than one, the products run once on one and once on all; the times
    returned are those of the faster.
    """
    from threadpoolctl import threadpool_limits

    products = epoch_products(task.workload, n_rows, dtype)
    times = []
    for limit in [1] if task.threads == "1" else [1, None]:
        with threadpool_limits(limit, user_api="blas"):
            times.append(_seconds(products))
    return min(times, key=lambda pair: pair[1])


def epoch_products(workload: Workload, n_rows: int, dtype: np.dtype) -> Callable[[], None]:
    """Return a function that computes the matrix products of an epoch, into arrays made before."""
    rng = np.random.default_rng(0)
    sizes, m = workload.sizes, min(workload.batch_size, n_rows)
    W = [rng.standard_normal(shape).astype(dtype) for shape in pairwise(sizes)]
    a = [rng.standard_normal((m, n)).astype(dtype) for n in sizes]
    delta = [rng.standard_normal((m, n)).astype(dtype) for n in sizes]
    z, delta_below = [np.empty_like(x) for x in a], [np.empty_like(x) for x in a]
    dW = [np.empty_like(x) for x in W]

    def batch(m: int) -> None:
        for i in range(len(W)):
            np.dot(a[i][:m], W[i], out=z[i + 1][:m])
        for i in reversed(range(len(W))):
            np.dot(a[i][:m].T, delta[i + 1][:m], out=dW[i])
            if i:
                np.dot(delta[i + 1][:m], W[i].T, out=delta_below[i][:m])

    def epoch() -> None:
        for start in range(0, n_rows, m):
            batch(min(m, n_rows - start))

    return epoch


def run_child(task: Task, folder: Path) -> dict[str, Any]:
    """Measure in a new process; return what it measured, or the error's message."""
    env = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    env["JAX_PLATFORMS"] = "cpu"
    if task.threads == "1":
        env |= dict.fromkeys(THREAD_VARIABLES, "1")
        env["XLA_FLAGS"] = f"{env.get('XLA_FLAGS', '')} {XLA_ONE_THREAD}".strip()
    env |= dict(candidates_of(task.workload)[task.candidate].environment)
    request = ["--measure", json.dumps(asdict(task)), "--output", str(folder)]
    try:
        child = subprocess.run(
            [sys.executable, __file__, *request],
            env=env,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"stopped after {TIMEOUT} s"}
    if child.returncode:
        lines = child.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"ended with code {child.returncode}"}
    return json.loads(child.stdout.splitlines()[-1])


def answer(request: str, folder: Path) -> None:
    """Be the process that measures: load the data, measure, print the result as JSON."""
    warnings.simplefilter("ignore")  # one epoch does not converge
    task = Task.from_json(request)
    candidate = candidates_of(task.workload)[task.candidate]
    X, X_test = (np.load(folder / f"{name}_{candidate.dtype}.npy") for name in ("X", "X_test"))
    y, y_test = np.load(folder / "y.npy"), np.load(folder / "y_test.npy")
    if task.workload.regression:
        y, y_test = (
            ((labels - y.mean()) / y.std()).astype(candidate.y_dtype) for labels in (y, y_test)
        )
    if task.workload.few_features:
        X, X_test = (images[:, FEW_PIXELS].copy() for images in (X, X_test))
    print(json.dumps(measure(task, X, y, X_test, y_test)))


# --- Data


def random_data(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images in [0, 1] that are mostly black, like MNIST's, and their labels.

    Both come from a few hidden factors: the pixels by a linear map, the labels by a network.
    """
    rng = np.random.default_rng(seed)
    n_factors = 24
    to_pixels = rng.standard_normal((n_factors, N_FEATURES), dtype=np.float32)
    to_units = rng.standard_normal((n_factors, 50), dtype=np.float32)
    to_classes = rng.standard_normal((50, N_CLASSES), dtype=np.float32)
    factors = rng.standard_normal((n_rows, n_factors), dtype=np.float32)
    X = factors @ to_pixels
    X /= 2 * math.sqrt(n_factors)
    X -= 0.4
    np.clip(X, 0, 1, out=X)
    scores = np.maximum(factors @ to_units, 0) @ to_classes
    return X, (scores - scores.mean(axis=0)).argmax(axis=1)


def save_data(folder: Path, mnist: str | None, n_rows: int) -> int:
    """Write the data for the measuring processes, in each type; return the number of rows."""
    if mnist is None:
        n_test = min(N_TEST_ROWS, n_rows)
        X, y = random_data(n_rows + n_test)
        X, X_test, y, y_test = X[:n_rows], X[n_rows:], y[:n_rows], y[n_rows:]
    else:
        from skmlp.datasets import load_mnist

        data = load_mnist(None if mnist == "openml" else mnist)
        X, y, X_test, y_test = (
            data.X_train[:n_rows],
            data.y_train[:n_rows],
            data.X_test,
            data.y_test,
        )
    np.save(folder / "y.npy", y)
    np.save(folder / "y_test.npy", y_test)
    for dtype in sorted({candidate.dtype for candidate in CANDIDATES.values()}):
        np.save(folder / f"X_{dtype}.npy", X.astype(dtype))
        np.save(folder / f"X_test_{dtype}.npy", X_test.astype(dtype))
    return len(X)


# --- The run, its medians, its tables and its figure


def tasks(
    workloads: Sequence[Workload],
    threads: Sequence[str],
    candidates: Sequence[str],
    epochs: int,
    repeats: int,
) -> Iterator[Task]:
    """Yield all measurements in their order: the candidates take turns."""
    for thread_setting in threads:
        for workload in workloads:
            for seed in range(repeats):
                for name in candidates:
                    yield Task(name, workload, thread_setting, epochs, seed)


def run_all(todo: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """Measure; whoever fails at a workload is not asked again for it."""
    results: list[dict[str, Any]] = []
    failed = set()
    for i, task in enumerate(todo, 1):
        key = task.candidate, task.workload, task.threads
        if key in failed:
            continue
        result = run_child(task, folder)
        if "error" in result:
            failed.add(key)
        text = result.get("error") or "{cpu:.3f} s CPU, {wall:.3f} s wall".format(**result)
        where = f"{task.workload}, threads {task.threads}"
        print(f"[{i}/{len(todo)}] {where}, {task.candidate}: {text}", file=sys.stderr, flush=True)
        results.append({**asdict(task), "workload": str(task.workload), **result})
    return results


@dataclass(frozen=True)
class Summary:
    """The medians of one candidate's measurements, or its error; `None` where there is none."""

    values: dict[str, float | None]
    spread: float | None = None
    error: str = ""

    @classmethod
    def of(cls, results: Sequence[dict[str, Any]], clock: str) -> "Summary":
        """Summarise; the spread is that of `clock`, highest minus lowest over median."""
        errors = [result["error"] for result in results if "error" in result]
        if errors or not results:
            return cls({}, error=errors[0] if errors else "not measured")
        names = set(results[0]) - {"candidate", "workload", "threads", "epochs", "seed"}
        values = {
            name: None if results[0][name] is None else statistics.median(r[name] for r in results)
            for name in names
        }
        times = [result[clock] for result in results]
        spread = (max(times) - min(times)) / statistics.median(times) if len(times) > 1 else None
        return cls(values, spread)


def clock_of(threads: str) -> str:
    """Return which time decides: CPU on one thread, wall where threads may share the work."""
    return "cpu" if threads == "1" else "wall"


def summarise(results: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Summary]]:
    """Return the summaries by (threads, workload) and candidate, in the order of the run."""
    groups: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        group = groups.setdefault((result["threads"], result["workload"]), {})
        group.setdefault(result["candidate"], []).append(result)
    return {
        key: {name: Summary.of(found, clock_of(key[0])) for name, found in group.items()}
        for key, group in groups.items()
    }


def markdown_table(summaries: dict[str, Summary], threads: str) -> str:
    """Return one workload's table; a ratio is the candidate's time over skmlp's, same type."""
    clock = clock_of(threads)
    header = ["", "CPU s", "wall s", f"ratio ({clock})", "spread", "floor", "MB", "accuracy"]
    header += ["compile s"]
    rows, errors = [header], []
    for name, summary in summaries.items():
        if summary.error:
            errors.append(f"{name}: {summary.error}")
        v = summary.values
        ours = summaries.get(counterpart(name, summaries), Summary({}))
        floor, time_ = v.get(f"floor_{clock}"), v.get(clock)
        rows.append(
            [
                name,
                _number(v.get("cpu"), ".3f"),
                _number(v.get("wall"), ".3f"),
                _number(_ratio(time_, ours.values.get(clock)), ".2f"),
                _number(summary.spread, ".0%"),
                "-" if floor is None else f"{floor:.3f} ({_ratio(floor, time_):.0%})",
                _number(v.get("memory_mb"), ".0f"),
                _number(v.get("accuracy"), ".3f"),
                _number(v.get("compile"), ".2f"),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, *rest = ([cell.ljust(w) for cell, w in zip(row, widths, strict=True)] for row in rows)
    rule = ["-" * width for width in widths]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (first, rule, *rest))
    return "\n".join([table, *(f"\n{error}" for error in errors)])


def _number(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)


def _ratio(value: float | None, other: float | None) -> float | None:
    return None if value is None or not other else value / other


def report(run: dict[str, Any]) -> str:
    """Return the whole run in Markdown: where it ran, and a table for each workload."""
    machine, versions = run["machine"], run["versions"]
    repeats = f"median of {run['repeats']}" if run["repeats"] > 1 else "one measurement"
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['simd']}, {machine['blas']}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{run['data']}, {run['rows']} rows; seconds per epoch, {repeats}",
    ]
    for (threads, workload), summaries in summarise(run["measurements"]).items():
        title = "one thread" if threads == "1" else "all threads"
        lines += [f"\n### {workload}, {title}\n", markdown_table(summaries, threads)]
    return "\n".join(lines)


def plot(run: dict[str, Any]) -> Any:
    """Draw a panel for each workload: CPU and wall time of each candidate, and the floor."""
    from matplotlib.figure import Figure

    groups = summarise(run["measurements"])
    columns = list(dict.fromkeys(workload for _, workload in groups))
    rows = list(dict.fromkeys(threads for threads, _ in groups))
    figure = Figure(figsize=(1 + 4 * len(columns), 0.8 + 3 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(columns), squeeze=False, sharey=True)
    for (threads, workload), summaries in groups.items():
        axes = panels[rows.index(threads), columns.index(workload)]
        for k, (clock, colour) in enumerate([("cpu", "C0"), ("wall", "C1")]):
            for position, summary in enumerate(summaries.values()):
                seconds = summary.values.get(clock)
                if seconds is not None:
                    axes.barh(position + 0.4 * k - 0.2, seconds, 0.4, color=colour)
        ours = summaries["skmlp float32"].values
        floor = ours.get(f"floor_{clock_of(threads)}")
        if floor is not None:
            axes.axvline(floor, color="0.3", linestyle="--")
        axes.set_title(f"{workload}\n{'one thread' if threads == '1' else 'all threads'}", size=10)
        axes.set_yticks(range(len(summaries)), summaries)
        axes.set_xlabel("seconds per epoch")
        axes.grid(axis="x", alpha=0.3)
    panels[0, 0].invert_yaxis()
    handles = [panels[0, 0].plot([], color=c, linewidth=6)[0] for c in ("C0", "C1")]
    handles += panels[0, 0].plot([], color="0.3", linestyle="--")
    labels = ["CPU time", "wall time", "matrix products alone, float32"]
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def describe_machine() -> dict[str, Any]:
    """Return the kind of CPU, the number of cores this process may use, and the widest SIMD."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    may_use = getattr(os, "sched_getaffinity", None)
    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return {
        "cpu": cpu,
        "cores": len(may_use(0)) if may_use else os.cpu_count(),
        "simd": found[-1] if found else "no SIMD known",
        "blas": blas_of_numpy(),
    }


def blas_of_numpy() -> str:
    """Return the BLAS that multiplies for NumPy, and for which processors its kernels were made."""
    from threadpoolctl import threadpool_info

    for lib in threadpool_info():
        if lib["user_api"] == "blas" and "scipy.libs" not in lib["filepath"]:
            return (
                f"{lib['internal_api']} {lib['version']} for {lib.get('architecture', 'any CPU')}"
            )
    return "a BLAS that is not known"


def installed_versions(peers: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python, of skmlp, and of what it and the peers stand on."""
    import skmlp

    packages = ["numpy", "scipy", "scikit-learn", *(set(peers) - {"sklearn"})]
    if util.find_spec("numba"):
        packages.append("numba")
    if "skorch" in peers:
        packages.append("torch")
    found = {package: metadata.version(package) for package in dict.fromkeys(packages)}
    return {"Python": platform.python_version(), "skmlp": skmlp.__version__, **found}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description="Time the training of small networks by skmlp and every installed peer."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_ROWS} rows, one thread, one repeat: less than two minutes, and rough",
    )
    parser.add_argument(
        "--mnist",
        metavar="PATH",
        help="a folder of IDX files, mnist.pkl.gz, .npz, or openml to download it "
        "(default: random data of the same shape)",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=".", help="folder to write to (default: here)"
    )
    parser.add_argument(
        "--threads", nargs="+", choices=["1", "all"], help="(default: both, one after the other)"
    )
    parser.add_argument("--rows", type=_positive, help=f"of the training (default: {N_ROWS})")
    parser.add_argument("--repeats", type=_positive, help="measurements of each (default: 3)")
    parser.add_argument(
        "--epochs", type=_positive, default=1, help="in each measurement (default: 1)"
    )
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, help="to compare with (default: all installed)"
    )
    parser.add_argument(
        "--workloads",
        nargs="+",
        choices=WORKLOADS,
        default=OF_CLASSES,
        help="5 and 6 are regressions (default: 1 2 3 4)",
    )
    own = parser.add_argument_group("a workload of your own, in place of the four")
    own.add_argument("--hidden", metavar="N,N,...", type=_sizes, help="units of each hidden layer")
    own.add_argument("--solver", choices=["sgd", "adam"], default="adam", help="(default: adam)")
    own.add_argument("--batch-size", type=_positive, default=200, help="(default: 200)")
    parser.add_argument("--measure", metavar="JSON", help=argparse.SUPPRESS)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(","))


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.measure:
        answer(args.measure, args.output)
        return 0
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        sys.exit("This script draws a figure and needs matplotlib: pip install 'skmlp[plot]'")
    args.output.mkdir(parents=True, exist_ok=True)

    rows = args.rows or (QUICK_ROWS if args.quick else N_ROWS)
    repeats = args.repeats or (1 if args.quick else 3)
    threads = args.threads or (["1"] if args.quick else ["1", "all"])
    workloads = [WORKLOADS[number] for number in dict.fromkeys(args.workloads)]
    if args.hidden:
        workloads = [Workload(args.hidden, args.solver, args.batch_size)]
    installed = [peer for peer in PEERS if util.find_spec(peer)]
    peers = installed if args.peers is None else args.peers
    if args.peers is None and installed != PEERS:
        missing = ", ".join(peer for peer in PEERS if peer not in installed)
        print(f"Not installed, so left out: {missing}", file=sys.stderr)
    names = [
        name
        for name, who in (CANDIDATES | REGRESSION_CANDIDATES).items()
        if who.package in ("skmlp", *peers) and util.find_spec(who.needs)
    ]

    with tempfile.TemporaryDirectory() as folder:
        try:
            n_rows = save_data(Path(folder), args.mnist, rows)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        todo = [
            task
            for task in tasks(workloads, threads, names, args.epochs, repeats)
            if task.candidate in candidates_of(task.workload)
        ]
        measurements = run_all(todo, Path(folder))

    run = {
        "machine": describe_machine(),
        "versions": installed_versions([peer for peer in peers if peer in installed]),
        "data": "random data of MNIST's shape" if args.mnist is None else "MNIST",
        "rows": n_rows,
        "epochs": args.epochs,
        "repeats": repeats,
        "measurements": measurements,
    }
    print(report(run))
    json_file, figure_file = args.output / JSON_NAME, args.output / FIGURE_NAME
    json_file.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    plot(run).savefig(figure_file, dpi=150)
    print(f"\nSaved {json_file}\nSaved {figure_file}", file=sys.stderr)
    failed = [m for m in measurements if "error" in m and m["candidate"].startswith("skmlp")]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
