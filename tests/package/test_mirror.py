"""Each module of the package has its namesake among the tests, and each test file its module."""

import ast
from pathlib import Path

import pytest

import skmlp

PACKAGE = Path(skmlp.__file__).parent
TESTS = Path(__file__).parents[1]
# folders of tests that go across modules
NOT_MIRRORED = {"estimators", "package", "promises"}
# modules that define a function or a class, and why they have no tests of their own
WITHOUT_NAMESAKE = {
    "__init__": "the public names, which tests/package/test_docs.py goes through",
    "_compat": "names of scikit-learn, and an empty class in place of one that it may lack",
    "_engine/backprop": "the gradient of whole networks, which engine/test_network.py checks",
    "_engine/losses/base": "protocols, and a mean that each loss checks in its own tests",
    "_data/request": "records of the arguments of fit and of its mode",
}
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): path.read_text("utf-8")
    for path in PACKAGE.rglob("*.py")
}
TEST_FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py"))


def namesakes(module):
    """Return the places in tests/ where the module's tests may stand."""
    *folders, name = (part.lstrip("_") for part in module.split("/"))
    file = f"test_{name}.py"
    return ["/".join([*folders, file])] if folders else [file, f"estimators/{file}"]


def defines_something(source):
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(source)))


DEFINING = sorted(name for name, source in MODULES.items() if defines_something(source))


@pytest.mark.parametrize("module", DEFINING)
def test_a_module_has_its_namesake_unless_it_is_listed_with_a_reason(module):
    found = sorted({*namesakes(module)} & {*TEST_FILES})
    assert bool(found) != (module in WITHOUT_NAMESAKE), f"{namesakes(module)}: found {found}"


@pytest.mark.parametrize("module", WITHOUT_NAMESAKE)
def test_a_listed_module_could_have_a_namesake(module):
    assert module in DEFINING


@pytest.mark.parametrize(
    "file", [file for file in TEST_FILES if file.split("/")[0] not in NOT_MIRRORED]
)
def test_a_test_file_has_its_module(file):
    assert file in {place for module in MODULES for place in namesakes(module)}


@pytest.mark.parametrize(
    ("module", "places"),
    [
        ("_threads", ["test_threads.py", "estimators/test_threads.py"]),
        ("datasets/_mnist", ["datasets/test_mnist.py"]),
        ("_engine/losses/base", ["engine/losses/test_base.py"]),
    ],
)
def test_the_mirror_drops_leading_underscores(module, places):
    assert namesakes(module) == places


@pytest.mark.parametrize(
    ("source", "defines"),
    [
        ("A = 1\nfrom a import b", False),
        ("def f(): ...", True),
        ("try:\n    import a\nexcept ImportError:\n    class A: ...", True),
    ],
)
def test_definitions_are_seen_wherever_they_stand(source, defines):
    assert defines_something(source) == defines
