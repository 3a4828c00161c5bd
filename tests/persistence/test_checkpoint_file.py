import hashlib
import os
import pickle
import time
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
    for token in ("0123456789abcdef", "fedcba9876543210"):
        with open(f"{path}.{token}.tmp", "wb"):
            pass
    for _ in range(2):
        remove_checkpoint(path)
        assert not os.listdir(os.path.dirname(path))


@pytest.mark.parametrize("name", ["a file.tmp", "a file.0123456789abcdef.tmp~", "a file.0.tmp"])
def test_files_of_other_programs_beside_it_stay_as_they_are(name, path):
    other = os.path.join(os.path.dirname(path), name)
    with open(other, "w") as file:
        file.write("precious")
    write_checkpoint(path, TREE)
    remove_checkpoint(path)
    with open(other) as file:
        assert file.read() == "precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only POSIX has pipes with names")
def test_a_pipe_is_refused_at_once(path):
    os.mkfifo(path)
    with pytest.raises(ValueError, match="it is no regular file"):
        read_checkpoint(path)


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
        with_header(b'{"tree": {"$array": -1}, "arrays": [["<f8", [1]]]}', bytes(8)),
        with_header(
            b'{"tree": {"$array": true}, "arrays": [["<f8", [1]], ["<f8", [0]]]}', bytes(8)
        ),
        with_header(b'{"tree": 1, "arrays": [["<f8", [' + b"0," * 50 + b"0]]]}"),
        with_header(b'{"tree": 1, "arrays": "<f8"}'),
    ],
    ids=range(24),
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


N = 10**6
LARGE = {
    "lists": b'{"tree": [' + b"[]," * (N // 3) + b'1], "arrays": []}',
    "dicts": b'{"tree": [' + b"{}," * (N // 3) + b'1], "arrays": []}',
    "dicts of one": b'{"tree": [' + b'{"a":1},' * (N // 8) + b'1], "arrays": []}',
    "a dict": b'{"tree": {' + b",".join(b'"%d":1' % i for i in range(N // 9)) + b'}, "arrays": []}',
    "texts": b'{"tree": [' + b'"ab",' * (N // 5) + b'1], "arrays": []}',
    "a wide text": b'{"tree": "\\ud83d\\ude00' + b"a" * N + b'", "arrays": []}',
    "other characters": b'{"tree": "' + "\U0001f600".encode() + b"a" * N + b'", "arrays": []}',
    "small numbers": b'{"tree": [' + b"1," * (N // 2) + b'1], "arrays": []}',
    "numbers": b'{"tree": [' + b"999," * (N // 4) + b'1], "arrays": []}',
    "floats": b'{"tree": [' + b"1e9," * (N // 4) + b'1], "arrays": []}',
    "a long number": b'{"tree": ' + b"9" * N + b', "arrays": []}',
    "a long float": b'{"tree": 0.' + b"9" * N + b', "arrays": []}',
    "many long numbers": b'{"tree": ['
    + b",".join([b"9" * 4000] * (N // 4000))
    + b'], "arrays": []}',
    "a shape": b'{"tree": 1, "arrays": [["<f8", [' + b",".join([b"9" * 4000] * 250) + b"]]]}",
    "a long shape": b'{"tree": 1, "arrays": [["<f8", [' + b"1," * (N // 2) + b"1]]]}",
    "arrays": b'{"tree": 1, "arrays": [' + b'["<f8",[0]],' * (N // 12) + b'["<f8",[0]]]}',
    "a dtype": b'{"tree": 1, "arrays": [["' + b"<f8," * (N // 4) + b'", [1]]]}',
    "quotes": b'{"tree": "' + b'\\"' * (N // 2) + b'", "arrays": []}',
}


def message_of(function, *args):
    """Return the message of the ValueError, or an empty text if there is none."""
    try:
        function(*args)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", LARGE)
def test_no_header_takes_a_second_or_ten_times_its_memory(kind, path):
    content = with_header(LARGE[kind])
    with open(path, "wb") as file:
        file.write(content)
    start = time.process_time()
    message = message_of(read_checkpoint, path)
    assert time.process_time() - start < 1
    assert not message or repr(path) in message
    assert len(message) < 1500
    tracemalloc.start()
    try:
        message_of(read_checkpoint, path)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(content) + 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_the_curves_of_a_million_epochs_are_read(path):
    curves = {"loss": [0.0] * 10**6, "rate": [0.001] * 10**6, "score": [0.123456789] * 10**6}
    write_checkpoint(path, curves)
    assert read_checkpoint(path) == curves
