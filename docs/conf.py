"""How Sphinx builds the site from these pages, the docstrings and the examples."""

import inspect
import re
from importlib.metadata import metadata
from typing import Any

import matplotlib as mpl
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx_gallery.sorting import ExplicitOrder

import skmlp
from skmlp import datasets, preprocessing, recipes

mpl.use("agg")

project = "skmlp"
author = "The skmlp developers"
project_copyright = author
version = release = skmlp.__version__

# of the installed package, as docs/package/links.py makes them
urls = dict(url.split(", ") for url in metadata("skmlp").get_all("Project-URL", []))

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # copies MathJax into the site, which then needs no network
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
templates_path = ["templates"]
exclude_patterns = ["_build", "templates", "static"]
nitpicky = True

# The pages are Markdown as code hosts understand it: formulas in dollars, links to headings.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

default_role = "literal"
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say more of a type than an annotation can
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    # scripts with a command line of their own are not gallery pages
    "ignore_pattern": r"^(?!plot_)",
    "within_subsection_order": ExplicitOrder(
        [
            "plot_training.py",
            "plot_decision_boundaries.py",
            "plot_early_stopping.py",
            "plot_learning_rates.py",
            "plot_regularisation.py",
            "plot_class_weight.py",
            "plot_calibration.py",
            "plot_regression.py",
            "plot_intervals.py",
            "plot_tables.py",
            "plot_saliency.py",
            "*",
        ]
    ),
    "doc_module": ("skmlp",),
    "reference_url": {"skmlp": None},
    "backreferences_dir": "generated/backreferences",
    "image_srcset": ["2x"],
    "min_reported_time": 600,  # the times of a machine that builds sites say little
    "capture_repr": (),
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skmlp {release}"
html_short_title = "skmlp"
html_favicon = "static/logo.svg"
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["skmlp.css"]
toc_object_entries_show_parents = "hide"
html_context = {"default_mode": "auto"}  # light or dark as in the reader's system
html_theme_options = {
    "logo": {
        "text": f"skmlp {release}",
        "alt_text": "skmlp: neural networks for scikit-learn users",
        "image_light": "static/logo.svg",
        "image_dark": "static/logo.svg",
    },
    "icon_links": [
        {"name": name, "url": url, "icon": "fa-solid fa-link"} for name, url in urls.items()
    ],
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
# these have no pages below them
html_sidebars = {page: [] for page in ("index", "quickstart", "changelog")}

SCIKIT_LEARN = "https://scikit-learn.org/stable"
# labels in the docstrings of inherited methods
SCIKIT_LEARN_LABELS = {
    "accuracy_score": "modules/model_evaluation.html#accuracy-score",
    "df_output_transform": "auto_examples/miscellaneous/plot_set_output.html",
    "metadata_routing": "metadata_routing.html",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py": (
        "auto_examples/miscellaneous/plot_set_output.html"
    ),
}


def link_to_scikit_learn(
    app: Sphinx, env: Any, node: nodes.Element, contnode: nodes.Element
) -> nodes.reference | None:
    """Link scikit-learn's names to its site by its own rule, so that no build needs a network."""
    target = node["reftarget"]
    if target.startswith("sklearn."):
        page = f"modules/generated/{target}.html"
    elif node["reftype"] == "term":
        page = f"glossary.html#term-{target}"
    elif target in SCIKIT_LEARN_LABELS:
        page = SCIKIT_LEARN_LABELS[target]
    else:
        return None
    return nodes.reference("", "", contnode, refuri=f"{SCIKIT_LEARN}/{page}", internal=False)


def shorten_signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, result: str
) -> tuple[str, str] | None:
    """Show of a long constructor the first parameters: the list below has them all."""
    if what != "class" or signature is None or len(signature) < 200:
        return None
    first = list(inspect.signature(thing).parameters)[:3]
    return f"({', '.join(first)}, ...)", ""


def end_blocks_without_an_empty_line(app: Sphinx, page: str, source: list[str]) -> None:
    """Remove the line by which doctest knows the end of an example on a Markdown page."""
    source[0] = re.sub(r"\n\n```$", "\n```", source[0], flags=re.MULTILINE)


def public_names() -> set[str]:
    """Return every public name in full, and with a class its public methods."""
    names = set()
    for module in (skmlp, datasets, preprocessing, recipes):
        for name in module.__all__:
            thing, full = getattr(module, name), f"{module.__name__}.{name}"
            names.add(full)
            if isinstance(thing, type):
                names |= {f"{full}.{method}" for method in dir(thing) if method[0] != "_"}
    return names


def check_that_the_reference_is_complete(app: Sphinx, env: Any) -> None:
    """Warn of public names that no page describes."""
    for name in sorted(public_names() - set(env.domains["py"].objects)):
        logging.getLogger(__name__).warning("%s is missing in the API reference", name)


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", end_blocks_without_an_empty_line)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("missing-reference", link_to_scikit_learn)
    app.connect("env-check-consistency", check_that_the_reference_is_complete)
