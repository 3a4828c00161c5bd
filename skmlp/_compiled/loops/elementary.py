"""exp and its relatives for the loops, written without branches, so that many numbers run at once.

exp(x) is 2^n (1 + q), where n = round(x / log(2)), r = x - n log(2) and q = exp(r) - 1, as in
W. J. Cody, W. Waite, "Software manual for the elementary functions", 1980. The polynomials
interpolate at Chebyshev's points: (exp(r) - 1) / r for |r| up to 0.35, (tanh(x) / x - 1) / x^2 for
x^2 up to 0.4, (atanh(s) / s - 1) / s^2 for s^2 up to 1/9, and the tail of the normal distribution
as `normal_cdf` has it. Results are within 2 units in the last place of the precision, those of
`normal_cdf` within about 5.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload


class _Precision(NamedTuple):
    """Types and constants of one precision; coefficients from the highest power to the lowest."""

    real: Any
    integer: Any
    mantissa_bits: int
    exponent_bias: int
    upper_half: int
    log2_e: float
    log_2_high: float
    log_2_low: float
    lowest: float
    highest: float
    expm1: tuple[float, ...]
    atanh: tuple[float, ...]
    tanh: tuple[float, ...]
    tail: tuple[float, ...]


def _precision(real: Any, integer: Any, *numbers: Any) -> _Precision:
    """Return the constants as numbers of the precision."""
    integers, reals, polynomials = numbers[:3], numbers[3:8], numbers[8:]
    return _Precision(
        real,
        integer,
        *map(integer, integers),
        *map(real, reals),
        *(tuple(map(real, polynomial)) for polynomial in polynomials),
    )


# n times the higher part of log(2) is exact
_PRECISIONS = {
    types.float32: _precision(
        np.float32,
        np.int32,
        23,
        127,
        -(2**12),
        1.4426950408889634,
        0.693359375,
        -2.1219444005469057e-4,
        -87.0,
        88.0,
        (
            0.0001990044147,
            0.001394215983,
            0.008333297067,
            0.04166634014,
            0.1666666672,
            0.500000005,
            1.0,
        ),
        (0.1161216461, 0.108532879, 0.14296179, 0.1999985317, 0.3333333366),
        (
            0.002269501684,
            -0.008323187058,
            0.02176250291,
            -0.05395846163,
            0.1333330015,
            -0.3333333315,
        ),
        (
            -8.603882085e-05,
            0.0002911764808,
            0.00163776952,
            -0.00353639196,
            -0.007554850662,
            0.06040319255,
            -0.1865199591,
            0.3871371205,
            -0.6078966951,
            0.7552851328,
        ),
    ),
    types.float64: _precision(
        np.float64,
        np.int64,
        52,
        1023,
        -(2**27),
        1.4426950408889634,
        6.93147180369123816490e-1,
        1.90821492927058770002e-10,
        -708.0,
        709.0,
        (
            2.0918961837795778e-09,
            2.511120325747114e-08,
            2.755726102934377e-07,
            2.75572377367406e-06,
            2.4801587338565345e-05,
            0.00019841269893049545,
            0.0013888888888878269,
            0.008333333333318461,
            0.04166666666666668,
            0.16666666666666682,
            0.5,
            1.0,
        ),
        (
            0.07815288900461426,
            0.03746071897775383,
            0.05422589197440007,
            0.05867139530651599,
            0.06667589315724629,
            0.07692271982430275,
            0.09090909948981357,
            0.11111111099118386,
            0.1428571428580005,
            0.19999999999999762,
            0.3333333333333333,
        ),
        (
            6.354340814859719e-06,
            -3.092912547386467e-05,
            9.23274970808537e-05,
            -0.0002374675659822325,
            0.000589622148687206,
            -0.0014557676940659455,
            0.003592120760870841,
            -0.008863235024306106,
            0.021869488515352347,
            -0.05396825396781054,
            0.1333333333333296,
            -0.3333333333333333,
        ),
        (
            -1.395484498749987e-08,
            -8.054061016682612e-08,
            -1.1183859437917834e-07,
            3.0330796592586483e-07,
            1.0131378902131045e-06,
            -6.493571461425472e-07,
            -5.924463828714104e-06,
            7.212428789407748e-07,
            3.514677182098788e-05,
            -1.908721080036899e-06,
            -0.0002310953040628745,
            0.00013334432457984093,
            0.0016308184905378254,
            -0.0034796923662585035,
            -0.007540188968243633,
            0.06039657489085953,
            -0.1865218579596255,
            0.38713740074221575,
            -0.6078966419718923,
            0.7552851304157515,
        ),
    ),
}


def polynomial(coefficients: Any, x: Any) -> Any:
    """Return the polynomial at x, its coefficients from the highest power to the lowest."""


def exp(x: Any) -> Any:
    """Return exp(x); 0 below exp's range, and above that the value at its end."""


def expm1(x: Any) -> Any:
    """Return exp(x) - 1, with all digits where x is close to 0."""


def log1p(x: Any) -> Any:
    """Return log(1 + x) for 0 <= x <= 1: 2 atanh(s), with s = x / (2 + x)."""


def tanh(x: Any) -> Any:
    """Return tanh(x): a polynomial near 0, else 1 - 2 / (exp(2 |x|) + 1) with the sign of x."""


def normal_density(x: Any) -> Any:
    """Return exp(-x^2 / 2), 0 below exp's range."""


def normal_cdf(x: Any) -> Any:
    """Return the distribution function of N(0, 1), with all digits also far below 0.

    With t = |x|, the tail is exp(-t^2 / 2) p(u) / (t + 4), p a polynomial in u = (t - 4) / (t + 4),
    and its value at -10 below that.
    """


def _density(t: Any) -> Any:
    """Return exp(-t^2 / 2) in exp's range, t >= 0; t^2 is taken apart, and keeps all its digits."""


def _power_and_rest(x: Any, rest: Any) -> Any:
    """Return 2^n and q, with exp(x + rest) = 2^n (1 + q), for x in exp's range."""


def _in_range(x: Any) -> Any:
    """Return x, or the end of exp's range that is next to x; nan stays nan."""


def _inline(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Declare the decorated function to return the code of `function`, given the types."""
    return overload(function, inline="always")


@overload(polynomial)
def _polynomial(coefficients: Any, x: Any) -> Any:
    def code(coefficients: Any, x: Any) -> Any:
        y = coefficients[0]
        for c in coefficients[1:]:
            y = y * x + c
        return y

    return code


@_inline(_power_and_rest)
def _power_and_rest_code(x: Any, rest: Any) -> Any:
    p = _PRECISIONS[x]
    real, integer = p.real, p.integer
    bits, bias, log2_e = p.mantissa_bits, p.exponent_bias, p.log2_e
    high, low, coefficients = p.log_2_high, p.log_2_low, p.expm1

    def code(x: Any, rest: Any) -> Any:
        n = np.rint(x * log2_e)
        r = x - n * high
        r = r - n * low + rest
        power = integer((integer(n) + bias) << bits).view(real)
        return power, r * polynomial(coefficients, r)

    return code


@_inline(_in_range)
def _in_range_code(x: Any) -> Any:
    lowest, highest = _PRECISIONS[x].lowest, _PRECISIONS[x].highest

    def code(x: Any) -> Any:
        # not by min and max, which would lose a nan
        x = lowest if x < lowest else x
        return highest if x > highest else x

    return code


@_inline(exp)
def _exp(x: Any) -> Any:
    zero, lowest = _PRECISIONS[x].real(0), _PRECISIONS[x].lowest

    def code(x: Any) -> Any:
        power, q = _power_and_rest(_in_range(x), zero)
        return zero if x < lowest else power * q + power

    return code


@_inline(expm1)
def _expm1(x: Any) -> Any:
    zero, one = map(_PRECISIONS[x].real, (0, 1))

    def code(x: Any) -> Any:
        power, q = _power_and_rest(_in_range(x), zero)
        return power * q + (power - one)

    return code


@_inline(log1p)
def _log1p(x: Any) -> Any:
    two, coefficients = _PRECISIONS[x].real(2), _PRECISIONS[x].atanh

    def code(x: Any) -> Any:
        s = x / (two + x)
        square = s * s
        return two * (s + s * square * polynomial(coefficients, square))

    return code


@_inline(tanh)
def _tanh(x: Any) -> Any:
    p = _PRECISIONS[x]
    one, two, border, end = map(p.real, (1, 2, 0.63, 20))
    coefficients = p.tanh

    def code(x: Any) -> Any:
        a = abs(x)
        square = x * x
        near = x + x * square * polynomial(coefficients, square)
        a_end = end if a > end else a
        far = one - two / (exp(two * a_end) + one)
        far = -far if x < 0 else far
        return near if a < border else far

    return code


@_inline(_density)
def _density_code(t: Any) -> Any:
    p = _PRECISIONS[t]
    half, real, integer, mask = p.real(0.5), p.real, p.integer, p.upper_half

    def code(t: Any) -> Any:
        upper = integer(real(t).view(integer) & mask).view(real)
        rest = (t - upper) * (t + upper)
        power, q = _power_and_rest(-half * upper * upper, -half * rest)
        return power * q + power

    return code


@_inline(normal_density)
def _normal_density(x: Any) -> Any:
    p = _PRECISIONS[x]
    zero, end = p.real(0), p.real(np.sqrt(-2 * p.lowest))

    def code(x: Any) -> Any:
        t = abs(x)
        return zero if t > end else _density(end if t > end else t)

    return code


@_inline(normal_cdf)
def _normal_cdf(x: Any) -> Any:
    p = _PRECISIONS[x]
    one, four, end = map(p.real, (1, 4, 10))
    even, odd = p.tail[1::2], p.tail[::2]

    def code(x: Any) -> Any:
        t = abs(x)
        t = end if t > end else t
        u = (t - four) / (t + four)
        p = polynomial(even, u * u) + u * polynomial(odd, u * u)
        tail = _density(t) * p / (t + four)
        return tail if x < 0 else one - tail

    return code
