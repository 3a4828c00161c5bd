import hashlib
import os
import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmlp._persistence.checkpoint_file import read_checkpoint, remove_checkpoint, write_checkpoint

TREE = {
    "numbers": [1, -2.5, 1e300, 5e-324, 2**100, 0.1],
    "special": [float("inf"), -float("inf")],
    "others": {"yes": True, "no": False, "nothing": None, "text": "Äpfel \"'\\"},
    "vectors": np.linspace(-1, 1, 7, dtype="float32").reshape(1, 7),
    "more": [np.arange(5), {"deep": np.array([2**32 - 1], "uint32")}, np.zeros((0, 3))],
    "scalar": np.float64(0.1),
}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a file")


def assert_same(found, expected):
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(expected, np.ndarray):
        assert_array_equal(found, expected, strict=True)
        assert found.flags.writeable
    else:
        assert found == expected
        assert type(found) is (float if isinstance(expected, float) else type(expected))


def test_what_is_read_is_what_was_written(path):
    write_checkpoint(path, TREE)
    assert_same(read_checkpoint(path), TREE)


def test_not_a_number_is_kept(path):
    write_checkpoint(path, [float("nan"), np.array([np.nan])])
    number, array = read_checkpoint(path)
    assert np.isnan(number)
    assert np.isnan(array[0])


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3).T, np.arange(6.0)[::2]])
def test_arrays_of_any_order_and_byte_order_are_kept(array, path):
    write_checkpoint(path, [array, array.astype(">f8")])
    for found in read_checkpoint(path):
        assert_array_equal(found, array)
        assert found.dtype.isnative


def test_a_new_file_replaces_the_one_before(path):
    for n in range(3):
        write_checkpoint(path, {"n": n})
        assert read_checkpoint(path) == {"n": n}
    assert os.listdir(os.path.dirname(path)) == ["a file"]


@pytest.mark.parametrize("place", ["os.fsync", "os.replace"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_while_writing_leaves_the_file_before_and_no_other(
    place, error, path, monkeypatch
):
    write_checkpoint(path, TREE)

    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        with pytest.raises(error):
            write_checkpoint(path, {})
    assert_same(read_checkpoint(path), TREE)
    assert os.listdir(os.path.dirname(path)) == ["a file"]


def test_the_file_is_on_the_disk_before_it_takes_its_name(path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, call=call: [done.append(name), call(*args)]
        )
    write_checkpoint(path, TREE)
    assert done[:2] == ["fsync", "replace"]


def test_removing_takes_what_was_being_written_too_and_misses_nothing(path):
    write_checkpoint(path, TREE)
    with open(path + ".tmp", "wb"):
        pass
    for _ in range(2):
        remove_checkpoint(path)
        assert not os.listdir(os.path.dirname(path))


def is_refused(path, content):
    with open(path, "wb") as file:
        file.write(content)
    with pytest.raises(ValueError, match=r"checkpoint_path='.*a file' is no checkpoint that can"):
        read_checkpoint(path)
    return True


def test_files_of_other_kinds_are_refused_and_nothing_in_them_is_executed(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    np.savez(tmp_path / "arrays.npz", np.arange(3))
    assert is_refused(path, pickle.dumps(Trap()))
    assert is_refused(path, (tmp_path / "arrays.npz").read_bytes())
    assert is_refused(path, b"SKMLPCK\x02" + bytes(100))
    assert not (tmp_path / "executed").exists()


def test_every_file_that_was_cut_off_is_refused(path):
    write_checkpoint(path, TREE)
    with open(path, "rb") as file:
        content = file.read()
    assert all(is_refused(path, content[:n]) for n in range(len(content)))
    assert is_refused(path, content + b"\0")


def test_every_changed_byte_is_noticed(path):
    write_checkpoint(path, TREE)
    with open(path, "rb") as file:
        content = file.read()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x10
        assert is_refused(path, bytes(changed))


def with_checksum(rest):
    return b"SKMLPCK\x01" + hashlib.blake2b(rest, digest_size=32).digest() + rest


def with_header(header, arrays=b""):
    return with_checksum(len(header).to_bytes(8, "little") + header + arrays)


@pytest.mark.parametrize(
    "content",
    [
        with_checksum(b""),
        with_checksum(b"\xff" * 8),
        with_checksum((10**6).to_bytes(8, "little") + b"{}"),
        with_header(b""),
        with_header(b"{}"),
        with_header(b"[]"),
        with_header(b"\xff\xfe"),
        with_header(b"[" * 100_000),
        with_header(b'{"tree": 1, "arrays": 5}'),
        with_header(b'{"tree": 1, "arrays": []}', b"more"),
        with_header(b'{"tree": {"$array": 0}, "arrays": []}'),
        with_header(b'{"tree": {"$array": "x"}, "arrays": [["<f8", [1]]]}', bytes(8)),
        with_header(b'{"tree": 1, "arrays": [["|O", [1]]]}', bytes(8)),
        with_header(b'{"tree": 1, "arrays": [["<U4", [1]]]}', bytes(16)),
        with_header(b'{"tree": 1, "arrays": [[["<f8"], [1]]]}', bytes(8)),
        with_header(b'{"tree": 1, "arrays": [["<f8", [-1]]]}'),
        with_header(b'{"tree": 1, "arrays": [["<f8", [1.0]]]}', bytes(8)),
        with_header(b'{"tree": 1, "arrays": [["<f8", 1]]}', bytes(8)),
        with_header(b'{"tree": 1, "arrays": [["<f8", [1099511627776, 1099511627776]]]}'),
        with_header(b'{"tree": 1, "arrays": [["<f8", [0, 99999999999999999999999]]]}'),
    ],
    ids=range(20),
)
def test_headers_that_do_not_fit_are_refused_before_memory_is_taken(content, path):
    tracemalloc.start()
    try:
        assert is_refused(path, content)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_huge_file_of_another_kind_is_refused_unread(path):
    with open(path, "wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="it does not begin like one"):
        read_checkpoint(path)
