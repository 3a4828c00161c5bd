import doctest
import inspect
import itertools
import re
import tomllib
import warnings
from ast import literal_eval
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.neural_network import MLPClassifier, MLPRegressor

import skmlp
from skmlp import NumpyMLPClassifier, NumpyMLPRegressor, datasets, preprocessing, recipes
from skmlp._engine.losses.registry import REGRESSION_LOSSES

ROOT = Path(__file__).parents[2]
CHAPTERS = [ROOT / "docs" / "from_scratch.md", *sorted(ROOT.glob("docs/derivation/*.md"))]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *CHAPTERS})
README, DERIVATION, DIFFERENCES, TRAINING, REGRESSION = (
    ROOT / f"{name}.md"
    for name in (
        "README",
        "docs/derivation",
        "docs/differences",
        "docs/training",
        "docs/regression",
    )
)
ENGINE = [
    "_engine/activations",
    "_engine/layers",
    "_engine/losses/classification",
    "_engine/losses/links",
    "_engine/losses/regression",
    "_engine/network",
    "_training/optimizers",
    "_engine/parameters",
    "_training/schedules",
    "_training/solver",
]

FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
# A code block after such a comment quotes that file; a line "..." stands for lines left out.
QUOTE = re.compile(r"^<!-- (skmlp/[\w/]+\.py) -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^<!-- command: (\w+) -->\n```bash\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TOCTREE = re.compile(r"```{toctree}\n(.*?)```", re.DOTALL)
FORMULA = re.compile(r"\$\$?([^$]+)\$\$?")
# Letters of formulas: words are names of the code, and other commands than Greek letters are signs.
WORD = re.compile(r"\\(?:mathrm|text){[^{}]*}")
GREEK = (
    r"\\(?:var)?(?i:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma"
    r"|tau|phi|chi|psi|omega)(?![A-Za-z])"
)
LETTER = re.compile(rf"(?P<letter>\\mathcal{{N}}|{GREEK}|[A-Za-z])|\\[A-Za-z]+")


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def text_of(page):
    return page.read_text(encoding="utf-8")


def without_code(page):
    return FENCED.sub("", text_of(page))


def stripped_lines(text):
    return [line.strip() for line in text.splitlines()]


def contains(lines, part):
    """Whether `part` stands in `lines` without a gap."""
    return any(lines[i : i + len(part)] == part for i in range(len(lines) - len(part) + 1))


def anchors(page):
    """The names that GitHub gives to the headings."""
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(without_code(page)))
    return {title.strip().replace(" ", "-") for title in kept}


def quotes(page):
    for file, block in QUOTE.findall(text_of(page)):
        for part in re.split(r"^\.\.\.\n", block, flags=re.MULTILINE):
            yield file, part


def letters(formula):
    """The letters of a formula in order."""
    found = LETTER.finditer(WORD.sub("", formula))
    return [match["letter"] for match in found if match["letter"]]


def table_of_symbols():
    """The letters that the table of symbols explains, in order; a row may explain several."""
    table = text_of(DERIVATION).partition("| symbol |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\$.*?) \|", table, re.MULTILINE)
    explained = [[letters(formula)[:1] for formula in FORMULA.findall(row)] for row in rows]
    return [letter for row in explained for letter in {*itertools.chain(*row)}]


def docstring_section(title, cls):
    """Map the names in a section of the class docstring to what stands behind their colon."""
    doc = inspect.getdoc(cls)
    match = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[^\n]*\n-+$|\Z)", doc, re.MULTILINE | re.DOTALL)
    assert match, f"the class docstring has no section {title}"
    entries = re.findall(r"^(\w[\w, ]*?) : (.*)$", match[1], re.MULTILINE)
    return {name: kind for names, kind in entries for name in names.split(", ")}


@pytest.mark.parametrize(
    ("file", "part"),
    [quote for page in PAGES for quote in quotes(page)],
    ids=lambda value: value.split("\n")[0],
)
def test_quoted_code_stands_in_the_source(file, part):
    source = stripped_lines(text_of(ROOT / file))
    assert contains(source, stripped_lines(part)), f"{file} has no such lines:\n{part}"


@pytest.mark.parametrize("module", ENGINE)
def test_derivation_quotes_every_module_of_the_engine(module):
    assert f"skmlp/{module}.py" in {file for page in CHAPTERS for file, _ in quotes(page)}


def test_a_letter_has_one_row_in_the_table_of_symbols():
    symbols = table_of_symbols()
    assert len(symbols) > 50
    assert [x for x in symbols if symbols.count(x) > 1] == []


@pytest.mark.parametrize("page", CHAPTERS, ids=name_of)
def test_every_letter_of_a_formula_is_in_the_table_of_symbols(page):
    used = {x for formula in FORMULA.findall(without_code(page)) for x in letters(formula)}
    assert used - {*table_of_symbols()} == set()


def test_every_chapter_is_in_the_course_and_links_to_the_next():
    (toctree,) = TOCTREE.findall(text_of(DERIVATION))
    chapters = [
        ROOT / "docs" / f"{name}.md" for name in re.findall(r"^\w\S+$", toctree, re.MULTILINE)
    ]
    assert sorted(chapters) == sorted(CHAPTERS)
    for page, following in itertools.pairwise(chapters):
        for source, word, target in ((page, "Next", following), (following, "Previous", page)):
            (link,) = re.findall(rf"^{word}: \[.*\]\((.*)\)", text_of(source), re.MULTILINE)
            assert (source.parent / link).resolve() == target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_on_a_page_is_a_quote_or_a_doctest(page):
    rest = QUOTE.sub("", text_of(page))
    blocks = [block["content"] for block in FENCED.finditer(rest) if block["language"] == "python"]
    assert all(block.startswith(">>> ") for block in blocks)


class ExampleRunner(doctest.DocTestRunner):
    """Also report the warnings whose class the line of the example does not name."""

    def __init__(self, report):
        super().__init__(optionflags=doctest.ELLIPSIS)
        self.report, self.example = report, None

    def report_start(self, out, test, example):
        self.example = example

    def note(self, message, category, *where):
        if issubclass(category, UserWarning) and category.__name__ not in self.example.source:
            self.report.append(f"{self.example.source}{category.__name__}: {message}\n")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_on_a_page_give_what_it_says(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # some save files
    # the closing fence would count as output; emptied lines keep the line numbers
    text = re.sub(r"^```.*$", "", text_of(page), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, name_of(page), str(page), 0)
    report = []
    runner = ExampleRunner(report)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = runner.note  # restored with the filters
        runner.run(examples, out=report.append)
    pyplot.close("all")
    assert not report, "".join(report)


@pytest.mark.parametrize(
    "page", [README, ROOT / "docs/from_scratch.md", DIFFERENCES, TRAINING, REGRESSION], ids=name_of
)
def test_page_has_examples(page):
    assert ">>> " in text_of(page)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page):
    for link in LINK.findall(without_code(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link}: no such file"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_formula_needs_a_backslash_that_markdown_takes_away(page):
    formulas = re.findall(r"\$\$?[^$]+\$\$?", without_code(page))
    assert [f for f in formulas if re.search(r"\\[^A-Za-z]", f)] == []


def test_readme_has_one_command_to_run_and_one_to_test():
    commands = COMMAND.findall(text_of(README))
    assert sorted(name for name, _ in commands) == ["run", "test"]
    for _, command in commands:
        assert "\n" not in command
        assert text_of(README).count(command) == 1


@pytest.mark.parametrize(
    ("name", "command"), COMMAND.findall(text_of(README)), ids=lambda value: value.split()[0]
)
def test_readme_command_names_what_exists(name, command):
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    (extra,) = re.findall(r"'\.\[(\w+)\]'", command)
    assert extra in project["optional-dependencies"]
    scripts = re.findall(r"\S+\.py\b", command)
    assert len(scripts) == (name == "run")
    assert all((ROOT / script).is_file() for script in scripts)


def test_readme_names_the_required_versions():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    required = dict(dependency.lower().split(">=") for dependency in project["dependencies"])
    required["python"] = project["requires-python"].removeprefix(">=")
    text = text_of(README).lower()
    assert all(f"{name} {version}" in text for name, version in required.items())


def test_changelog_has_the_version():
    title = "Unreleased" if ".dev" in skmlp.__version__ else skmlp.__version__
    assert f"## [{title}]" in text_of(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("number", range(1, 22))
def test_difference_names_its_test(number):
    sections = re.split(r"^### (?=\d)", text_of(DIFFERENCES), flags=re.MULTILINE)[1:]
    prefix = f"test_difference_{number:02}_"
    assert sections[number - 1].startswith(f"{number}. ")
    assert re.findall(r"test_difference_\d+_", sections[number - 1]) == [prefix]
    tests = (ROOT / "tests" / "estimators").glob("test_differences*.py")
    assert f"def {prefix}" in "".join(map(text_of, tests))


def test_differences_name_all_that_is_added():
    ours, theirs = (inspect.signature(c).parameters for c in (NumpyMLPClassifier, MLPClassifier))
    fit = inspect.signature(NumpyMLPClassifier.fit).parameters
    keywords = {name for name in fit if fit[name].kind is inspect.Parameter.KEYWORD_ONLY}
    methods = set(dir(NumpyMLPClassifier)) - set(dir(MLPClassifier))
    # scikit-learn makes a method set_..._request for what a method's signature names
    public = {name for name in methods if not name.startswith("_") and "_request" not in name}
    table = text_of(DIFFERENCES).partition("## What is added")[2]
    assert [name for name in {*ours, *keywords, *public} - {*theirs} if name not in table] == []


def test_differences_give_the_default_of_every_added_parameter():
    classes = (NumpyMLPClassifier, MLPClassifier), (NumpyMLPRegressor, MLPRegressor)
    added = {
        name: parameter.default
        for ours, theirs in classes
        for name, parameter in inspect.signature(ours).parameters.items()
        # MLPRegressor of scikit-learn 1.6 has no loss
        if name not in {*inspect.signature(theirs).parameters, "loss"}
    }
    table = text_of(DIFFERENCES).partition("## What is added")[2]
    rows = re.findall(r"^\| `(\w+)` \| .* \| `(.*)` \|$", table, re.MULTILINE)
    given = {name: literal_eval(default) for name, default in rows}
    assert given == added


@pytest.mark.parametrize("cls", [NumpyMLPClassifier, NumpyMLPRegressor])
def test_class_docstring_has_every_parameter_in_order_with_its_default(cls):
    parameters = inspect.signature(cls).parameters
    documented = docstring_section("Parameters", cls)
    assert list(documented) == list(parameters)
    defaults = {
        name: literal_eval(re.search(r"default=(.+)$", kind)[1])
        for name, kind in documented.items()
    }
    assert defaults == {name: parameter.default for name, parameter in parameters.items()}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("cls", [NumpyMLPClassifier, NumpyMLPRegressor])
def test_class_docstring_has_every_fitted_attribute(cls):
    X = pd.DataFrame({"length": np.linspace(-1, 1, 20), "width": np.arange(20.0) % 3})
    model = cls(early_stopping=True, learning_rate_init=0.1, random_state=0)
    fitted = vars(model.fit(X, X["length"] > 0))
    public = {name for name in fitted if name.endswith("_") and not name.startswith("_")}
    assert set(docstring_section("Attributes", cls)) == public


@pytest.mark.parametrize("script", sorted(path.name for path in ROOT.glob("examples/*.py")))
def test_readme_names_every_example(script):
    assert f"](examples/{script})" in text_of(README)


def test_site_is_built_by_one_command_whose_extra_exists():
    (command,) = re.findall(r"^.*-m sphinx.*$", text_of(README), re.MULTILINE)
    extras = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["optional-dependencies"]
    assert "'.[docs]'" in command
    assert " -W docs " in command  # a warning fails
    assert any(requirement.startswith("sphinx>=") for requirement in extras["docs"])


def test_page_of_recipes_has_each_recipe_and_the_measured_accuracies():
    page = text_of(ROOT / "docs" / "recipes.md")
    figures = re.findall(r"\b0\.\d{4}\b", inspect.getdoc(recipes))
    assert [name for name in recipes.__all__ if f"`{name}`" not in page] == []
    assert [figure for figure in figures if figure not in page] == []


@pytest.mark.parametrize("module", [skmlp, datasets, preprocessing, recipes])
def test_api_page_has_every_public_name(module):
    listed = set()
    prefix = ""
    for line in text_of(ROOT / "docs" / "api.rst").splitlines():
        if match := re.match(r"\.\. currentmodule:: (\S+)", line):
            prefix = match[1]
        elif match := re.match(r"(?:\.\. autodata:: |   )([\w.]+)$", line):
            listed.add(f"{prefix}.{match[1]}")
    assert {f"{module.__name__}.{name}" for name in module.__all__} <= listed


@pytest.mark.parametrize("loss", sorted(REGRESSION_LOSSES))
def test_page_of_regression_has_each_loss_with_its_score(loss):
    (row,) = re.findall(rf'^\| `"{loss}"` \|.*$', text_of(REGRESSION), re.MULTILINE)
    assert f"| ${REGRESSION_LOSSES[loss].score_name}$ |" in row


def public_functions():
    """Yield the public functions, and the methods that classes of this package define."""
    for module in (skmlp, datasets, preprocessing):
        for name in module.__all__:
            thing = getattr(module, name)
            yield f"{module.__name__}.{name}", thing
            for method in sorted(methods_of_skmlp(thing) if inspect.isclass(thing) else ()):
                if not method.startswith("_") and callable(getattr(thing, method)):
                    yield f"{module.__name__}.{name}.{method}", getattr(thing, method)


def methods_of_skmlp(cls):
    """Return the names of the attributes that the class has from this package, inherited or not."""
    bases = [base for base in cls.__mro__ if base.__module__.split(".")[0] == "skmlp"]
    return {name for base in bases for name in vars(base)}


@pytest.mark.parametrize(
    "function", [pytest.param(function, id=name) for name, function in public_functions()]
)
def test_docstring_names_every_parameter(function):
    doc = inspect.getdoc(function) or ""
    assert doc.split("\n")[0].endswith(".")
    signature = inspect.signature(function)
    headings = re.findall(r"^\**(\w+(?:, \**\w+)*)(?: : .*)?$", doc, re.MULTILINE)
    documented = {name.strip("*") for heading in headings for name in heading.split(", ")}
    assert {*signature.parameters} - {"self"} - documented == set()
    returns_something = not inspect.isclass(function) and signature.return_annotation is not None
    assert ("Returns\n-------\n" in doc) == returns_something


def test_every_page_of_the_guide_is_in_its_table_of_contents():
    sources = [path for path in ROOT.glob("docs/*") if path.suffix in {".md", ".rst"}]
    pages = {path.stem for path in sources} - {"index"}
    tocs = [text_of(ROOT / "docs" / page) for page in ("index.md", "guide.md", "derivation.md")]
    entries = "".join(TOCTREE.findall("".join(tocs)))
    patterns = [line for line in entries.splitlines() if line and not line.startswith(":")]
    assert [p for p in pages if not any(fnmatch(p, pattern) for pattern in patterns)] == []


def test_the_architecture_page_names_every_folder_and_every_module_at_the_top():
    package = Path(skmlp.__file__).parent
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    named = {*re.findall(r"`([\w/.]+)`", text_of(ROOT / "docs" / "architecture.md"))}
    assert folders | modules <= named


def test_completion_by_tab_offers_the_public_names():
    lazy = {"datasets", "preprocessing", "recipes"}
    assert {*skmlp.__all__} | lazy <= {*dir(skmlp)}
    assert all(getattr(skmlp, name) is not None for name in dir(skmlp))


def test_reference_has_every_parameter_in_one_group():
    table = text_of(ROOT / "docs" / "api.rst").partition("Parameters by subject")[2]
    table = table.partition("Plots\n-----")[0].partition(".. list-table::")[2]
    found = re.findall(r"`(\w+)`(?: \(([CR])\))?", table)
    classifier, regressor = (
        [name for name, only in found if only != other] for other in ("R", "C")
    )
    assert sorted(classifier) == sorted(inspect.signature(NumpyMLPClassifier).parameters)
    assert sorted(regressor) == sorted(inspect.signature(NumpyMLPRegressor).parameters)
