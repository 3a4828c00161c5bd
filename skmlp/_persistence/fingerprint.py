"""Fingerprint of a fit: its parameters as text, and checksums of its data."""

import hashlib
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmlp._data.prepare import FitData
from skmlp._persistence.callables import content_of, without_addresses
from skmlp._training.dataset import Dataset

# parameters that do not change the fitted model
_INDIFFERENT = {"checkpoint_every", "checkpoint_path", "max_time", "n_threads", "verbose"}

# as many as a message names
_N_DIFFERENCES = 20
_MODEL = "model to go on with (warm_start)"


class OtherFit(ValueError):
    """The checkpoint belongs to another fit."""


def fingerprint(estimator: Any, data: FitData) -> dict[str, Any]:
    """Return the fingerprint of a fit: everything from which the model is computed."""
    parameters = estimator.get_params(deep=False)
    if not isinstance(parameters["random_state"], Integral | None):
        parameters["random_state"] = "a generator"
    train, val = data.train, data.val
    model = [*estimator.coefs_, *estimator.intercepts_] if data.mode.continues else []
    return {
        "parameters": {
            name: _as_text(value) for name, value in parameters.items() if name not in _INDIFFERENT
        },
        "data": {
            "training rows X": _digest(train.X),
            "labels y": _digest(train.y, data.targets.label_texts()),
            "sample_weight": _digest(train.w),
            "X_val, y_val": _digest(*([] if val is None else _validation_arrays(val))),
            "precision": str(data.dtype),
            _MODEL: _digest(*model),
        },
    }


def _validation_arrays(val: Dataset) -> list[Any]:
    """Return the arrays of the validation set, its weights if there are any."""
    return [val.X, val.y, *([] if val.w is None else [val.w])]


def check_fingerprint(path: str, found: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Raise OtherFit, which names the differences, if the fingerprints are not equal."""
    if expected is None or found == expected:
        return
    theirs, ours = found["parameters"], expected["parameters"]
    differences = [
        f"{_cut(name)}={_cut(theirs.get(name))} there, {_cut(ours.get(name))} here"
        for name in sorted({*theirs, *ours})
        if theirs.get(name) != ours.get(name)
    ][:_N_DIFFERENCES]
    differences += [
        f"another {name}"
        for name, digest in expected["data"].items()
        if found["data"].get(name) != digest
    ]
    remedy = "Fit with the same parameters and data to go on with it"
    if differences == [f"another {_MODEL}"]:
        remedy = "Fit a clone, or the model as it was, to go on with it"
    raise OtherFit(
        f"checkpoint_path={path!r} holds a fit that has not ended and is not this one: "
        f"{'; '.join(differences)}. {remedy}, or delete the file, or give another path."
    )


def _cut(value: Any) -> str:
    """Return the text, or its beginning, so that a message is not as long as a file."""
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _as_text(value: Any) -> str:
    """Return the parameter as text that is the same in each process."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return f"[{', '.join(map(_as_text, value))}]"
    text = without_addresses(repr(value))
    return f"{text} [{content_of(value)}]" if callable(value) else text


def _digest(*arrays: Any) -> str:
    """Return a checksum of dtypes, shapes and numbers."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        parts = [array.data, array.indices, array.indptr] if issparse(array) else [array]
        digest.update(repr(getattr(array, "shape", None)).encode())
        for part in parts:
            if part is not None:
                digest.update(part.dtype.str.encode())
                digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
