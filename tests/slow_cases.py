"""Cases of a test of which all but some are slow."""

import pytest


def slow_but_for(quick, cases):
    """Return the cases as parameters of a test; those whose name is not in `quick` are slow."""
    assert set(quick) <= set(cases)
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            id=name,
            marks=() if name in quick else pytest.mark.slow,
        )
        for name, case in cases.items()
    ]
