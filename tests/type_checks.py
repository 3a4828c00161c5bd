"""Run mypy on a program of a user."""

import os
import subprocess
import sys
from pathlib import Path

import skmlp


def run_mypy(folder, program, *options):
    """Return the run of mypy on the program; scikit-learn has no types, which the user ignores.

    Runs in a folder with the same options share mypy's cache, which spares them most of their time.
    """
    (folder / "program.py").write_text(program, encoding="utf-8")
    ignored = ["--ignore-missing-imports", "--follow-imports=silent"]
    cache = ["--cache-dir", f"cache{''.join(options)}"]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *ignored, *cache, *options, "program.py"],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(Path(skmlp.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
