"""The built site in Chromium, without a network: set SKMLP_SITE to the folder of its pages."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
ui = pytest.importorskip("selenium.webdriver.support.ui")
SITE = os.environ.get("SKMLP_SITE")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SITE is None, reason="SKMLP_SITE is not the folder of the built site"),
]

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
# Wait for MathJax, then return the formulas that are empty or have an error.
BLANK_FORMULAS = """
const done = arguments[0];
const ready = window.MathJax?.startup?.promise ?? Promise.resolve();
const drawn = (formula) => {
  const box = formula.querySelector("mjx-container");
  return box && box.getBoundingClientRect().width > 0 && !formula.querySelector("mjx-merror");
};
ready.then(() => done(
  [...document.querySelectorAll(".math")].filter((f) => !drawn(f)).map((f) => f.textContent)
));
"""
# What ends beyond the screen, and is in nothing that scrolls.
CUT = """
const scrolls = (box) => box && (
  ["auto", "scroll"].includes(getComputedStyle(box).overflowX) || scrolls(box.parentElement)
);
return [...document.querySelectorAll(".bd-article *")].filter((box) =>
  box.getBoundingClientRect().right > innerWidth + 1 &&
  !box.closest("mjx-assistive-mml, .visually-hidden") &&
  !scrolls(box)
).map((box) => `${box.tagName} ${box.textContent.slice(0, 40)}`);
"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each of them."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    handler = functools.partial(QuietHandler, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (
        "headless",
        "no-sandbox",  # Chromium as root needs it
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "no-first-run",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no network
    ):
        options.add_argument(f"--{flag}")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(60)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    yield driver
    driver.quit()


def pages():
    """Return the pages that people read: all but the sources and the indices."""
    site = Path(SITE or ".")
    names = sorted(page.relative_to(site).as_posix() for page in site.rglob("*.html"))
    return [
        name for name in names if not name.startswith(("_", "genindex", "py-modindex", "search"))
    ]


def errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_pages_have_no_error_no_blank_formula_and_no_overflow_on_a_phone(address, browser):
    faults = {}
    for page in pages():
        browser.get(f"{address}/{page}")
        blank = browser.execute_async_script(BLANK_FORMULAS)
        width = browser.execute_script("return document.documentElement.scrollWidth")
        found = [*errors(browser), *(f"blank: {formula}" for formula in blank)]
        found += [f"cut: {box}" for box in browser.execute_script(CUT)]
        if width > PHONE["width"]:
            found.append(f"{width} px wide")
        if found:
            faults[page] = found
    assert "index.html" in pages()
    assert faults == {}


def test_every_page_of_the_derivation_has_formulas(address, browser):
    course = [page for page in pages() if "derivation" in page or page == "from_scratch.html"]
    assert len(course) > 10
    for page in course:
        browser.get(f"{address}/{page}")
        browser.execute_async_script(BLANK_FORMULAS)
        drawn = "return document.querySelectorAll('mjx-container').length"
        assert browser.execute_script(drawn) > 10, page


@pytest.mark.parametrize("word", ["GPU", "imbalanced"])
def test_search_finds_the_answer(address, browser, word):
    browser.get(f"{address}/search.html?q={word}")
    wait = ui.WebDriverWait(browser, 20)
    links = wait.until(
        lambda driver: driver.find_elements("css selector", "#search-results ul.search a")
    )
    assert any("faq.html" in link.get_attribute("href") for link in links)
    assert errors(browser) == []
