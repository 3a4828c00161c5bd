"""Random generators as plain values, and back.

The values are read by every supported version of NumPy, unlike what NumPy itself pickles.
"""

from numbers import Integral
from typing import Any

import numpy as np

from skmlp._persistence.validate import is_count, shortened, validated_like

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
_MT19937_WORDS = 624
# far more than any seed has; their cost grows with the square
_POOL_MAX, _N_WORDS_MAX, _WORD_MAX = 64, 1024, 2**4096


def generator_to_dict(rng: AnyGenerator) -> Any:
    """Return kind, seed and state of the generator. One of unknown kind is returned unchanged."""
    of_old_kind = isinstance(rng, np.random.RandomState)
    bits = rng._bit_generator if isinstance(rng, np.random.RandomState) else rng.bit_generator
    # the seed is for spawning, which the old kind cannot do
    seed = None if of_old_kind else getattr(bits.seed_seq, "state", None)
    if type(bits) not in _BIT_GENERATORS.values() or (seed is None and not of_old_kind):
        return rng
    return {"class": type(rng).__name__, "seed": seed, "state": generator_state(rng)}


def generator_from_dict(stored: dict[str, Any]) -> AnyGenerator:
    """Return a generator in the stored state, which may come from a stranger's file.

    Raises
    ------
    ValueError
        If there is no such generator.
    """
    state = stored.get("state")
    kind = state.get("bit_generator") if isinstance(state, dict) else None
    if set(stored) != {"class", "seed", "state"} or not isinstance(kind, str):
        raise ValueError("a generator has class, seed and state")
    if kind not in _BIT_GENERATORS:
        raise ValueError(f"the generator {shortened(kind)} is none of {sorted(_BIT_GENERATORS)}")
    bit_generator = _BIT_GENERATORS[kind]
    rng: AnyGenerator
    if stored["class"] == "RandomState":
        # one seeded by a number has no seed sequence, which comparisons of models would see
        of_number = bit_generator is np.random.MT19937
        rng = np.random.RandomState(0 if of_number else bit_generator(0))
    else:
        seed = np.random.SeedSequence(**_checked_seed(stored["seed"]))
        rng = np.random.Generator(bit_generator(seed))
    load_generator(rng, state)
    return rng


def _checked_seed(seed: Any) -> dict[str, Any]:
    """Return the arguments of a SeedSequence, if a seed of this size is computed at once."""
    names = {"entropy", "n_children_spawned", "pool_size", "spawn_key"}
    if not isinstance(seed, dict) or set(seed) != names:
        raise ValueError(f"a generator's seed has {sorted(names)}")
    if not is_count(seed["n_children_spawned"]):
        raise ValueError("a generator's seed cannot have spawned that many")
    if not is_count(seed["pool_size"]) or not 4 <= seed["pool_size"] <= _POOL_MAX:
        raise ValueError(f"a generator's pool has 4 to {_POOL_MAX} words")
    for name in ("entropy", "spawn_key"):
        words = np.ravel(np.asarray(seed[name], dtype=object)).tolist()
        are_words = all(isinstance(n, Integral) and 0 <= int(n) < _WORD_MAX for n in words)
        if len(words) > _N_WORDS_MAX or not (are_words or words == [None]):
            raise ValueError(f"a generator's {name} cannot be {shortened(seed[name])}")
    return seed


def generator_state(rng: AnyGenerator) -> dict[str, Any]:
    """Return the state alone, which suits generators of any kind."""
    if isinstance(rng, np.random.RandomState):
        return rng.get_state(legacy=False)
    return dict(rng.bit_generator.state)


def load_generator(rng: AnyGenerator, state: Any) -> None:
    """Set the generator to the state; raise ValueError if that is none of such a generator.

    The state may come from a stranger's file.
    """
    state = checked_state(rng, state)
    try:
        if isinstance(rng, np.random.RandomState):
            rng.set_state(state)
        else:
            rng.bit_generator.state = state
    except (OverflowError, TypeError) as error:
        raise ValueError(f"the generator cannot have this state ({error})") from error


def checked_state(rng: AnyGenerator, state: Any) -> dict[str, Any]:
    """Return the state, if a generator of the kind of `rng` can draw from it.

    Raises
    ------
    ValueError
        If the generator would read beyond its memory, or draw without end.
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
    if _stands_still(numbers):
        raise ValueError("the generator would draw the same number for ever")
    return state


def _stands_still(numbers: dict[str, Any]) -> bool:
    """Return whether the next state is the same, which can make NumPy draw without end."""
    key = numbers.get("key", ())
    # the rest of the first word is not used
    is_zero = len(key) == _MT19937_WORDS and not np.any(key[1:]) and key[0] < 2**31
    return is_zero or numbers.get("inc", 1) % 2 == 0
