import gzip
import os
import pickle
import struct

import numpy as np
import pytest
from mnist_files import assert_refused_in_little_memory, pairs, pickled, refuses

from skmlp.datasets import load_mnist
from skmlp.datasets._array_pickles import OPERATIONS_MAX, build_array, load_content


def arrays():
    numbers = np.arange(-3, 21).reshape(4, 6)
    for dtype in ("u1", "i1", "<i4", "<i8", ">i2", ">f4", "<f4", "<f8"):
        yield numbers.astype(dtype)
        yield np.asfortranarray(numbers.astype(dtype))
    yield numbers[::2, ::3]
    yield np.array(7.5)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_are_as_they_were_when_they_were_pickled(protocol):
    for array in arrays():
        built = build_array("X", load_content(pickle.dumps(array, protocol)))
        np.testing.assert_array_equal(built, array, strict=True)


def test_arrays_are_found_within_tuples_and_lists():
    first, second = np.arange(3), np.eye(2)
    name, [note, (other, number)] = load_content(pickle.dumps(("x", [first, (second, 5)])))
    assert (name, number) == ("x", 5)
    np.testing.assert_array_equal(build_array("first", note), first)
    np.testing.assert_array_equal(build_array("second", other), second)


@pytest.mark.parametrize(
    "content",
    [None, 3, "text", [1.0], np.dtype("f8")],
    ids=["None", "int", "str", "list", "dtype"],
)
def test_what_is_no_array_is_refused_by_its_name(content):
    note = load_content(pickle.dumps(content))
    with pytest.raises(ValueError, match="labels is not a NumPy array"):
        build_array("labels", note)


@pytest.mark.parametrize("dtype", ["bool", "complex128", "U3", "S3", "datetime64[s]", "V8"])
def test_arrays_of_other_types_than_numbers_are_refused(dtype):
    # NumPy 1 describes dates by a dict
    message = "X is not an array of integers, float32 or float64|holds a dict"
    with pytest.raises(ValueError, match=message):
        build_array("X", load_content(pickle.dumps(np.zeros(2, dtype))))


class Opens:
    """Asks its unpickler to make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("hidden", [False, True], ids=["alone", "in an array"])
def test_what_a_pickle_asks_for_is_not_run(hidden, protocol, tmp_path):
    path = tmp_path / "made"
    content = np.array([Opens(path)], dtype=object) if hidden else Opens(path)
    raw = pickle.dumps(content, protocol)
    with pytest.raises(ValueError, match=r"asks for \w+\.open, only NumPy arrays are allowed"):
        load_content(raw)
    assert not path.exists()
    pickle.loads(raw)
    assert path.exists()


@pytest.mark.parametrize(
    "content", [{"a": 1}, {1, 2}, frozenset({1})], ids=["dict", "set", "frozenset"]
)
def test_dicts_and_sets_are_refused(content):
    with pytest.raises(ValueError, match="holds a dict or set"):
        load_content(pickle.dumps(content, protocol=4))


def test_the_number_of_operations_is_bounded():
    load_content(pickle.dumps([1] * (OPERATIONS_MAX - 50)))
    with pytest.raises(ValueError, match=f"over {OPERATIONS_MAX} operations"):
        load_content(pickle.dumps([1] * (OPERATIONS_MAX + 1)))


# --- MNIST in damaged and malicious pickles ---


class Call:
    """Pickle a call of `function`, which unpickling would then make."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def forged_array(shape, dtype=b"f4", raw=b""):
    """Return pickle operations for an array of any claimed shape."""
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01"
        + pickle.dumps(shape, 2)[2:-1]
        + b"cnumpy\ndtype\n(U\x02"
        + dtype
        + b"K\x00K\x01tR"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + struct.pack("<i", len(raw)) + raw + b"tb"
    )


def with_first_array(operations):
    """Return a pickle of three pairs of which the first array is given by its operations."""
    return b"\x80\x02((" + operations + b"Nt(NNt(NNtt."


NESTED = b"\x80\x02)" + b"2\x86" * 60
PICKLE_DEFECTS = {
    "empty": (lambda d: b"", "pickle exhausted before seeing STOP"),
    "truncated": (lambda d: pickled(pairs(d))[:-100], "expected 1 bytes|STOP|remain|bytes in"),
    "text": (lambda d: b"hello", "before seeing STOP"),
    "os.system": (
        lambda d: pickled(Call(os.system, "exit 1")),
        r"asks for \w+\.system, only NumPy",
    ),
    "eval": (lambda d: pickled(Call(eval, "1 / 0")), "asks for __builtin__.eval"),
    "getattr": (lambda d: pickled(Call(getattr, 1, "real")), "asks for __builtin__.getattr"),
    "numpy.load": (lambda d: pickled(Call(np.load, "a.npy")), "asks for numpy.load"),
    "dotted name": (
        lambda d: b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.dumps\x93.",
        r"asks for numpy.ndarray.dumps",
    ),
    "two pairs": (lambda d: pickled(pairs(d)[:2]), "three pairs"),
    "test in the place of training": (lambda d: pickled(pairs(d)[::-1]), r"X_train has shape \(4,"),
    "images and labels swapped": (
        lambda d: pickled([(y, X) for X, y in pairs(d)]),
        r"X_train has shape \(6,\)",
    ),
    "lists": (lambda d: pickled([([1], [2])] * 3), "X_train is not a NumPy array"),
    "text in the place of pairs": (lambda d: pickled(["ab"] * 3), "three pairs"),
    "an array": (lambda d: pickled(np.zeros((3, 2))), "three pairs"),
    "dict": (lambda d: pickled({"X": 1}), "dict or set"),
    "objects": (lambda d: pickled(pairs(d, lambda X: X.astype(object))), "operations|not an array"),
    "records": (lambda d: pickled(pairs(d, lambda X: np.zeros(4, "i4,i4"))), "not an array|dict"),
    "object type": (lambda d: with_first_array(forged_array((9, 784), b"O8")), "not an array of"),
    "huge shape": (lambda d: with_first_array(forged_array((2**40, 784))), "cannot reshape"),
    "shape too large for any": (
        lambda d: with_first_array(forged_array((2**80, 784), raw=b"1234")),
        "Maximum allowed dimension",
    ),
    "huge shape of nothing": (
        lambda d: with_first_array(forged_array((2**40, 0))),
        r"X_train has shape \(1099511627776, 0\)",
    ),
    "fewer bytes than the shape": (
        lambda d: with_first_array(forged_array((6, 784), raw=bytes(4 * 6 * 783))),
        "cannot reshape",
    ),
    "huge byte string": (lambda d: b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"1.", "1099511"),
    "huge bytearray": (lambda d: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"1.", "1099511"),
    "huge memo": (lambda d: b"\x80\x02Nr" + struct.pack("<I", 2**31 - 1) + b".", "slots"),
    "negative memo": (lambda d: b"Np-1\n.", "negative PUT"),
    "many operations": (lambda d: b"\x80\x02]" + b"]a" * 2000 + b".", "operations"),
    "endless hash": (lambda d: b"\x80\x02}" + NESTED[2:] + b"Ns.", "dict or set"),
    "endless text": (lambda d: with_first_array(NESTED[2:]), "X_train is not a NumPy array"),
    "bytes in another encoding": (
        lambda d: pickled(pairs(d, lambda X: X)).replace(b"latin1", b"utf-16"),
        "bytes-like object is required",
    ),
    "long name": (lambda d: b"c" + b"m" * 10_000 + b"\nx\n.", "asks for mmm"),
    "bomb": (lambda d: bytes(50_000_000), "unpacks to more than 500000 bytes"),
}


@pytest.mark.parametrize(("make", "defect"), PICKLE_DEFECTS.values(), ids=PICKLE_DEFECTS)
def test_damaged_or_malicious_pickle_is_refused(make, defect, digits, tmp_path):
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(make(digits), compresslevel=1))
    with refuses(path, defect) as e:
        load_mnist(path)
    assert len(str(e.value)) < 1000


def test_pickle_runs_nothing(digits, tmp_path):
    trace, path = tmp_path / "trace", tmp_path / "mnist.pkl"
    path.write_bytes(pickled(Call(os.mkdir, str(trace))))
    with refuses(path, "mkdir"):
        load_mnist(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x05\x96" + struct.pack("<Q", 2**27) + b"1.",
        b"\x80\x02Nr" + struct.pack("<I", 2**24) + b".",
        with_first_array(forged_array((2**27, 1))),
    ],
    ids=["bytearray", "memo", "array shape"],
)
def test_false_claims_reserve_no_memory(raw, digits, tmp_path):
    path = tmp_path / "mnist.pkl"
    path.write_bytes(raw)
    assert_refused_in_little_memory(path, path)
