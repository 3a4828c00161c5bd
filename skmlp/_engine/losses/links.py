"""Links: from raw output z to predictions a = f(z), and the output layer in units of the target."""

from typing import Protocol

import numpy as np

from skmlp._engine.types import FloatArray


class Link(Protocol):
    """The output activation f of a regression, and what a change of units does to W^L and b^L.

    Attributes
    ----------
    name : {"identity", "exp"}
        Name of f, published as `out_activation_`.
    shifts : bool
        Whether a shift of the target is a shift of z. If not, only a change of scale is possible.
    """

    name: str
    shifts: bool

    def inverse(self, z: FloatArray) -> FloatArray:
        """Return a = f(z); may be z itself."""

    def link(self, a: FloatArray) -> FloatArray:
        """Return z with f(z) = a; may be a itself."""

    def derivative(self, a: FloatArray) -> FloatArray:
        """Return f'(z), given a = f(z)."""

    def fold(
        self, W: FloatArray, b: FloatArray, shift: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return W and b for which a becomes scale a + shift."""

    def unfold(
        self, W: FloatArray, b: FloatArray, shift: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return W and b for which a becomes (a - shift) / scale."""


class Identity:
    """a = z."""

    name = "identity"
    shifts = True

    def inverse(self, z: FloatArray) -> FloatArray:
        """Return z."""
        return z

    def link(self, a: FloatArray) -> FloatArray:
        """Return a."""
        return a

    def derivative(self, a: FloatArray) -> FloatArray:
        """Return 1."""
        return np.ones_like(a)

    def fold(
        self, W: FloatArray, b: FloatArray, shift: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return scale W and scale b + shift."""
        return W * scale, b * scale + shift

    def unfold(
        self, W: FloatArray, b: FloatArray, shift: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return W / scale and (b - shift) / scale."""
        return W / scale, (b - shift) / scale


class Exp:
    """a = exp(z), rounded neither to 0 nor to infinity."""

    name = "exp"
    shifts = False

    def inverse(self, z: FloatArray) -> FloatArray:
        """Return exp(z)."""
        info = np.finfo(z.dtype)
        with np.errstate(over="ignore", under="ignore"):
            return np.clip(np.exp(z), info.tiny, info.max)

    def link(self, a: FloatArray) -> FloatArray:
        """Return log(a), with the smallest number of the precision in place of 0."""
        return np.log(np.maximum(a, np.finfo(a.dtype).tiny))

    def derivative(self, a: FloatArray) -> FloatArray:
        """Return a."""
        return a

    def fold(
        self, W: FloatArray, b: FloatArray, shift: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return W and b + log(scale); there is no shift."""
        return W, b + np.log(scale)

    def unfold(
        self, W: FloatArray, b: FloatArray, shift: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return W and b - log(scale)."""
        return W, b - np.log(scale)


IDENTITY, EXP = Identity(), Exp()
LINKS: dict[str, Link] = {link.name: link for link in (EXP, IDENTITY)}
