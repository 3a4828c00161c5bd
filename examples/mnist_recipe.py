"""Train a ready recipe on the 60,000 training images of MNIST and test it on the other 10,000.

The images are used as they are: without augmentation, by a network that does not know which pixels
are neighbours. They are downloaded from OpenML, or read from files::

    python examples/mnist_recipe.py --recipe MNIST_FAST --seeds 0 1 2 3 4
    python examples/mnist_recipe.py --mnist ~/data/mnist --recipe MNIST
    python examples/mnist_recipe.py --mnist ~/data/mnist --recipe MNIST_FAST --compare

For each seed it prints the test accuracy and the CPU seconds that training took on one thread.
``--compare`` trains the same recipe in PyTorch too, if that is installed, and scikit-learn's
MLPClassifier in three sizes, with defaults otherwise, until it has 98 % of the test images right.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from skmlp import NumpyMLPClassifier, recipes
from skmlp.datasets import load_mnist

RECIPES = {"MNIST": recipes.MNIST, "MNIST_FAST": recipes.MNIST_FAST}
MLP_SIZES = [(100,), (300,), (512, 512)]
MLP_ACCURACY, MLP_EPOCHS = 0.98, 30
IN_TORCH = {"hidden_layer_sizes", "batch_norm", "input_noise", "noise", "alpha", "label_smoothing"}
IN_TORCH |= {"batch_size", "learning_rate", "learning_rate_init", "max_iter", "beta_2", "averaging"}
IN_TORCH |= {"adversarial_radius"}
N_POPULATION = 10_000  # training images behind the statistics that batch normalisation predicts by

Recipe = dict[str, Any]
Predict = Callable[[np.ndarray], np.ndarray]


def train_skmlp(recipe: Recipe, X: np.ndarray, y: np.ndarray, seed: int) -> Predict:
    """Train the recipe and return the model's `predict`."""
    return NumpyMLPClassifier(**recipe, n_threads=1, random_state=seed).fit(X, y).predict


# --- The same in PyTorch


def train_torch(recipe: Recipe, X: np.ndarray, y: np.ndarray, seed: int) -> Predict:
    """Train the recipe written in PyTorch and return a function that predicts."""
    import torch

    if missing := set(recipe) - IN_TORCH:
        raise NotImplementedError(f"Not written in PyTorch here: {', '.join(sorted(missing))}.")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    net = torch_network(recipe, X.shape[1], len(np.unique(y)))
    cross_entropy = torch.nn.CrossEntropyLoss(label_smoothing=recipe.get("label_smoothing", 0))
    loss = adversarial(cross_entropy, recipe.get("adversarial_radius", 0))
    betas = 0.9, recipe.get("beta_2", 0.999)
    optimizer = torch.optim.Adam(net.parameters(), betas=betas, fused=True)
    X_train, y_train = torch.from_numpy(X), torch.from_numpy(y)
    values = [value for value in net.state_dict().values() if value.is_floating_point()]
    means = [value.clone() for value in values]
    n_batches, step = math.ceil(len(X) / recipe["batch_size"]), 0
    for _ in range(recipe["max_iter"]):
        for rows in torch.randperm(len(X)).split(recipe["batch_size"]):
            optimizer.param_groups[0]["lr"] = learning_rate(recipe, step, n_batches)
            optimizer.zero_grad()
            loss(net, X_train[rows], y_train[rows])
            optimizer.step()
            step += 1
            if "averaging" in recipe:
                decay = min(recipe["averaging"], (1 + step) / (10 + step))
                for mean, value in zip(means, values, strict=True):
                    mean.lerp_(value, 1 - decay)
    if "averaging" in recipe:
        for mean, value in zip(means, values, strict=True):
            value.copy_(mean)
    net.eval()
    take_population_statistics(net, X_train[:: max(1, len(X) // N_POPULATION)])

    def predict(X: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(torch.from_numpy(X)).argmax(1).numpy()

    return predict


def adversarial(cross_entropy: Any, radius: float) -> Callable[[Any, Any, Any], None]:
    """Return the function that adds the gradient of the loss to that of the parameters."""

    def plain(net: Any, x: Any, y: Any) -> None:
        cross_entropy(net(x), y).backward()

    def of_both(net: Any, x: Any, y: Any) -> None:
        x.requires_grad_()
        (cross_entropy(net(x), y) / 2).backward()
        step = radius * x.grad / x.grad.norm(dim=1, keepdim=True).clamp_min(1e-30)
        (cross_entropy(net(x.detach() + step), y) / 2).backward()

    return of_both if radius else plain


def take_population_statistics(net: Any, a: Any) -> None:
    """Give each batch normalisation mean and variance of its input for the rows, without noise."""
    import torch

    with torch.no_grad():
        for layer in net:
            if isinstance(layer, torch.nn.BatchNorm1d):
                layer.running_mean.copy_(a.mean(0))
                layer.running_var.copy_(a.var(0, correction=0))
            a = layer(a)


def torch_network(recipe: Recipe, n_features: int, n_classes: int) -> Any:
    """Return the untrained network."""
    import torch

    class GaussianNoise(torch.nn.Module):
        def __init__(self, std: float) -> None:
            super().__init__()
            self.std = std

        def forward(self, a: torch.Tensor) -> torch.Tensor:
            return a + self.std * torch.randn_like(a) if self.training else a

    batch_norm = recipe.get("batch_norm", False)
    input_noise, noise = recipe.get("input_noise", 0), recipe.get("noise", 0)
    sizes = [n_features, *recipe["hidden_layer_sizes"], n_classes]
    layers: list[torch.nn.Module] = [GaussianNoise(input_noise)] if input_noise else []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers.append(torch.nn.Linear(n_in, n_out, bias=not batch_norm))
        layers += [torch.nn.BatchNorm1d(n_out)] if batch_norm else []
        layers += [GaussianNoise(noise)] if noise else []
        layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers, torch.nn.Linear(*sizes[-2:]))


def learning_rate(recipe: Recipe, step: int, n_batches: int) -> float:
    """Return the rate of a step of the schedule "one_cycle" or "linear"."""
    t, end = step / n_batches, recipe["max_iter"]
    if recipe["learning_rate"] == "one_cycle":
        peak = 0.3 * end
        rises = t < peak
        angle = math.pi * (1 - t / peak if rises else (t - peak) / (end - peak))
        share = (1 + math.cos(angle)) / 2
        share = 0.04 + 0.96 * share if rises else share
    else:
        share = 1 - t / end
    return recipe["learning_rate_init"] * share


# --- What is measured


def measure(
    train: Callable[..., Predict], recipe: Recipe, data: Bunch, seed: int
) -> tuple[float, float]:
    """Return the test accuracy after one training, and its CPU seconds."""
    start = time.process_time()
    predict = train(recipe, data.X, data.y, seed)
    seconds = time.process_time() - start
    return float(np.mean(predict(data.X_test) == data.y_test)), seconds


def seconds_of_mlp_classifier(data: Bunch, sizes: tuple[int, ...], seed: int) -> str:
    """Train scikit-learn's MLPClassifier up to the accuracy asked for; say how long it took."""
    # with an int, each call of partial_fit would shuffle alike
    model = MLPClassifier(sizes, random_state=np.random.RandomState(seed))
    seconds, best = 0.0, 0.0
    for epoch in range(1, MLP_EPOCHS + 1):
        start = time.process_time()
        model.partial_fit(data.X, data.y, classes=np.arange(10))
        seconds += time.process_time() - start
        best = max(best, model.score(data.X_test, data.y_test))
        if best >= MLP_ACCURACY:
            return f"{seconds:.1f} CPU s for {epoch} epochs to {MLP_ACCURACY:.3f}"
    return f"{seconds:.1f} CPU s for {epoch} epochs, and never above {best:.4f}"


def load(path: str | None) -> Bunch:
    """Load MNIST with its training and validation images together."""
    mnist = load_mnist(path)
    X = np.concatenate([mnist.X_train, mnist.X_val])
    y = np.concatenate([mnist.y_train, mnist.y_val])
    return Bunch(X=X, y=y, X_test=mnist.X_test, y_test=mnist.y_test)


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Train a ready recipe on MNIST and print its test accuracy and CPU time."
    )
    parser.add_argument(
        "--mnist",
        metavar="PATH",
        default="openml",
        help="a folder of IDX files, mnist.pkl.gz, .npz, or openml to download it "
        "(default: openml)",
    )
    parser.add_argument("--recipe", choices=RECIPES, default="MNIST", help="(default: MNIST)")
    parser.add_argument(
        "--seeds", metavar="SEED", type=int, nargs="+", default=[0, 1, 2], help="(default: 0 1 2)"
    )
    parser.add_argument(
        "--compare", action="store_true", help="train in PyTorch and MLPClassifier too"
    )
    args = parser.parse_args(argv)
    try:
        data = load(None if args.mnist == "openml" else args.mnist)
    except (OSError, ValueError) as error:
        parser.error(str(error))

    recipe = RECIPES[args.recipe]
    print(f"{args.recipe} = {recipe}")
    contestants = {"skmlp": train_skmlp}
    if args.compare and find_spec("torch"):
        contestants["PyTorch"] = train_torch
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    with threadpool_limits(1):
        for seed in args.seeds:
            for name, train in contestants.items():
                accuracy, seconds = measure(train, recipe, data, seed)
                results[name].append((accuracy, seconds))
                print(f"{name}, seed {seed}: test accuracy {accuracy:.4f}, {seconds:.1f} CPU s")
        for name, pairs in results.items():
            accuracy, seconds = np.mean(pairs, axis=0)
            print(f"{name}, mean: test accuracy {accuracy:.4f}, {seconds:.1f} CPU s")
        for sizes in MLP_SIZES if args.compare else []:
            outcome = seconds_of_mlp_classifier(data, sizes, args.seeds[0])
            print(f"MLPClassifier({sizes}): {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
