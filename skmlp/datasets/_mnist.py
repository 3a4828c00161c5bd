"""Loader of the MNIST handwritten digits, from local files or from OpenML."""

import gzip
import math
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skmlp.datasets._array_pickles import build_array, load_content

__all__ = ["load_mnist"]

N_TRAIN, N_VAL, N_TEST = 50_000, 10_000, 10_000
SIDE = 28
# Room for float64 pixels (490 MB in old protocols), yet a bound on what a gzip bomb can cost.
PICKLE_BYTES_MAX = 2**29

_DTYPES = ("float32", "float64", "uint8")
_SOURCES = (
    "a folder with the four IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or .gz), "
    "a file mnist.pkl.gz or .pkl, or a file .npz"
)
_IDX_STEMS = {
    "X_train": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "y_train": ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    "X_test": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    "y_test": ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
}
_IDX_MAGIC = {2049: "labels", 2051: "images"}
_DESCR = """MNIST handwritten digits

70,000 grey-scale images of 28 x 28 pixels, one digit 0..9 each, 784 pixels row by row.
Training: the first 50,000 of the 60,000 training images. Validation: the last 10,000 of them.
Test: the 10,000 test images, by other writers. Pixel 0 is background; 1 (255 as uint8) is ink.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 2278-2324.
"""


def load_mnist(path: str | os.PathLike[str] | None = None, *, dtype: str = "float32") -> Bunch:
    """Load the MNIST handwritten digits, split into training, validation and test sets.

    The images and their order are the same for every source.

    Parameters
    ----------
    path : str, os.PathLike or None, default=None
        Source of the digits. A leading ``~`` is expanded to the home folder.

        - A folder: the four IDX files ``train-images-idx3-ubyte``,
          ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
          ``t10k-labels-idx1-ubyte`` (or ``train-images.idx3-ubyte`` and so on),
          each plain or with ``.gz``.
        - A file ``.pkl`` or ``.pkl.gz``: a pickle of three pairs (images, labels)
          of 50,000, 10,000 and 10,000 rows, at most 512 MiB unpacked. Only arrays
          are allowed, and nothing that the pickle names is run.
        - A file ``.npz``: the arrays ``x_train``, ``y_train``, ``x_test`` and
          ``y_test`` (60,000 and 10,000 rows), or these and ``x_val`` and ``y_val``
          (50,000, 10,000 and 10,000 rows), in upper or lower case.

        If None, ``mnist_784`` is downloaded from OpenML and cached by
        :func:`sklearn.datasets.fetch_openml`.
    dtype : {"float32", "float64", "uint8"}, default="float32"
        Type of the pixels. If a float type, pixels are byte / 255, in [0, 1]. If
        ``"uint8"``, pixels are the bytes 0..255.

    Returns
    -------
    mnist : sklearn.utils.Bunch
        Dict-like object with these attributes:

        X_train : ndarray of shape (50000, 784) and type `dtype`
            First 50,000 of the 60,000 training images, pixels row by row.
        y_train : ndarray of shape (50000,), int64
            Digits of the training images, 0..9.
        X_val, y_val : ndarray of shape (10000, 784) and (10000,)
            Last 10,000 of the 60,000 training images, and their digits.
        X_test, y_test : ndarray of shape (10000, 784) and (10000,)
            Test images, and their digits.
        DESCR : str
            Description of the data.

    Raises
    ------
    FileNotFoundError
        If `path` does not exist, or an IDX file is missing in the folder.
    OSError
        If `path` is None and the download failed.
    TypeError
        If `path` is neither a string, a path, nor None.
    ValueError
        If `dtype` is not one of the allowed types, `path` is a file of another
        kind, or a file is damaged or is not the expected part of MNIST.

    Notes
    -----
    Copies of MNIST differ in the scale of the pixels: the usual ``mnist.pkl.gz``
    holds byte / 256, others hold byte / 255 or the bytes. The bytes are recovered
    first, then scaled, so that a model gets the same numbers from every source.

    The sizes in a file are compared with the sizes of MNIST before memory is
    reserved for them.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), "Gradient-based learning
    applied to document recognition", Proceedings of the IEEE 86(11), 2278-2324.

    Examples
    --------
    >>> from skmlp.datasets import load_mnist
    >>> mnist = load_mnist("~/data/mnist")  # doctest: +SKIP
    >>> mnist.X_train.shape, mnist.X_val.shape, mnist.X_test.shape  # doctest: +SKIP
    ((50000, 784), (10000, 784), (10000, 784))
    """
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise ValueError(f"dtype={dtype!r} is not allowed: choose one of {', '.join(_DTYPES)}.")
    arrays = _fetch() if path is None else _read(path)
    if "X_val" not in arrays:
        for name in ("X", "y"):
            full = arrays[f"{name}_train"]
            arrays[f"{name}_train"], arrays[f"{name}_val"] = full[:N_TRAIN], full[N_TRAIN:]
    mnist = {
        name: _scaled(arrays[name], dtype) if name.startswith("X") else arrays[name].copy()
        for name in _row_counts(with_val=True)
    }
    return Bunch(**mnist, DESCR=_DESCR)


def _scaled(images: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Return the images as `dtype`; floats are byte / 255."""
    pixels = images.astype(dtype)
    if dtype != "uint8":
        pixels /= 255
    return pixels


def _row_counts(*, with_val: bool) -> dict[str, int]:
    """Return the number of rows of each array, by name."""
    if with_val:
        parts = {"train": N_TRAIN, "val": N_VAL, "test": N_TEST}
    else:
        parts = {"train": N_TRAIN + N_VAL, "test": N_TEST}
    return {f"{kind}_{part}": rows for part, rows in parts.items() for kind in ("X", "y")}


# --- Sources ---------------------------------------------------------------------------------


def _read(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays from a folder or a file; the name of a file tells its format."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path={path!r} is not allowed: give {_SOURCES}, or None to download.")
    local = Path(os.path.expanduser(path))
    if local.is_dir():
        return _read_folder(local)
    if not local.exists():
        raise FileNotFoundError(f"{local} does not exist: give {_SOURCES}.")
    name = local.name.lower()
    if local.is_file() and name.endswith((".pkl", ".pkl.gz")):
        return _read_pickle(local)
    if local.is_file() and name.endswith(".npz"):
        return _read_npz(local)
    raise ValueError(f"{local} is not one of the allowed sources: give {_SOURCES}.")


def _fetch() -> dict[str, NDArray[Any]]:
    """Read the arrays from OpenML, through scikit-learn's cache."""
    from sklearn.datasets import fetch_openml

    try:
        # This parser is slower than the other, but needs no pandas.
        table = fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except (OSError, HTTPException) as error:
        raise OSError(
            f"The download of mnist_784 from OpenML failed ({type(error).__name__}: {error}). "
            f"Without a network, give path: {_SOURCES}."
        ) from error
    with _naming_source("mnist_784 of OpenML"):
        full = N_TRAIN + N_VAL
        images, labels = np.asarray(table.data), np.asarray(table.target).astype(np.int64)
        arrays = (images[:full], labels[:full], images[full:], labels[full:])
        rows = _row_counts(with_val=False)
        pairs = zip(rows, arrays, strict=True)
        return {name: _clean(name, array, rows[name]) for name, array in pairs}


@contextmanager
def _naming_source(source: str | os.PathLike[str]) -> Iterator[None]:
    """Convert the errors that a damaged source raises to a ValueError that names the source."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    # Damaged archives and pickles raise nearly every built-in exception.
    except Exception as error:
        defect = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{source} is damaged or not MNIST: {defect:.500}. Replace it with a fresh copy."
        ) from error


def _open(path: Path) -> BufferedIOBase:
    """Open a file, unpacked if its first bytes (not its name) say that it is gzipped."""
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if gzipped else path.open("rb")


def _read_exactly(file: BufferedIOBase | IO[bytes], size: int, name: str) -> bytes:
    """Return the rest of a file; raise ValueError unless the rest has exactly `size` bytes.

    At most one byte more than `size` is read.
    """
    raw = file.read(size + 1)
    if len(raw) != size:
        found = f"only {len(raw)}" if len(raw) < size else "more"
        raise ValueError(f"{name} needs {size} bytes of data, the file has {found}")
    return raw


# --- Checks that all sources share -----------------------------------------------------------


def _check_layout(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], rows: int) -> None:
    """Raise ValueError unless shape and type are those of images, or of labels."""
    images = name.startswith("X")
    allowed = ((rows, SIDE * SIDE), (rows, SIDE, SIDE)) if images else ((rows,),)
    if shape not in allowed:
        raise ValueError(f"{name} has shape {shape}, allowed: {' or '.join(map(str, allowed))}")
    if dtype.kind not in "iu" and not (images and dtype.kind == "f" and dtype.itemsize in (4, 8)):
        types = "integers, float32 or float64" if images else "integers"
        raise ValueError(f"{name} has type {dtype}, allowed: {types}")


def _clean(name: str, array: NDArray[Any], rows: int) -> NDArray[Any]:
    """Return images as bytes of shape (rows, 784), labels as int64 of shape (rows,)."""
    _check_layout(name, array.shape, array.dtype, rows)
    if name.startswith("X"):
        return _recover_bytes(name, array.reshape(rows, SIDE * SIDE))
    low, high = array.min(), array.max()
    if low < 0 or high > 9:
        raise ValueError(f"{name} holds labels from {low} to {high}, allowed: 0 to 9")
    return array.astype(np.int64)


def _recover_bytes(name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the bytes of pixels that were scaled by 1 / 255, by 1 / 256 or not at all."""
    low, high = images.min(), images.max()
    # Written so that NaN fails.
    in_range = bool(low >= 0 and high <= 255)
    if in_range and images.dtype.kind in "iu":
        return images.astype(np.uint8, copy=False)
    for scale in (255, 256, 1):
        if in_range and high * scale < 255.5:
            pixels = images * scale
            nearest = np.rint(pixels)
            # Read at the wrong scale, byte / 255 and byte / 256 are 1 / 256 off a whole number.
            if np.abs(pixels - nearest).max() < 1e-3:
                return nearest.astype(np.uint8)
    raise ValueError(
        f"{name} holds pixels from {low} to {high} that are not bytes: "
        "allowed are 0 to 255 in whole numbers, byte / 255 or byte / 256"
    )


# --- IDX -------------------------------------------------------------------------------------


def _read_folder(folder: Path) -> dict[str, NDArray[Any]]:
    """Read the four IDX files of a folder."""
    paths = {name: _find_idx(folder, stems) for name, stems in _IDX_STEMS.items()}
    rows = _row_counts(with_val=False)
    return {name: _read_idx(paths[name], name, rows[name]) for name in rows}


def _find_idx(folder: Path, stems: tuple[str, ...]) -> Path:
    """Return the first file in the folder with one of the names, plain or with .gz."""
    names = [stem + suffix for stem in stems for suffix in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} holds none of {', '.join(names)}: give {_SOURCES}.")


def _read_idx(path: Path, name: str, rows: int) -> NDArray[Any]:
    """Read one IDX file: big-endian 32-bit magic number and sizes, then the bytes."""
    shape = (rows, SIDE, SIDE) if name.startswith("X") else (rows,)
    with _naming_source(path), _open(path) as file:
        _check_idx_header(file, shape)
        raw = _read_exactly(file, math.prod(shape), name)
        return _clean(name, np.frombuffer(raw, np.uint8).reshape(shape), rows)


def _check_idx_header(file: BufferedIOBase, shape: tuple[int, ...]) -> None:
    """Read the header; raise ValueError unless the header is that of bytes of this shape."""
    # The low byte of the magic number is the number of dimensions, the next the type: 8, a byte.
    magic = 0x0800 + len(shape)
    header = file.read(4 * (1 + len(shape)))
    found = struct.unpack(f">{len(header) // 4}I", header[: len(header) // 4 * 4])
    if found[:1] != (magic,):
        got = f"{found[0]} ({_IDX_MAGIC.get(found[0], 'unknown')})" if found else "nothing"
        raise ValueError(f"magic number {magic} ({_IDX_MAGIC[magic]}) expected, got {got}")
    if found[1:] != shape:
        raise ValueError(f"its header gives the shape {found[1:]}, allowed: {shape}")


# --- NumPy archives --------------------------------------------------------------------------


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a NumPy archive, with or without a validation set."""
    with path.open("rb") as file, _naming_source(path), zipfile.ZipFile(file) as archive:
        members = {info.filename.lower().removesuffix(".npy"): info for info in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("two of its arrays have the same name but for case")
        rows = _row_counts(with_val="x_val" in members)
        missing = [name for name in rows if name.lower() not in members]
        if missing:
            raise ValueError(f"it has no array {', '.join(missing)} (in upper or lower case)")
        return {
            name: _read_member(archive, members[name.lower()], name, rows[name]) for name in rows
        }


def _read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, rows: int
) -> NDArray[Any]:
    """Read one array, after its shape and type were compared with those of MNIST."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed by method {info.compress_type}, allowed: 0 or 8")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{name} has format version {version}, allowed: (1, 0)")
        try:
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        # Which built-in exception a damaged header raises depends on the version of Python.
        except Exception as error:
            raise ValueError(f"{name} has a damaged header: {error}") from error
        _check_layout(name, shape, dtype, rows)
        raw = _read_exactly(file, dtype.itemsize * math.prod(shape), name)
    array = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    return _clean(name, array, rows)


# --- Pickles ---------------------------------------------------------------------------------


def _read_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Read the three pairs (images, labels) of a pickle, gzipped or not."""
    rows = _row_counts(with_val=True)
    with _naming_source(path):
        with _open(path) as file:
            raw = file.read(PICKLE_BYTES_MAX + 1)
        if len(raw) > PICKLE_BYTES_MAX:
            raise ValueError(f"it unpacks to more than {PICKLE_BYTES_MAX} bytes")
        content = load_content(raw)
        del raw
        match content:
            case [[_, _], [_, _], [_, _]]:
                calls = zip(rows, chain.from_iterable(content), strict=True)
            case _:
                raise ValueError("the pickle does not hold three pairs (images, labels)")
        return {name: _clean(name, build_array(name, call), rows[name]) for name, call in calls}
