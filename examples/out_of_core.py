"""Train a network on a file that is larger than the memory it may use.

The script writes a table of made-up numbers into a temporary folder, then forbids itself to take
more than a quarter of the file's size in memory (on Linux, which can do that)::

    python examples/out_of_core.py
    python examples/out_of_core.py --megabytes 4000 --limit 200 --folder path/to/a/disk

Reading the file as a whole now fails. But `partial_fit` takes it chunk by chunk, each mapped into
memory by `numpy.memmap`: once to scale the features, then once per pass to train, with a learning
rate that rises and falls over all passes. After each pass the script prints how well the network
does on a part of the file that it does not train on, and the most memory that the process has
ever had. It takes about 15 seconds, and 400 MB of disk while it runs.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

N_FEATURES = 100
CLASSES = np.arange(4)
CHUNK_ROWS = 10_000
CHUNK_MB = CHUNK_ROWS * N_FEATURES * 4 / 1e6  # float32


def write_table(folder: Path, n_chunks: int, seed: int) -> None:
    """Write random features of different scales, and labels that depend on ten of them."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.lognormal(size=(2, N_FEATURES)).astype(np.float32)
    W_1, W_2 = rng.normal(size=(10, 8)), rng.normal(size=(8, len(CLASSES)))
    with open(folder / "rows.f32", "wb") as rows, open(folder / "labels.u8", "wb") as labels:
        for _ in range(n_chunks):
            Z = rng.standard_normal((CHUNK_ROWS, N_FEATURES), dtype=np.float32)
            (np.tanh(Z[:, :10] @ W_1) @ W_2).argmax(axis=1).astype(np.uint8).tofile(labels)
            (Z * scale + shift).tofile(rows)


def read_chunk(folder: Path, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Map the rows and labels of chunk i into memory; they leave it with the arrays."""
    start, shape = i * CHUNK_ROWS, (CHUNK_ROWS, N_FEATURES)
    X = np.memmap(folder / "rows.f32", np.float32, "r", start * N_FEATURES * 4, shape)
    y = np.memmap(folder / "labels.u8", np.uint8, "r", start, CHUNK_ROWS)
    return X, y


def memory_mb(entry: str) -> float:
    """Return what Linux says of this process: "VmData", what it has taken; "VmHWM", its peak."""
    if not sys.platform.startswith("linux"):
        return float("nan")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(rf"^{entry}:\s*(\d+) kB", status, re.MULTILINE)[1]) * 1024 / 1e6


def limit_memory(megabytes: float) -> None:
    """Let this process take that much more memory, and no more; files that are mapped are free."""
    if not sys.platform.startswith("linux"):
        print("The memory of this process is not limited: only Linux can do that")
        return
    import resource

    os.environ["SKMLP_KERNELS"] = "numpy"  # a compiler would need more memory than the limit
    # the first product makes BLAS take its working memory, which belongs to the libraries
    np.ones((500, 500)) @ np.ones((500, 500))
    most = int((memory_mb("VmData") + megabytes) * 1e6)
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    print(f"From now on it may take {megabytes} MB more")


def read_as_a_whole(folder: Path) -> str:
    """Try to, and return what happens."""
    try:
        np.fromfile(folder / "rows.f32", np.float32)
    except MemoryError as error:
        return f"fails: {error}"
    return "works, for nothing limits the memory"


def scale(folder: Path, chunks: Sequence[int]) -> StandardScaler:
    """Return a scaler that has seen all chunks."""
    scaler = StandardScaler()
    for i in chunks:
        scaler.partial_fit(read_chunk(folder, i)[0])
    return scaler


def measure(
    network: NumpyMLPClassifier, scaler: StandardScaler, folder: Path, chunks: Sequence[int]
) -> tuple[float, float]:
    """Return accuracy and log loss on those chunks."""
    measured = []
    for i in chunks:
        X, y = read_chunk(folder, i)
        log_proba = network.predict_log_proba(scaler.transform(X))
        accuracy = np.mean(log_proba.argmax(axis=1) == y)
        measured.append((accuracy, -log_proba[np.arange(len(y)), y].mean()))
    return tuple(np.mean(measured, axis=0))


def train(folder: Path, n_chunks: int, passes: int, seed: int) -> None:
    """Scale and train on all chunks but the last tenth, on which each pass is measured."""
    n_train = n_chunks - max(1, n_chunks // 10)
    training, held_out = range(n_train), range(n_train, n_chunks)
    scaler = scale(folder, training)
    network = NumpyMLPClassifier(
        (64, 32),
        batch_size=250,
        learning_rate="one_cycle",
        learning_rate_init=0.01,
        max_iter=passes * n_train,  # the schedule is planned for that many calls of partial_fit
        random_state=seed,
    )
    rng = np.random.default_rng(seed)
    print(f"\n{'pass':>4}{'accuracy':>10}{'log loss':>10}{'rate':>10}{'seconds':>9}{'peak MB':>9}")
    start = time.perf_counter()
    for i in range(passes):
        # within a chunk partial_fit shuffles the rows
        for j in rng.permutation(training):
            X, y = read_chunk(folder, j)
            network.partial_fit(scaler.transform(X), y, classes=CLASSES)
        accuracy, loss = measure(network, scaler, folder, held_out)
        rate, seconds = network.learning_rate_curve_[-1], time.perf_counter() - start
        peak = memory_mb("VmHWM")
        print(f"{i + 1:4}{accuracy:10.4f}{loss:10.4f}{rate:10.6f}{seconds:9.1f}{peak:9.0f}")


def main(argv: list[str] | None = None) -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Train on a file that is larger than the memory the script may use."
    )
    parser.add_argument(
        "--megabytes", type=int, default=400, help="size of the file (default: 400)"
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=100,
        help="megabytes that the process may take, beyond those of Python and its libraries "
        "(default: 100)",
    )
    parser.add_argument("--passes", type=int, default=3, help="over the file (default: 3)")
    parser.add_argument(
        "--folder", metavar="DIR", help="for the file (default: the system's temporary folder)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of data and training (default: 0)")
    args = parser.parse_args(argv)
    n_chunks = round(args.megabytes / CHUNK_MB)
    if args.limit >= args.megabytes or n_chunks < 2:
        parser.error(f"--megabytes must be more than --limit, and at least {2 * CHUNK_MB:g}")

    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        write_table(folder, n_chunks, args.seed)
        file_mb = (folder / "rows.f32").stat().st_size / 1e6
        print(f"File: {file_mb:.0f} MB, {n_chunks * CHUNK_ROWS} rows of {N_FEATURES} features")
        print(f"Memory of this process so far: at most {memory_mb('VmHWM'):.0f} MB")
        limit_memory(args.limit)
        print(f"Reading the file as a whole {read_as_a_whole(folder)}")
        train(folder, n_chunks, args.passes, args.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
