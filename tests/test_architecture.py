import ast
import sys
from pathlib import Path

import pytest

import skmlp

# lowest first; imports within the package point strictly downward
FLOORS = [
    {"_types"},
    {
        "_activations",
        "_array_pickles",
        "_blas",
        "_checkpoint",
        "_history",
        "_initializers",
        "_losses",
        "_rows",
        "_schedules",
        "_snapshots",
    },
    {"_layers", "_onnx", "_optimizers", "_report", "_scales", "_threads"},
    {"_parameters"},
    {"_network"},
    {"_inspection", "_solver"},
    {"_training"},
    {"_lbfgs", "_state"},
    {"_callbacks", "_chunks", "_compat", "_export", "_targets", "datasets", "recipes"},
    {"_publishing", "_saving", "_validation", "preprocessing"},
    {"_preparing", "_scoring"},
    {"_building", "_identity"},
    {"_resuming"},
    {"_fitting"},
    {"_classifier"},
    {"_fold_ensemble", "_plotting"},
    {"_curve_display", "_hidden_layer", "_image_displays", "_skl2onnx", "_tabular"},
    {"__init__"},
]
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
ENGINE = set().union(*FLOORS[: FLOOR["_lbfgs"] + 1])
SOURCES = {path.stem: path.read_text() for path in Path(skmlp.__file__).parent.glob("*.py")}

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
    """Return the modules of skmlp that the source imports."""
    own = [name.split(".") for name in imported(source) if name.split(".")[0] == "skmlp"]
    return {parts[1] if len(parts) > 1 and parts[1] in SOURCES else "__init__" for parts in own}


def packages(source):
    """Return the packages that the source imports, but for the standard library and skmlp."""
    roots = {name.split(".")[0] for name in imported(source)}
    return roots - set(sys.stdlib_module_names) - {"skmlp"}


def private_names_of_sklearn(source):
    """Return what the source imports from scikit-learn under a name with an underscore."""
    names = {name for name in imported(source) if name.split(".")[0] == "sklearn"}
    return {name for name in names if any(part.startswith("_") for part in name.split("."))}


def test_every_module_has_its_floor():
    assert set(SOURCES) == set(FLOOR)
    assert not list(Path(skmlp.__file__).parent.glob("*/*.py"))


@every_module
def test_imports_point_strictly_downward(module):
    for below in modules_of_skmlp(SOURCES[module]):
        assert FLOOR[below] < FLOOR[module], f"{module} imports {below}"


@every_module
def test_the_engine_imports_numpy_and_scipy_and_threads_their_controls_only(module):
    allowed = {"numpy", "scipy"} if module in ENGINE else {"numpy", "scipy", "sklearn"}
    if module == "_threads":
        allowed = {"joblib", "numpy", "threadpoolctl"}
    if module in ("_export", "_skl2onnx"):
        allowed |= {"onnx", "skl2onnx"}
    if module in ("_plotting", "_curve_display"):
        allowed |= {"matplotlib"}
    assert packages(SOURCES[module]) <= allowed


@every_module
def test_private_names_of_scikit_learn_stand_in_one_file(module):
    private = private_names_of_sklearn(SOURCES[module])
    assert bool(private) == (module == "_compat"), private


@pytest.mark.parametrize(
    "line",
    [
        "import skmlp._network",
        "import skmlp._network as n",
        "from skmlp import _network",
        "from skmlp._network import Network",
        "from . import _network",
        "from ._network import Network",
        "def f():\n    from skmlp._network import Network",
    ],
)
def test_every_form_of_import_is_seen(line):
    assert modules_of_skmlp(line) == {"_network"}


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
