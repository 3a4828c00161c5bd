"""Tables with columns of all kinds, those that are learnt and those that are refused."""

import datetime as dt
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from importlib.util import find_spec
from pathlib import PurePosixPath
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl

N = 60
ROWS = np.arange(N)
LABELS = np.array(["no", "yes", "maybe"])[ROWS % 3]
NUMBERS = ROWS % 3 + 0.1 * np.sin(ROWS)
WORDS = np.array(["low", "middle", "high"], dtype=object)[ROWS % 3]
TIMES = np.datetime64("2021-03-01T10:30", "s") + (ROWS * 7 % 400) * np.timedelta64(86_400, "s")


class Level(Enum):
    """Values of an enumeration."""

    low = 0
    middle = 1
    high = 2


class Opaque:
    """A value that cannot be compared with others."""


def with_gaps(values, gap=None):
    values = [*values]
    values[::10] = [gap] * len(values[::10])
    return values


def series(values, dtype=None):
    return pd.Series(values, dtype=dtype)


def objects(values):
    array = np.empty(N, dtype=object)
    array[:] = [*values]
    return pd.Series(array, dtype=object)


PYTHON_DATES = [time.date() for time in TIMES.tolist()]
CLOCKS = [dt.time(int(row % 24), int(row % 60)) for row in ROWS]
SPANS = [dt.timedelta(hours=int(row % 9)) for row in ROWS]
STAMPS = pd.Series(TIMES)

PANDAS = {
    **{kind: series(ROWS % 7, kind) for kind in ("int8", "uint8", "int16", "int64", "uint64")},
    **{kind: series(NUMBERS, kind) for kind in ("float16", "float32", "float64")},
    **{kind: series(with_gaps(ROWS % 7), kind) for kind in ("Int8", "UInt16", "Int64")},
    **{kind: series(with_gaps(NUMBERS), kind) for kind in ("Float32", "Float64")},
    "integers beyond float32": series(2**40 + ROWS % 3),
    "integers beyond float64": objects(10**400 * (-1) ** int(row) for row in ROWS),
    "floats beyond float32": series(NUMBERS * 1e300),
    "floats that are tiny": series(NUMBERS * 1e-300),
    "floats far from zero": series(1e9 + NUMBERS),
    "infinities": series(np.where(ROWS % 5 == 0, np.inf, NUMBERS)),
    "infinities of both signs": series(np.where(ROWS % 2 == 0, np.inf, -np.inf)),
    "infinities and gaps": series(np.where(ROWS % 2 == 0, -np.inf, np.nan)),
    "numbers with gaps": series(np.where(ROWS % 7 == 0, np.nan, NUMBERS)),
    "numbers, most of them missing": series(np.where(ROWS == 7, 1.0, np.nan)),
    "a constant": series(np.full(N, 3)),
    "a constant with gaps": series(with_gaps(np.full(N, 3.0))),
    "two numbers": series(5 + ROWS % 2),
    "sparse numbers": series(pd.arrays.SparseArray((ROWS % 3 == 0).astype(float))),
    "decimals": objects(Decimal(int(row % 3)) / 7 for row in ROWS),
    "decimals with gaps": objects(with_gaps([Decimal("0.5")] * N, Decimal("nan"))),
    "fractions": objects(Fraction(int(row % 3), 7) for row in ROWS),
    "numbers as objects": objects(with_gaps(NUMBERS)),
    "integers and floats": objects(int(v) if v > 1 else float(v) for v in NUMBERS),
    "NumPy scalars": objects(np.float32(v) for v in NUMBERS),
    "missing": series(np.full(N, np.nan)),
    "missing objects": objects([None] * N),
    "missing, of several kinds": objects([None, np.nan, pd.NA, pd.NaT] * (N // 4)),
    "missing text": series([None] * N, "string"),
    "missing categories": pd.Series(pd.Categorical([None] * N)),
    "missing dates": series([pd.NaT] * N, "datetime64[ns]"),
    "booleans": series(ROWS % 3 == 0),
    "nullable booleans": series(with_gaps((ROWS % 3 == 0).tolist()), "boolean"),
    "booleans as objects": objects(with_gaps((ROWS % 3 == 0).tolist())),
    "booleans and numbers": objects(bool(r) if r < 30 else int(r) % 2 for r in ROWS),
    "text": objects(WORDS),
    "text with gaps": objects(with_gaps(WORDS)),
    "text with gaps of several kinds": objects(
        [[None, np.nan, pd.NA, "high"][row % 4] for row in ROWS]
    ),
    "string": series(with_gaps(WORDS, pd.NA), "string"),
    "str": series(WORDS, "str"),
    "bytes": objects(word.encode() for word in WORDS),
    "bytes that are no text": objects(bytes([200 + row % 3]) for row in ROWS),
    "empty text": objects(["", " ", "x"] * (N // 3)),
    "numbers as text": objects(f"{v:.3f}" for v in NUMBERS),
    "numbers and text": objects("none" if row % 9 == 0 else row % 3 for row in ROWS),
    "numbers, text and gaps": objects([[None, "many", 1.5, row % 3, "2"][row % 5] for row in ROWS]),
    "unique text": objects(f"{WORDS[row]} {row}" for row in ROWS),
    "unique identifiers": objects(UUID(int=int(row)) for row in ROWS),
    "one value": objects(["same"] * N),
    "paths": objects(PurePosixPath("a") / word for word in WORDS),
    "an enumeration": objects([*Level] * (N // 3)),
    "surrogates": objects(["\ud800", "é", "漢"] * (N // 3)),
    "text like missing": objects(["nan", "None", "NA"] * (N // 3)),
    "categories": pd.Series(pd.Categorical(WORDS)),
    "ordered categories": pd.Series(pd.Categorical(WORDS, ["low", "middle", "high"], ordered=True)),
    "categories with gaps": pd.Series(pd.Categorical(with_gaps(WORDS))),
    "categories of integers": pd.Series(pd.Categorical(ROWS % 4)),
    "categories of floats": pd.Series(pd.Categorical(ROWS % 4 / 2)),
    "categories of booleans": pd.Series(pd.Categorical(ROWS % 2 == 0)),
    "categories of dates": pd.Series(pd.Categorical(STAMPS.dt.year)),
    "categories of nullable integers": series(with_gaps(ROWS % 4), "Int64").astype("category"),
    "intervals": pd.Series(pd.cut(NUMBERS, 3)),
    "intervals as objects": objects(pd.Series(pd.cut(NUMBERS, 3)).tolist()),
    **{f"dates in {unit}": series(TIMES.astype(f"M8[{unit}]")) for unit in ("s", "ms", "us", "ns")},
    "dates with gaps": series(with_gaps(STAMPS, pd.NaT)),
    "dates of one day": series(np.datetime64("2021-03-01") + ROWS % 24 * np.timedelta64(3600, "s")),
    "a constant date": series(np.full(N, np.datetime64("2021-03-01", "s"))),
    "dates in UTC": STAMPS.dt.tz_localize("UTC"),
    "dates in a zone": STAMPS.dt.tz_localize("Europe/Berlin"),
    "dates in several zones": objects(
        time.tz_localize(["UTC", "Asia/Tokyo"][i % 2]) for i, time in enumerate(STAMPS)
    ),
    "dates with and without a zone": objects(
        time.tz_localize(["UTC", None][i % 2]) for i, time in enumerate(STAMPS)
    ),
    "dates of Python": objects(PYTHON_DATES),
    "dates and times of Python": objects(TIMES.tolist()),
    "dates of Python with gaps": objects(with_gaps(PYTHON_DATES)),
    "dates of NumPy as objects": objects(TIMES),
    "dates beyond nanoseconds": objects(dt.date(int(1 + 30 * row), 1, 1) for row in ROWS),
    "dates as text": objects(map(str, PYTHON_DATES)),
    "dates and times as text": objects(f"{time}Z" for time in TIMES.astype(str)),
    "dates as text, one misspelt": objects(["2021-02-30", *map(str, PYTHON_DATES[1:])]),
    "dates, some as text": objects(
        str(date) if i % 2 else date for i, date in enumerate(PYTHON_DATES)
    ),
    "times of day": objects(CLOCKS),
    "times of day with gaps": objects(with_gaps(CLOCKS)),
    "durations": series(pd.to_timedelta(SPANS)),
    "durations with gaps": series(with_gaps(pd.to_timedelta(SPANS), pd.NaT)),
    "durations of Python": objects(SPANS),
    **{f"periods of {freq}": STAMPS.dt.to_period(freq) for freq in ("D", "W", "M", "Q", "Y", "h")},
    "periods with gaps": series(with_gaps(STAMPS.dt.to_period("M"), pd.NaT)),
    "periods as objects": objects(STAMPS.dt.to_period("M")),
    "dates and numbers": objects(date if i % 2 else i % 3 for i, date in enumerate(PYTHON_DATES)),
    "dates and words": objects(date if i % 2 else "never" for i, date in enumerate(PYTHON_DATES)),
    "durations and words": objects(span if i % 2 else "?" for i, span in enumerate(SPANS)),
}
if find_spec("pyarrow"):
    PANDAS |= {
        **{
            f"{kind} of arrow": series(with_gaps(ROWS % 7), f"{kind}[pyarrow]")
            for kind in ("int32", "uint8", "double", "float")
        },
        "booleans of arrow": series(with_gaps((ROWS % 3 == 0).tolist()), "bool[pyarrow]"),
        "string of arrow": series(with_gaps(WORDS), "string[pyarrow]"),
        "large text of arrow": series(WORDS, "large_string[pyarrow]"),
        "dates of arrow": series(PYTHON_DATES, "date32[pyarrow]"),
        "dates of arrow with gaps": series(with_gaps(PYTHON_DATES), "date32[pyarrow]"),
        "times of arrow": series(STAMPS, "timestamp[us][pyarrow]"),
        "times of arrow in a zone": series(
            STAMPS.dt.tz_localize("UTC"), "timestamp[us, tz=Europe/Berlin][pyarrow]"
        ),
        "times of day of arrow": series(CLOCKS, "time64[us][pyarrow]"),
        "durations of arrow": series(SPANS, "duration[us][pyarrow]"),
        "text in a dictionary of arrow": series(WORDS).astype("string[pyarrow]").astype("category"),
    }
POLARS = {
    **{str(kind): pl.Series(ROWS % 7).cast(kind) for kind in (pl.Int8, pl.UInt32, pl.Int64)},
    **{str(kind): pl.Series(NUMBERS).cast(kind) for kind in (pl.Float32, pl.Float64)},
    "integers with gaps": pl.Series(with_gaps((ROWS % 7).tolist())),
    "numbers with gaps": pl.Series(with_gaps(NUMBERS.tolist())),
    "numbers with NaN": pl.Series(with_gaps(NUMBERS.tolist(), float("nan"))),
    "infinities": pl.Series(np.where(ROWS % 5 == 0, np.inf, NUMBERS)),
    "decimals": pl.Series(with_gaps(NUMBERS.tolist())).cast(pl.Decimal(10, 2)),
    "missing": pl.Series([None] * N),
    "missing text": pl.Series([None] * N, dtype=pl.String),
    "booleans": pl.Series(with_gaps((ROWS % 3 == 0).tolist())),
    "text": pl.Series(with_gaps(WORDS.tolist())),
    "categories": pl.Series(with_gaps(WORDS.tolist()), dtype=pl.Categorical),
    "an enumeration": pl.Series(WORDS.tolist(), dtype=pl.Enum(["low", "middle", "high"])),
    "bytes": pl.Series([word.encode() for word in WORDS]),
    "dates": pl.Series(with_gaps(PYTHON_DATES)),
    "dates and times": pl.Series(TIMES.tolist()),
    "dates in a zone": pl.Series(TIMES.tolist()).dt.replace_time_zone("UTC"),
    "times of day": pl.Series(with_gaps(CLOCKS)),
    "durations": pl.Series(with_gaps(SPANS)),
}
LEARNT = {
    **{f"pandas: {name}": pd.DataFrame({"number": ROWS, "odd": s}) for name, s in PANDAS.items()},
    **{f"polars: {name}": pl.DataFrame({"number": ROWS, "odd": s}) for name, s in POLARS.items()},
    "array of objects": np.array([[None, "word", 1.5, row % 3] for row in ROWS], dtype=object),
    "array of text": np.c_[WORDS, WORDS].astype(str),
    "array of booleans": np.c_[ROWS % 3 == 0, ROWS % 2 == 0],
    "array of dates": np.c_[TIMES, TIMES],
    "list of numbers": [[float(row), row % 3] for row in ROWS.tolist()],
    "list of numbers and text": [[float(row), WORDS[row], None] for row in ROWS],
    "integers as names": pd.DataFrame({5: WORDS, 3: NUMBERS}),
    "an index of its own": pd.DataFrame({"a": WORDS}, index=ROWS[::-1] * 3),
    "names of several levels": pd.DataFrame(
        np.c_[ROWS, ROWS], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    ),
}
ONE = {"number": ROWS}
REFUSED = {
    "lists": (pd.DataFrame({**ONE, "odd": objects([[1, 2]] * N)}), "'odd'.*list.*column for each"),
    "dicts": (pd.DataFrame({**ONE, "odd": objects([{"a": 1}] * N)}), "'odd'.*dict.*column for"),
    "arrays": (pd.DataFrame({**ONE, "odd": objects([ROWS] * N)}), "'odd'.*ndarray.*column for"),
    "opaque objects": (
        pd.DataFrame({**ONE, "odd": objects(Opaque() for _ in ROWS)}),
        "'odd'.*Opaque.*numbers or text",
    ),
    "complex numbers": (pd.DataFrame({**ONE, "odd": ROWS * 1j}), "'odd'.*complex.*Replace"),
    "complex objects": (
        pd.DataFrame({**ONE, "odd": objects(complex(row) for row in ROWS)}),
        "'odd'.*complex.*Replace",
    ),
    "lists of polars": (
        pl.DataFrame({**ONE, "odd": [[1, 2]] * N}),
        "'odd'.*list.*column for each",
    ),
    "structs of polars": (pl.DataFrame({**ONE, "odd": [{"a": 1}] * N}), "'odd'.*dict.*column for"),
    "duplicate names": (
        pd.DataFrame(np.c_[ROWS, ROWS, ROWS], columns=["a", "b", "a"]),
        "several columns named 'a'.*Rename",
    ),
    "names of several types": (pd.DataFrame({"a": ROWS, 1: ROWS}), "astype"),
    "a dict": ({"number": ROWS}, r"X is a dict.*DataFrame\(X\)"),
    "a list of dicts": ([{"number": 1}] * N, r"X is a list of dicts.*DataFrame\(X\)"),
    "a structured array": (
        np.zeros(N, dtype=[("number", float)]),
        r"X is a structured array.*DataFrame\(X\)",
    ),
    "a lazy frame": (pl.LazyFrame(ONE), "collect"),
    "one dimension": (np.arange(9.0), "Reshape your data"),
    "three dimensions": (np.zeros((N, 2, 2)), "2-dimensional"),
    "no columns": (np.zeros((N, 0)), r"0 feature\(s\)"),
    "no rows": (pd.DataFrame({"a": []}), r"0 sample\(s\)"),
    "rows of different lengths": ([[1, 2], [3]] * (N // 2), "different lengths"),
    "masked values": (np.ma.array(np.c_[ROWS, ROWS], mask=np.c_[ROWS > 3, ROWS > 3]), "masked"),
}
