import ast
import sys
from pathlib import Path

import pytest

import skmlp

PACKAGE = Path(skmlp.__file__).parent
# lowest first: a room imports from those above it in this list, and from nothing else of skmlp
ORDER = [
    "_choices",
    "_compat",
    "_warn",
    "_threads",
    "datasets",
    "_engine",
    "_compiled",
    "preprocessing",
    "_training",
    "_data",
    "_persistence",
    "_fit",
    "_export",
    "_legacy",
    "_base",
    "_classifier",
    "_regressor",
    "recipes",
    "_ensemble",
    "_fold_ensemble",
    "_fold_ensemble_regressor",
    "_hidden_layer",
    "_tables",
    "_tabular_classifier",
    "_tabular_regressor",
    "_tabular",
    "_skl2onnx",
    "_plot",
    "__init__",
]
NUMPY_AND_SCIPY_ONLY = "_engine", "_training"
OTHER_PACKAGES = {
    "_threads": {"joblib", "threadpoolctl"},
    "_warn": {"joblib"},
    "_ensemble": {"joblib"},
    "_export": {"onnx"},
    "_skl2onnx": {"onnx", "skl2onnx"},
    "_plot": {"matplotlib"},
    "_compiled": {"numba"},
}
# the manuals of the estimators: a signature and a docstring for each parameter
MANUALS = {"_classifier", "_regressor"}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


SOURCES = {module_name(path): path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
every_module = pytest.mark.parametrize("module", sorted(SOURCES))


def imported(source):
    """Return the dotted name of everything that the source imports, wherever it stands."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(filter(None, ["skmlp" if node.level else "", node.module]))
            names |= {f"{package}.{alias.name}" for alias in node.names}
    return names


def modules_of_skmlp(source):
    """Return the modules of skmlp that the source imports, as dotted names within the package."""
    found = set()
    for name in imported(source):
        root, *parts = name.split(".")
        if root == "skmlp":
            while parts and ".".join(parts) not in SOURCES:
                parts.pop()
            found.add(".".join(parts) or "__init__")
    return found


def room(module):
    """Return the folder of the module, or the module itself if it stands at the top."""
    return module.split(".")[0]


def packages(source):
    """Return the packages that the source imports, but for the standard library and skmlp."""
    roots = {name.split(".")[0] for name in imported(source)}
    return roots - set(sys.stdlib_module_names) - {"skmlp"}


def private_names_of_sklearn(source):
    """Return what the source imports from scikit-learn under a name with an underscore."""
    names = {name for name in imported(source) if name.split(".")[0] == "sklearn"}
    return {name for name in names if any(part.startswith("_") for part in name.split("."))}


def test_every_room_has_its_place_in_the_order():
    assert {room(module) for module in SOURCES} == set(ORDER)


@every_module
def test_imports_between_rooms_point_upward_in_the_order(module):
    for other in modules_of_skmlp(SOURCES[module]):
        if room(other) != room(module):
            assert ORDER.index(room(other)) < ORDER.index(room(module)), f"{module} -> {other}"


def test_no_module_imports_itself_through_others():
    below = {module: modules_of_skmlp(source) - {module} for module, source in SOURCES.items()}
    while lowest := {module for module, others in below.items() if not others}:
        below = {m: others - lowest for m, others in below.items() if m not in lowest}
    assert not below, f"circle among {sorted(below)}"


@every_module
def test_the_engine_and_training_import_numpy_and_scipy_only(module):
    allowed = {"numpy", "scipy"}
    if room(module) not in NUMPY_AND_SCIPY_ONLY:
        allowed |= {"sklearn"} | OTHER_PACKAGES.get(room(module), set())
    assert packages(SOURCES[module]) <= allowed


@every_module
def test_private_names_of_scikit_learn_stand_in_one_file(module):
    private = private_names_of_sklearn(SOURCES[module])
    assert bool(private) == (module == "_compat"), private


@every_module
def test_a_module_can_be_read_in_one_sitting(module):
    assert len(SOURCES[module].splitlines()) <= 450 or module in MANUALS


def test_the_top_of_the_package_stays_small():
    assert len([path for path in PACKAGE.iterdir() if path.is_file()]) <= 20


@pytest.mark.parametrize(
    "line",
    [
        "import skmlp._engine.network",
        "import skmlp._engine.network as n",
        "from skmlp._engine import network",
        "from skmlp._engine.network import Network",
        "from ._engine.network import Network",
        "def f():\n    from skmlp._engine.network import Network",
    ],
)
def test_every_form_of_import_is_seen(line):
    assert modules_of_skmlp(line) == {"_engine.network"}


@pytest.mark.parametrize(
    "line",
    [
        "import sklearn.utils._param_validation",
        "from sklearn.utils._param_validation import Interval",
        "from sklearn.utils import _param_validation",
        "from sklearn.base import _fit_context as fit_context",
        "def f():\n    from sklearn.base import _fit_context",
    ],
)
def test_every_form_of_private_import_is_seen(line):
    assert packages(line) == {"sklearn"}
    assert private_names_of_sklearn(line)
