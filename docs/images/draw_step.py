"""Measure and draw where the time of a training step goes, with compiled loops and without.

``python docs/images/draw_step.py`` takes about a minute on one core. The script prints a table in
Markdown, for docs/performance.md, and writes step-light.svg and step-dark.svg next to this file.
Each part of a step is timed alone, on arrays of the step's own shapes; what the whole step takes
beyond the sum of these is shown as Python. Limit BLAS to one thread first
(``OPENBLAS_NUM_THREADS=1``).
"""

import statistics
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from skmlp._compiled.choice import load_loops
from skmlp._engine.kernels import NO_LOOPS, run_with
from skmlp._engine.linalg import add_bias, add_penalty, column_sums, matmul
from skmlp._engine.losses.classification import SoftmaxCrossEntropy
from skmlp._engine.network import Network
from skmlp._training.dataset import Dataset, minibatches
from skmlp._training.optimizers import SGD, Adam
from skmlp._training.schedules import SCHEDULES
from skmlp._training.solver import Solver

# hidden layers, optimizer, rows of a batch: the networks of examples/benchmark_training.py
NETWORKS = {
    "784-32-10, Adam, batch 32": ((32,), "adam", 32),
    "784-100-10, SGD, batch 32": ((100,), "sgd", 32),
    "784-100-10, Adam, batch 200": ((100,), "adam", 200),
    "784-512-512-10, Adam, batch 128": ((512, 512), "adam", 128),
}
PARTS = "products", "gathering rows", "bias, activation, penalty", "loss", "optimizer", "Python"
N_ROWS, ROUNDS = 20_000, 15

# Okabe and Ito's colours, and grey; text
COLOURS = "#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#999999"
TEXT = {"light": "#1f2328", "dark": "#e6edf3"}


def seconds(run, n_calls):
    """Return the median CPU seconds of a call, from several rounds of calls."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(n_calls):
            run()
        times.append((time.process_time() - start) / n_calls)
    return statistics.median(times)


def make_step(hidden, optimizer, m, dtype=np.float32):
    """Return a network, a solver and a batch of MNIST's shape."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(N_ROWS, 784)).astype(dtype)
    y = rng.randint(10, size=N_ROWS)
    network = Network([784, *hidden, 10], "relu", SoftmaxCrossEntropy(), 1e-4, np.dtype(dtype))
    network.initialize("glorot_uniform", rng)
    network.reserve(m)
    if optimizer == "adam":
        settings = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
        rule = Adam(network.theta, network.n_weights, **settings)
    else:
        rule = SGD(network.theta, network.n_weights, momentum=0.0, nesterovs_momentum=False)
    solver = Solver(rule, SCHEDULES["constant"](1e-3, max_epochs=1))
    return network, solver, Dataset(X, y), rng.permutation(N_ROWS)


def measure(hidden, optimizer, m):
    """Return the microseconds of each part of a step."""
    network, solver, data, order = make_step(hidden, optimizer, m)
    X, y = data.X[:m].copy(), data.y[:m]
    a, delta, z = network._batch_views(m)
    a[0] = X
    h, layers = network._in_place[0][0].h, network.layers

    def products():
        for i, layer in enumerate(layers):
            matmul(a[i], layer.W, a[i + 1])
        for i in range(len(layers) - 1, 0, -1):
            matmul(a[i].T, delta[i], layers[i].dW)
            matmul(delta[i], layers[i].W.T, delta[i - 1])
        matmul(X.T, delta[0], layers[0].dW)

    def between():
        for i, b in enumerate(network.b[:-1]):
            h.of_sum(a[i + 1], b)
            h.backward(a[i + 1], None, delta[i])
        add_bias(z, network.b[-1])
        for layer, part in zip(layers, delta, strict=True):
            column_sums(part, layer.db)
        n = network.n_weights
        add_penalty(network.theta[:n], network.grad[:n], 1e-6)

    def gather():
        for _ in minibatches(data, m, order):
            pass

    def steps():
        for X_batch, y_batch, w in minibatches(data, m, order):
            network.loss_gradient(X_batch, y_batch, w)
            solver.step(network, 0.0, 0.1)

    n_calls, n_batches = max(20, 20_000 // m), -(-N_ROWS // m)
    steps()
    whole = seconds(steps, 1) / n_batches
    network.grad[...] = 1e-3
    parts = [
        seconds(products, n_calls),
        seconds(gather, 1) / n_batches,
        seconds(between, n_calls),
        seconds(lambda: network.loss.loss_gradient(z, y, None), n_calls),
        seconds(lambda: solver.step(network, 0.0, 0.1), n_calls),
    ]
    return [1e6 * part for part in (*parts, max(0.0, whole - sum(parts)))]


def draw(figures, theme):
    """Write the chart: for each network a bar without loops and one with loops, in shares."""
    text = TEXT[theme]
    fig, ax = plt.subplots(figsize=(8.5, 4.2))
    for row, (without, compiled) in enumerate(figures.values()):
        for offset, label, parts in ((-0.2, "NumPy", without), (0.2, "loops", compiled)):
            scale, left = 100 / sum(without), 0.0
            for part, colour in zip(parts, COLOURS, strict=True):
                ax.barh(row + offset, scale * part, 0.36, left, color=colour)
                left += scale * part
            ax.text(left, row + offset, f" {label}: {sum(parts):.0f} µs", va="center", color=text)
    ax.set(yticks=range(len(figures)), xlim=(0, 130), xticks=[], facecolor="none")
    ax.set_yticklabels([name.replace(", ", "\n", 1) for name in figures], color=text)
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    handles = [mpl.patches.Patch(color=colour) for colour in COLOURS]
    fig.legend(handles, PARTS, ncols=3, frameon=False, labelcolor=text, loc="lower center")
    fig.subplots_adjust(bottom=0.17)
    ax.set_title("Where the time of a training step goes", loc="left", weight="bold", color=text)
    path = Path(__file__).with_name(f"step-{theme}.svg")
    fig.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
    plt.close(fig)


def main():
    """Measure, print the table and write both pictures."""
    figures = {}
    print(f"| network | kernels | whole | {' | '.join(PARTS)} |")
    print("| --- " * (3 + len(PARTS)) + "|")
    for name, network in NETWORKS.items():
        figures[name] = []
        for label, loops in (("NumPy", NO_LOOPS), ("loops", load_loops())):
            parts = run_with(loops, lambda network=network: measure(*network))
            figures[name].append(parts)
            shown = " | ".join(f"{part:.0f}" for part in (sum(parts), *parts))
            print(f"| {name} | {label} | {shown} |")
    for theme in TEXT:
        with mpl.rc_context({"font.size": 11, "svg.hashsalt": "skmlp"}):
            draw(figures, theme)


if __name__ == "__main__":
    main()
