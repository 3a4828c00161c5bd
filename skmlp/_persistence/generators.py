"""Random generators as plain values, and back.

The values are read by every supported version of NumPy, unlike what NumPy itself pickles.
"""

from typing import Any

import numpy as np

from skmlp._persistence.validate import validated_like

AnyGenerator = np.random.RandomState | np.random.Generator

_BIT_GENERATORS = {
    bit_generator.__name__: bit_generator
    for bit_generator in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}


def generator_to_dict(rng: AnyGenerator) -> Any:
    """Return kind, seed and state of the generator; one of an unknown kind as it is."""
    of_old_kind = isinstance(rng, np.random.RandomState)
    bits = rng._bit_generator if isinstance(rng, np.random.RandomState) else rng.bit_generator
    # the seed is for spawning, which the old kind cannot do
    seed = None if of_old_kind else getattr(bits.seed_seq, "state", None)
    if type(bits) not in _BIT_GENERATORS.values() or (seed is None and not of_old_kind):
        return rng
    return {"class": type(rng).__name__, "seed": seed, "state": generator_state(rng)}


def generator_from_dict(stored: dict[str, Any]) -> AnyGenerator:
    """Return a generator in the stored state."""
    state = stored["state"]
    bit_generator = _BIT_GENERATORS[state["bit_generator"]]
    if stored["class"] == "RandomState":
        # one seeded by a number has no seed sequence, which comparisons of models would see
        of_number = bit_generator is np.random.MT19937
        rng = np.random.RandomState(0 if of_number else bit_generator(0))
        rng.set_state(state)
        return rng
    bits = bit_generator(np.random.SeedSequence(**stored["seed"]))
    bits.state = state
    return np.random.Generator(bits)


def generator_state(rng: AnyGenerator) -> dict[str, Any]:
    """Return the state alone, which suits generators of any kind."""
    if isinstance(rng, np.random.RandomState):
        return rng.get_state(legacy=False)
    return dict(rng.bit_generator.state)


def load_generator(rng: AnyGenerator, state: Any) -> None:
    """Set the generator to the state; raise ValueError if that is none of such a generator.

    The state may come from a stranger's file.
    """
    state = validated_like(generator_state(rng), state, "generator")
    numbers = state["state"]
    # NumPy would read from anywhere in memory
    for position, array in (
        (numbers.get("pos", 0), numbers.get("key", 0)),
        (state.get("buffer_pos", 0), state.get("buffer", 0)),
    ):
        if not 0 <= position <= np.size(array):
            raise ValueError("the generator's position is beyond its end")
    if isinstance(rng, np.random.RandomState):
        rng.set_state(state)
    else:
        rng.bit_generator.state = state
