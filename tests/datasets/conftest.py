import numpy as np
import pytest
from mnist_files import ROWS

from skmlp.datasets import _mnist


@pytest.fixture
def digits(monkeypatch):
    """Shrink MNIST to 13 images that hold every byte, and return them."""
    for part, rows in ROWS.items():
        monkeypatch.setattr(_mnist, f"N_{part.upper()}", rows)
    monkeypatch.setattr(_mnist, "PICKLE_BYTES_MAX", 500_000)
    rng = np.random.default_rng(0)
    made = {}
    for part, rows in ROWS.items():
        made[f"X_{part}"] = rng.permuted(np.arange(rows * 784) % 256).astype(np.uint8)
        made[f"X_{part}"] = made[f"X_{part}"].reshape(rows, 784)
        made[f"y_{part}"] = rng.integers(0, 10, rows)
    made["y_train"][:2] = 0, 9
    return made
