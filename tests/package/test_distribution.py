"""The wheel and the sdist, built from a copy of the tree, hold what they should."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

import skmlp

ROOT = Path(__file__).resolve().parents[2]
NAME = f"skmlp-{skmlp.__version__}"
FOLDERS = "docs", "examples", "skmlp", "tests"
TOP = "*.md", "*.cff", "LICENSE", "MANIFEST.in", "pyproject.toml", "setup.cfg"
# what the site, the scripts and the tests leave behind
GENERATED = "_build", "gallery", "generated", "__pycache__", "*.pyc", "*.png"
# what setuptools says of a package before it builds it
PREPARE = "from setuptools import build_meta as b; b.prepare_metadata_for_build_wheel('.')"
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "https://host.example/someone/skmlp"
TAG = "HEAD" if ".dev" in skmlp.__version__ else f"v{skmlp.__version__}"
LEFT_BEHIND = (
    "docs/_build/html/index.html",
    "docs/gallery/index.rst",
    "docs/generated/skmlp.rst",
    "examples/curves.png",
    "skmlp/__pycache__/recipes.pyc",
    "tests/engine/__pycache__/test_network.pyc",
)


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Return a copy of the project's files, where builds do not meet those before them."""
    copy = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns(*GENERATED))
    for path in (path for pattern in TOP for path in ROOT.glob(pattern)):
        shutil.copy(path, copy)
    return copy


@pytest.fixture(scope="module")
def contents(tree, tmp_path_factory):
    """Return the names of the files in the sdist, and in the wheel built from that sdist."""
    expected = files_below(tree)
    for name in LEFT_BEHIND:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("left behind")
    output = tmp_path_factory.mktemp("dist")
    # without isolation, so without a network: setuptools is among the requirements of the tests
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", output, tree]
    done = subprocess.run(command, cwd=output, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {f"{NAME}.tar.gz", f"{NAME}-py3-none-any.whl"}
    assert {path.name for path in output.iterdir()} == names
    with tarfile.open(output / f"{NAME}.tar.gz") as archive:
        members = [member.name for member in archive if member.isfile()]
    with zipfile.ZipFile(output / f"{NAME}-py3-none-any.whl") as archive:
        wheel = archive.namelist()
    assert {name.split("/")[0] for name in members} == {NAME}
    sdist = {PurePosixPath(name).relative_to(NAME).as_posix() for name in members}
    return expected, sdist, set(wheel)


def test_wheel_holds_the_modules_the_type_marker_and_nothing_else(contents):
    expected, _, wheel = contents
    modules = {name for name in expected if name.startswith("skmlp/") and name.endswith(".py")}
    packaged = {name for name in wheel if not name.startswith(f"{NAME}.dist-info/")}
    assert packaged == modules | {"skmlp/py.typed"}


def test_wheel_holds_the_licence(contents):
    _, _, wheel = contents
    assert f"{NAME}.dist-info/licenses/LICENSE" in wheel


def test_sdist_holds_the_sources_with_tests_docs_and_examples_and_nothing_else(contents):
    expected, sdist, _ = contents
    made_by_setuptools = {name for name in sdist if name.startswith("skmlp.egg-info/")}
    assert sdist - made_by_setuptools - {"PKG-INFO"} == expected


def test_tree_that_is_built_holds_files_of_every_kind(tree):
    expected = files_below(tree)
    for name in (
        "docs/conf.py",
        "docs/images/overview.svg",
        "docs/templates/autosummary/class.rst",
        "examples/GALLERY_HEADER.rst",
        "setup.cfg",
        "skmlp/py.typed",
        "tests/engine/losses/test_classification.py",
        "tests/models/0.1.0/sklearn-1.6.1/binary.joblib",
        "tests/models/0.1.0/sklearn-1.6.1/expected.json",
        f"tests/package/{Path(__file__).name}",
    ):
        assert name in expected


@pytest.fixture(scope="module")
def about(tree, tmp_path_factory):
    """Return the metadata of the package, by the address of its repository."""

    def prepare(repository):
        copy = tmp_path_factory.mktemp("about")
        shutil.copytree(tree, copy, dirs_exist_ok=True)
        settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        setting = f'repository = "{repository}"'
        settings, count = re.subn('^repository = ".*"$', setting, settings, flags=re.MULTILINE)
        assert count == 1
        (copy / "pyproject.toml").write_text(settings, encoding="utf-8")
        command = [sys.executable, "-c", PREPARE]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (metadata,) = copy.glob("*.dist-info/METADATA")
        return email.message_from_bytes(metadata.read_bytes())

    return {repository: prepare(repository) for repository in ("", f"{ADDRESS}/")}


def description_of(metadata):
    return metadata.get_payload(decode=True).decode()


def link_targets(text):
    code = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    return re.findall(r'(?:\]\(|src="|srcset="|href=")([^)"\s]+)', code.sub("", text))


def test_package_without_an_address_has_the_readme_as_it_is_and_no_links(about):
    assert description_of(about[""]) == README
    assert "Project-URL" not in about[""]


def test_package_with_an_address_has_absolute_links_to_files_that_exist(about):
    text = description_of(about[f"{ADDRESS}/"])
    relative = link_targets(README)
    absolute = link_targets(text)
    assert len(absolute) == len(relative) > 50
    for before, after in zip(relative, absolute, strict=True):
        if before.startswith(("https:", "#")):
            assert after == before
            continue
        kind = "raw" if before.endswith(".svg") else "blob"
        assert after == f"{ADDRESS}/{kind}/{TAG}/{before}"
        assert (ROOT / before.partition("#")[0]).exists()


def test_package_with_an_address_changes_nothing_but_links(about):
    added = re.compile(rf"{re.escape(ADDRESS)}/(?:raw|blob)/{TAG}/")
    assert added.sub("", description_of(about[f"{ADDRESS}/"])) == README


def test_package_with_an_address_names_source_documentation_issues_and_changelog(about):
    urls = dict(url.split(", ") for url in about[f"{ADDRESS}/"].get_all("Project-URL"))
    assert list(urls) == ["Source", "Documentation", "Issues", "Changelog"]
    assert urls["Source"] == ADDRESS
    assert all(url.startswith(ADDRESS) for url in urls.values())
    assert urls["Changelog"] == f"{ADDRESS}/blob/{TAG}/CHANGELOG.md"
