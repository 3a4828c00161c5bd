import gzip
import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import zipfile
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from mnist_files import (
    IDX_FILES,
    ROWS,
    SOURCES,
    assert_refused_in_little_memory,
    idx_bytes,
    merged,
    refuses,
    write_idx,
    write_keras,
    write_pickle,
    write_split_npz,
)
from sklearn.utils import Bunch

from skmlp.datasets import _mnist, load_mnist

NAMES = ("X_train", "y_train", "X_val", "y_val", "X_test", "y_test")
SHA256 = {
    "X_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "X_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


# --- What is read ----------------------------------------------------------------------------


@pytest.mark.parametrize("write", SOURCES.values(), ids=SOURCES)
def test_every_source_gives_the_same_bytes_and_labels(write, digits, tmp_path):
    mnist = load_mnist(write(tmp_path, digits), dtype="uint8")
    for name in NAMES:
        np.testing.assert_array_equal(mnist[name], digits[name])
        assert mnist[name].flags.writeable
        assert mnist[name].dtype == (np.uint8 if name[0] == "X" else np.int64)
    assert "MNIST" in mnist.DESCR


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("write", [write_idx, write_pickle], ids=["bytes", "byte/256"])
def test_float_pixels_are_byte_over_255(write, dtype, digits, tmp_path):
    mnist = load_mnist(write(tmp_path, digits), dtype=dtype)
    expected = digits["X_train"].astype(dtype) / np.dtype(dtype).type(255)
    assert mnist.X_train.dtype == dtype
    assert (mnist.X_train.min(), mnist.X_train.max()) == (0, 1)
    np.testing.assert_array_equal(mnist.X_train, expected)


def test_default_pixels_are_float32(digits, tmp_path):
    assert load_mnist(write_idx(tmp_path, digits)).X_test.dtype == np.float32


def test_parts_do_not_share_memory(digits, tmp_path):
    mnist = load_mnist(write_keras(tmp_path, digits), dtype="uint8")
    arrays = [mnist[name] for name in NAMES]
    assert all(array.base is None for array in arrays)


@pytest.mark.parametrize("path_type", [str, Path])
def test_path_may_be_text_or_path_and_tilde_is_home(path_type, digits, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_idx(tmp_path, digits)
    assert load_mnist(path_type("~")).X_val.shape == (3, 784)


# --- OpenML ----------------------------------------------------------------------------------


def fake_openml(digits, labels):
    arrays = merged(digits)
    data = np.concatenate([arrays["X_train"], arrays["X_test"]]).astype(np.float64)
    return Bunch(data=data, target=labels(np.concatenate([arrays["y_train"], arrays["y_test"]])))


def test_no_path_reads_openml(digits, monkeypatch):
    def fetch(name, *, version, as_frame, parser):
        assert (name, version, as_frame, parser) == ("mnist_784", 1, False, "liac-arff")
        return fake_openml(digits, lambda y: y.astype(str).astype(object))

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    mnist = load_mnist(dtype="uint8")
    for name in NAMES:
        np.testing.assert_array_equal(mnist[name], digits[name])
    assert mnist.y_train.dtype == np.int64


@pytest.mark.parametrize(
    "error", [URLError("no route"), ConnectionResetError("reset"), IncompleteRead(b"")]
)
def test_failed_download_is_an_oserror_that_offers_path(error, monkeypatch):
    def fetch(*args, **kwargs):
        raise error

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(
        OSError, match=r"download .* failed .* give path: .*idx3.*\.pkl.*\.npz"
    ) as e:
        load_mnist()
    assert e.value.__cause__ is error


@pytest.mark.parametrize(
    ("labels", "defect"),
    [
        (lambda y: np.full(len(y), "seven", dtype=object), "seven"),
        (lambda y: y[:-1], r"y_test has shape \(3,\)"),
        (lambda y: y + 1, "labels from 1 to 10"),
    ],
)
def test_bad_openml_table_is_refused(labels, defect, digits, monkeypatch):
    monkeypatch.setattr(
        "sklearn.datasets.fetch_openml", lambda *args, **kwargs: fake_openml(digits, labels)
    )
    with pytest.raises(ValueError, match=f"mnist_784 of OpenML .*{defect}"):
        load_mnist()


def test_import_does_not_load_sklearn_datasets():
    code = "import sys, skmlp.datasets; sys.exit('sklearn.datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- Wrong arguments and missing files -------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "Float32", "", None, np.float32, ["float32"]])
def test_other_dtypes_are_refused(dtype, tmp_path):
    with pytest.raises(ValueError, match=r"dtype=.*float32, float64, uint8") as e:
        load_mnist(tmp_path, dtype=dtype)
    assert repr(dtype) in str(e.value)


@pytest.mark.parametrize("path", [3, b"mnist", ["mnist"]])
def test_path_of_another_type_is_refused(path):
    with pytest.raises(TypeError, match=re.escape(f"path={path!r}")):
        load_mnist(path)


@pytest.mark.parametrize("name", ["nowhere", "mnist.pkl.gz", "mnist.npz"])
def test_missing_path_is_named(name, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=rf"{re.escape(name)} does not exist: give a folder"
    ):
        load_mnist(tmp_path / name)


@pytest.mark.parametrize("name", IDX_FILES.values())
def test_missing_idx_file_is_named(name, digits, tmp_path):
    (write_idx(tmp_path, digits) / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"holds none of {name}, {name}\.gz"):
        load_mnist(tmp_path)


def test_file_of_another_kind_is_refused(digits, tmp_path):
    path = write_idx(tmp_path, digits) / IDX_FILES["X_train"]
    with pytest.raises(ValueError, match=r"idx3-ubyte is not one of the allowed sources: give"):
        load_mnist(path)


def test_unreadable_file_is_not_called_damaged(digits, tmp_path, monkeypatch):
    def deny(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(_mnist, "_open", deny)
    with pytest.raises(PermissionError, match="train-images"):
        load_mnist(write_idx(tmp_path, digits))


# --- Damaged IDX files -----------------------------------------------------------------------


IMAGE_BYTES = 9 * 784
IDX_DEFECTS = {
    "empty": ("X_train", lambda raw: b"", "magic number 2051 .* got nothing"),
    "inside the header": ("X_train", lambda raw: raw[:10], "shape .9,., allowed"),
    "truncated": ("X_train", lambda raw: raw[:-1], f"needs {IMAGE_BYTES} .* only"),
    "too long": ("y_test", lambda raw: raw + b"\0", "needs 4 bytes .* more"),
    "wrong magic number": ("X_test", lambda raw: b"\xff" + raw[1:], "got 4278192131"),
    "wrong image size": (
        "X_test",
        lambda raw: raw[:8] + struct.pack(">2I", 56, 14) + raw[16:],
        r"\(4, 56, 14\), allowed: \(4, 28, 28\)",
    ),
    "fewer images than labels": (
        "X_train",
        lambda raw: idx_bytes(np.zeros((8, 784))),
        r"\(8, 28, 28\), allowed: \(9, 28, 28\)",
    ),
    "huge count": (
        "X_train",
        lambda raw: idx_bytes(np.zeros((1, 784)), 2**31, 28, 28),
        "2147483648",
    ),
    "huge count of labels": (
        "y_train",
        lambda raw: idx_bytes(np.zeros(9), 2**32 - 1),
        "4294967295",
    ),
    "label 10": ("y_train", lambda raw: raw[:-1] + b"\x0a", "labels from 0 to 10, allowed: 0 to 9"),
    "corrupt gzip": ("X_train", lambda raw: gzip.compress(raw)[:-3], "EOFError"),
    "wrong checksum": ("X_train", lambda raw: gzip.compress(raw)[:-8] + bytes(8), "BadGzipFile"),
    "gzip bomb": (
        "y_train",
        lambda raw: gzip.compress(raw + bytes(50_000_000), compresslevel=1),
        "more",
    ),
}


@pytest.mark.parametrize(("victim", "damage", "defect"), IDX_DEFECTS.values(), ids=IDX_DEFECTS)
def test_damaged_idx_file_is_refused(victim, damage, defect, digits, tmp_path):
    path = write_idx(tmp_path, digits) / IDX_FILES[victim]
    path.write_bytes(damage(path.read_bytes()))
    with refuses(path, defect):
        load_mnist(tmp_path)


@pytest.mark.parametrize(
    ("victim", "source", "defect"),
    [
        ("X_train", "y_train", r"2051 \(images\) expected, got 2049 \(labels\)"),
        ("y_train", "X_train", r"2049 \(labels\) expected, got 2051 \(images\)"),
        ("X_train", "X_test", r"\(4, 28, 28\), allowed: \(9, 28, 28\)"),
        ("y_test", "y_train", r"\(9,\), allowed: \(4,\)"),
    ],
)
def test_idx_file_in_the_place_of_another_is_refused(victim, source, defect, digits, tmp_path):
    write_idx(tmp_path, digits)
    path = tmp_path / IDX_FILES[victim]
    path.write_bytes((tmp_path / IDX_FILES[source]).read_bytes())
    with refuses(path, defect):
        load_mnist(tmp_path)


# --- Damaged NumPy archives ------------------------------------------------------------------


def npy_bytes(header, data=b"", version=b"\x01\x00"):
    text = (header if isinstance(header, str) else repr(header)).encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


def npy_header(shape, descr="|u1"):
    return {"descr": descr, "fortran_order": False, "shape": shape}


def set_array(name, array):
    return lambda members: members | {name: array}


NPZ_DEFECTS = {
    "no test labels": (lambda m: {n: a for n, a in m.items() if n != "y_test"}, "no array y_test"),
    "same name but for case": (set_array("x_test", np.zeros(4)), "same name but for case"),
    "training and test swapped": (
        lambda m: m | {"X_train": m["X_test"], "X_test": m["X_train"]},
        r"X_train has shape \(4, 784\)",
    ),
    "fewer labels": (set_array("y_val", np.zeros(2, int)), r"y_val has shape \(2,\)"),
    "wrong image size": (set_array("X_val", np.zeros((3, 14, 56))), r"X_val .* \(3, 28, 28\)"),
    "images where labels belong": (lambda m: m | {"y_val": m["X_val"]}, "y_val has shape"),
    "objects": (set_array("y_val", np.array([1, "a", None], object)), "type object"),
    "records": (set_array("y_val", np.zeros(3, "i4,i4")), "y_val has type"),
    "float labels": (set_array("y_val", np.zeros(3)), "type float64, allowed: integers"),
    "text": (set_array("y_val", np.array(["1"] * 3)), "type <U1"),
    "complex": (set_array("X_val", np.zeros((3, 784), complex)), "type complex128"),
    "half precision": (set_array("X_val", np.zeros((3, 784), "f2")), "type float16"),
    "negative label": (set_array("y_val", np.array([0, -1, 9])), "labels from -1 to 9"),
    "large label": (set_array("y_val", np.array([0, 2**63], "u8")[[0, 0, 1]]), "labels from 0 to"),
    "negative pixel": (set_array("X_val", np.full((3, 784), -1)), "pixels from -1 to -1"),
    "pixel 256": (set_array("X_val", np.full((3, 784), 256)), "pixels from 256 to 256"),
    "NaN": (set_array("X_val", np.full((3, 784), np.nan)), "pixels from nan to nan"),
    "infinity": (set_array("X_val", np.full((3, 784), np.inf)), "pixels from inf to inf"),
    "standardised": (
        set_array("X_val", np.linspace(-0.42, 2.82, 3 * 784).reshape(3, 784)),
        "pixels from -0.42 to 2.82",
    ),
    "byte/254": (set_array("X_val", np.full((3, 784), 100 / 254)), r"or byte / 256"),
    "byte/255, noisy": (set_array("X_val", np.full((3, 784), 100.01 / 255)), r"or byte / 256"),
    "huge shape": (set_array("X_val", npy_bytes(npy_header((2**31, 784)))), "2147483648"),
    "huge type": (set_array("X_val", npy_bytes(npy_header((3, 784), "|V2000000000"))), "type |V20"),
    "too few bytes": (set_array("y_val", npy_bytes(npy_header((3,)), b"12")), "needs 3 .* only 2"),
    "too many bytes": (set_array("y_val", npy_bytes(npy_header((3,)), b"1234")), "more"),
    "bomb": (set_array("y_val", npy_bytes(npy_header((3,)), bytes(50_000_000))), "more"),
    "huge header": (
        set_array("y_val", npy_bytes("{" + " " * 60_000)),
        "Header info length",
    ),
    "nested header": (set_array("y_val", npy_bytes("(" * 4500 + ")" * 4500)), "header"),
    "huge header of version 2": (
        set_array("y_val", npy_bytes(b"\xff" * 20, bytes(50_000_000), b"\x02\x00")),
        r"version \(2, 0\)",
    ),
    "not an array": (set_array("y_val", b"123"), "EOF|magic"),
}


def write_npz(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as archive:
        for name, array in members.items():
            raw = array
            if not isinstance(array, bytes):
                buffer = io.BytesIO()
                np.save(buffer, array)
                raw = buffer.getvalue()
            archive.writestr(f"{name}.npy", raw)
    return path


@pytest.mark.parametrize(("damage", "defect"), NPZ_DEFECTS.values(), ids=NPZ_DEFECTS)
def test_damaged_npz_file_is_refused(damage, defect, digits, tmp_path):
    path = write_npz(tmp_path / "mnist.npz", damage(digits))
    with refuses(path, defect):
        load_mnist(path)


@pytest.mark.parametrize(
    ("damage", "defect"),
    [
        (lambda raw: b"", "BadZipFile"),
        (lambda raw: raw[:-30], "BadZipFile"),
        (lambda raw: raw[:400] + b"\xff\xff" + raw[402:], "CRC"),
        (lambda raw: b"\x93NUMPY" + bytes(100), "BadZipFile"),
    ],
    ids=["empty", "truncated", "flipped", "npy"],
)
def test_damaged_zip_is_refused(damage, defect, digits, tmp_path):
    path = write_split_npz(tmp_path, digits)
    path.write_bytes(damage(path.read_bytes()))
    with refuses(path, defect):
        load_mnist(path)


def test_npz_compressed_by_another_method_is_refused(digits, tmp_path):
    path = write_npz(tmp_path / "mnist.npz", digits, zipfile.ZIP_LZMA)
    with refuses(path, "compressed by method 14"):
        load_mnist(path)


# --- Damaged pickles -------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [lambda raw: raw[:-5], lambda raw: raw[:12] + raw[20:]])
def test_corrupt_gzip_of_a_pickle_is_refused(damage, digits, tmp_path):
    path = write_pickle(tmp_path, digits)
    path.write_bytes(damage(path.read_bytes()))
    with refuses(path, ""):
        load_mnist(path)


# --- Limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (IDX_FILES["X_train"], idx_bytes(np.zeros((1, 784)), 2**31, 28, 28)),
        (IDX_FILES["X_train"], gzip.compress(idx_bytes(np.zeros((9, 784))) + bytes(50_000_000))),
        ("mnist.pkl.gz", gzip.compress(bytes(50_000_000))),
    ],
    ids=["idx header", "idx bomb", "pickle bomb"],
)
def test_false_claims_reserve_no_memory(name, raw, digits, tmp_path):
    path = write_idx(tmp_path, digits) / name
    path.write_bytes(raw)
    assert_refused_in_little_memory(path if name.startswith("mnist") else tmp_path, path)


@pytest.mark.parametrize("defect", ["bomb", "huge shape", "huge header of version 2"])
def test_false_claims_in_npz_reserve_no_memory(defect, digits, tmp_path):
    path = write_npz(tmp_path / "mnist.npz", NPZ_DEFECTS[defect][0](digits))
    assert_refused_in_little_memory(path, path)


def test_bound_of_pickles_leaves_room_for_float64():
    assert _mnist.PICKLE_BYTES_MAX > 1.1 * 70_000 * (784 + 1) * 8


def mutated(raw, seed):
    """Flip, cut or repeat bytes, half of the time near the start or the end."""
    rng = np.random.default_rng(seed)
    changed = bytearray(raw)
    for _ in range(rng.integers(1, 4)):
        span = min(len(raw), int(rng.choice([64, 600, len(raw)])))
        at = (
            int(rng.integers(span))
            if rng.random() < 0.7
            else len(raw) - 1 - int(rng.integers(span))
        )
        kind = rng.choice(["set", "bit", "cut", "drop", "repeat"], p=[0.4, 0.3, 0.1, 0.1, 0.1])
        if kind == "set":
            changed[at : at + 1] = bytes([rng.integers(256)])
        elif kind == "bit":
            changed[at : at + 1] = bytes([raw[at] ^ (1 << int(rng.integers(8)))])
        elif kind == "cut":
            del changed[at:]
        elif kind == "drop":
            del changed[at : at + int(rng.integers(1, 9))]
        else:
            changed[at:at] = changed[at : at + int(rng.integers(1, 9))]
    return bytes(changed)


def assert_valid(mnist):
    for part, rows in ROWS.items():
        assert mnist[f"X_{part}"].shape == (rows, 784)
        assert mnist[f"X_{part}"].dtype == np.uint8
        assert mnist[f"y_{part}"].shape == (rows,)
        assert set(mnist[f"y_{part}"]) <= set(range(10))


MUTATED_SOURCES = {
    "idx": "idx",
    "idx gzipped": "idx gzipped",
    "npz": "npz with validation",
    "npz compressed": "npz like keras",
    "pickle": "pickle protocol 2",
    "pickle of Python 2": "pickle Python 2",
    "pickle protocol 5": "pickle protocol 5",
}


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("source", MUTATED_SOURCES.values(), ids=MUTATED_SOURCES)
@pytest.mark.filterwarnings("ignore:Reading `.npy`")
def test_mutated_file_is_valid_or_refused(source, seed, digits, tmp_path):
    path = SOURCES[source](tmp_path, digits)
    victim = sorted(path.iterdir())[seed % 4] if path.is_dir() else path
    raw = victim.read_bytes()
    if victim.name == "mnist.pkl.gz":
        victim.write_bytes(gzip.compress(mutated(gzip.decompress(raw), seed)))
    else:
        victim.write_bytes(mutated(raw, seed))
    try:
        mnist = load_mnist(path, dtype="uint8")
    except ValueError as error:
        mnist, message = None, str(error)
    if mnist is None:
        assert str(victim) in message
    else:
        assert_valid(mnist)


# --- The real files --------------------------------------------------------------------------


@pytest.mark.slow
def test_real_mnist_has_the_published_bytes():
    folder = os.environ.get("SKMLP_MNIST")
    if not folder:
        pytest.skip("SKMLP_MNIST does not name the folder of the MNIST files")
    mnist = load_mnist(folder, dtype="uint8")
    assert (len(mnist.X_train), len(mnist.X_val), len(mnist.X_test)) == (50_000, 10_000, 10_000)
    for name, array in merged(mnist).items():
        digest = hashlib.sha256(idx_bytes(array)).hexdigest()
        assert digest == SHA256[name]
    counts = np.bincount(np.concatenate([mnist.y_train, mnist.y_val]))
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    scaled = load_mnist(folder)
    assert scaled.X_train.dtype == np.float32
    np.testing.assert_array_equal(np.rint(scaled.X_train * 255), mnist.X_train)


def test_the_module_needs_no_import_of_its_own():
    code = "import skmlp; print(skmlp.datasets.load_mnist.__name__, hasattr(skmlp, 'data'))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["load_mnist", "False"]
