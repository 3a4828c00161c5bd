"""Files that are replaced as a whole."""

import os

import pytest

from skmlp._persistence.replace_file import (
    check_writable,
    is_special,
    remove_leftovers,
    replacing,
)


def test_the_new_file_replaces_the_one_before(tmp_path):
    path = tmp_path / "model.onnx"
    for content in ("one", "two"):
        with replacing(str(path)) as temporary:
            assert os.path.dirname(temporary) == str(tmp_path)
            assert temporary.endswith(".onnx")
            with open(temporary, "w") as file:
                file.write(content)
        assert path.read_text() == content
        assert os.listdir(tmp_path) == ["model.onnx"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_file_before_and_no_other(error, tmp_path):
    path = tmp_path / "model"
    path.write_text("before")
    with pytest.raises(error), replacing(str(path)):
        raise error
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["model"]


def test_names_cannot_be_foreseen(tmp_path):
    names = set()
    for _ in range(50):
        with replacing(str(tmp_path / "model")) as temporary:
            names.add(temporary)
    assert len(names) == 50


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has modes")
def test_the_file_has_the_mode_that_other_files_get(tmp_path):
    (tmp_path / "other").write_text("")
    with replacing(str(tmp_path / "model")):
        pass
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path):
    stay = ["model.tmp", "model.0123456789abcdef.tmp", "x.0123456789abcdef.tmp.onnx", "model.onnx"]
    for name in [*stay, "model.0123456789abcdef.tmp.onnx"]:
        (tmp_path / name).write_text("")
    (tmp_path / "model.ffffffffffffffff.tmp.onnx").mkdir()
    remove_leftovers(str(tmp_path / "model.onnx"))
    assert sorted(os.listdir(tmp_path)) == sorted([*stay, "model.ffffffffffffffff.tmp.onnx"])


def test_a_folder_is_writable_or_an_error_says_so(tmp_path):
    check_writable(str(tmp_path / "model"))
    assert not os.listdir(tmp_path)
    with pytest.raises(OSError, match="missing"):
        check_writable(str(tmp_path / "missing" / "model"))


def test_devices_and_folders_are_special_and_files_are_not(tmp_path):
    assert is_special(str(tmp_path))
    assert is_special(os.devnull)
    (tmp_path / "model").write_text("")
    assert not is_special(str(tmp_path / "model"))
    assert not is_special(str(tmp_path / "none"))
