"""Writers of MNIST files: a small set of images in each format that `load_mnist` reads.

It also holds the assertions that a damaged file is refused.
"""

import gzip
import io
import pickle
import re
import struct
import tracemalloc
from typing import ClassVar

import numpy as np
import pytest

from skmlp.datasets import load_mnist

ROWS = {"train": 6, "val": 3, "test": 4}
IDX_FILES = {
    "X_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "X_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def merged(digits):
    """Return the four arrays of the original files: training and validation in one."""
    return {
        "X_train": np.concatenate([digits["X_train"], digits["X_val"]]),
        "y_train": np.concatenate([digits["y_train"], digits["y_val"]]),
        "X_test": digits["X_test"],
        "y_test": digits["y_test"],
    }


def idx_bytes(array, *sizes):
    sizes = sizes or ((len(array), 28, 28) if array.ndim > 1 else (len(array),))
    header = struct.pack(f">{1 + len(sizes)}I", 0x0800 + len(sizes), *sizes)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder, digits, *, gz=False, dotted=False):
    for name, array in merged(digits).items():
        raw = idx_bytes(array)
        file = IDX_FILES[name].replace("-idx", ".idx") if dotted else IDX_FILES[name]
        (folder / (file + ".gz" * gz)).write_bytes(gzip.compress(raw, mtime=0) if gz else raw)
    return folder


def write_keras(folder, digits, *, save=np.savez_compressed, square=True, upper=False):
    arrays = merged(digits)
    if square:
        arrays = {n: a.reshape(-1, 28, 28) if n[0] == "X" else a for n, a in arrays.items()}
    save(folder / "mnist.npz", **{n if upper else n.lower(): a for n, a in arrays.items()})
    return folder / "mnist.npz"


def write_split_npz(folder, digits, *, save=np.savez, scaled=lambda X: X):
    arrays = {n: scaled(a) if n[0] == "X" else a for n, a in digits.items()}
    save(folder / "mnist.npz", **arrays)
    return folder / "mnist.npz"


def pairs(digits, scaled=lambda X: (X / 256).astype(np.float32)):
    return tuple((scaled(digits[f"X_{p}"]), digits[f"y_{p}"]) for p in ROWS)


def save_as_string(pickler, obj):
    raw = obj.encode("ascii") if isinstance(obj, str) else obj
    pickler.write(b"T" + struct.pack("<i", len(raw)) + raw)
    pickler.memoize(obj)


class Python2Pickler(pickle._Pickler):
    """Write bytes and ASCII text as Python 2 did: as strings of bytes."""

    dispatch: ClassVar = pickle._Pickler.dispatch | {bytes: save_as_string, str: save_as_string}


def pickled(content, *, protocol=2, core=None, python2=False):
    buffer = io.BytesIO()
    (Python2Pickler if python2 else pickle.Pickler)(buffer, protocol=protocol).dump(content)
    raw = buffer.getvalue()
    # The module name ends with a newline in protocols up to 3, so its length may change.
    return re.sub(rb"numpy\._?core\.", core, raw) if core else raw


def write_pickle(folder, digits, *, gz=True, scaled=None, **how):
    raw = pickled(pairs(digits, scaled) if scaled else pairs(digits), **how)
    path = folder / ("mnist.pkl.gz" if gz else "mnist.pkl")
    path.write_bytes(gzip.compress(raw, mtime=0) if gz else raw)
    return path


SOURCES = {
    "idx": write_idx,
    "idx gzipped": lambda f, d: write_idx(f, d, gz=True),
    "idx dotted": lambda f, d: write_idx(f, d, dotted=True),
    "idx dotted gzipped": lambda f, d: write_idx(f, d, gz=True, dotted=True),
    "npz like keras": write_keras,
    "npz stored, 784 columns, upper case": lambda f, d: write_keras(
        f, d, save=np.savez, square=False, upper=True
    ),
    "npz with validation": write_split_npz,
    "npz byte/255 float32": lambda f, d: write_split_npz(
        f, d, scaled=lambda X: (X / 255).astype(np.float32)
    ),
    "npz byte/256 float64": lambda f, d: write_split_npz(f, d, scaled=lambda X: X / 256),
    "npz byte/255 big-endian, columns first": lambda f, d: write_split_npz(
        f, d, scaled=lambda X: np.asfortranarray(X / 255, dtype=">f8")
    ),
    "npz whole floats": lambda f, d: write_split_npz(f, d, scaled=lambda X: X.astype(np.float32)),
    "npz int64": lambda f, d: write_split_npz(f, d, scaled=lambda X: X.astype(np.int64)),
    "pickle byte/256 big-endian": lambda f, d: write_pickle(
        f, d, scaled=lambda X: (X / 256).astype(">f4")
    ),
    "pickle Python 2": lambda f, d: write_pickle(f, d, python2=True, core=b"numpy.core."),
    "pickle NumPy 1": lambda f, d: write_pickle(f, d, protocol=3, core=b"numpy.core."),
    "pickle NumPy 2": lambda f, d: write_pickle(f, d, protocol=3, core=b"numpy._core."),
    **{
        f"pickle protocol {p}": lambda f, d, p=p: write_pickle(f, d, gz=False, protocol=p)
        for p in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    **{
        f"pickle columns first, protocol {p}": lambda f, d, p=p: write_pickle(
            f, d, protocol=p, scaled=lambda X: np.asfortranarray(X / 255)
        )
        for p in (2, 5)
    },
}


def refuses(path, defect):
    """Expect that loading `path` names the file, the defect and the remedy."""
    blamed = re.escape(str(path))
    return pytest.raises(ValueError, match=rf"(?s){blamed} is damaged .*{defect}.*fresh copy")


def assert_refused_in_little_memory(path, victim):
    """Assert that loading `path` names the victim, and reserves less than 5 MB."""
    tracemalloc.start()
    try:
        with refuses(victim, ""):
            load_mnist(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
