"""Random numbers by name and key, not by sequence.

A generator that is asked in turn gives other numbers when the work is cut into other pieces. Here every number is a
hash of the seed, the name of what it is for, and the keys of the thing and the day it is about: asked again, in any
order, in any process, it is the same number.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SMALL_MEAN = 40.0
"""Above it a Poisson number is taken from the normal distribution: its error is far below the noise."""


class Chance:
    """Numbers of one seed.

    A *stream* is the name of what the number is for (``"s01.delay"``); *keys* are integers, arrays of them, or dates
    (``datetime64[D]``), broadcast against each other: the entity, the day, the running number.

    Args:
        seed: any integer; another seed is another city.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def bits(self, stream: str, *keys: Any) -> npt.NDArray[np.uint64]:
        """64 random bits for each combination of keys (splitmix64 over stream and keys)."""
        name = hashlib.blake2b(f"{self.seed}\x00{stream}".encode(), digest_size=8).digest()
        arrays = [_as_bits(key) for key in keys] or [np.zeros(1, np.uint64)]
        with np.errstate(over="ignore"):
            state = _mix(np.uint64(int.from_bytes(name, "little")) + _GAMMA)
            for array in arrays:
                state = _mix((state ^ array) + _GAMMA)
        return np.asarray(state)

    def uniform(self, stream: str, *keys: Any) -> Floats:
        """Numbers in [0, 1)."""
        return np.asarray((self.bits(stream, *keys) >> np.uint64(11)) * 2.0**-53)

    def happens(self, probability: Any, stream: str, *keys: Any) -> Flags:
        """Whether something of this probability is so."""
        return np.asarray(self.uniform(stream, *keys) < probability)

    def integers(self, low: Any, high: Any, stream: str, *keys: Any) -> Integers:
        """Whole numbers, low included, high not."""
        span = np.asarray(high) - np.asarray(low)
        return np.asarray(np.asarray(low) + np.floor(self.uniform(stream, *keys) * span), dtype=np.int64)

    def normal(self, stream: str, *keys: Any) -> Floats:
        """Standard normal numbers."""
        from scipy.special import ndtri

        return np.asarray(ndtri(self.uniform(stream, *keys) * (1 - 2.0**-52) + 2.0**-54))

    def lognormal(self, median: Any, sigma: float, stream: str, *keys: Any) -> Floats:
        """Numbers with this median whose logarithm has standard deviation `sigma`: times, sums of money."""
        return np.asarray(np.asarray(median) * np.exp(sigma * self.normal(stream, *keys)))

    def poisson(self, mean: Any, stream: str, *keys: Any) -> Integers:
        """How many of something happen when `mean` are expected."""
        uniform = self.uniform(stream, *keys)
        mean = np.broadcast_to(np.asarray(mean, dtype=np.float64), np.broadcast_shapes(np.shape(mean), uniform.shape))
        uniform = np.broadcast_to(uniform, mean.shape)
        from scipy.special import ndtri

        count = np.rint(mean + np.sqrt(mean) * ndtri(uniform * (1 - 2.0**-52) + 2.0**-54))
        small = mean <= _SMALL_MEAN
        left, of_small = uniform[small], mean[small]
        probability, number = np.exp(-of_small), np.zeros(of_small.shape)
        cumulated, step = probability.copy(), 0
        while True:
            beyond = left >= cumulated
            if not beyond.any() or step > 4 * _SMALL_MEAN:
                break
            step += 1
            number += beyond
            probability = probability * of_small / step
            cumulated += probability
        count[small] = number
        return np.asarray(np.maximum(count, 0), dtype=np.int64)

    def choose(self, weights: Any, stream: str, *keys: Any) -> Integers:
        """Positions chosen by weight: one list of weights for all, or a row of weights for each."""
        weights = np.asarray(weights, dtype=np.float64)
        edges = np.cumsum(weights, axis=-1)
        uniform = self.uniform(stream, *keys)
        if weights.ndim == 1:
            return np.minimum(np.searchsorted(edges / edges[-1], uniform, side="right"), len(weights) - 1)
        scaled = uniform[..., None] * edges[..., -1:]
        return np.asarray(np.minimum((scaled >= edges).sum(axis=-1), weights.shape[-1] - 1), dtype=np.int64)


def repeated(counts: Integers) -> tuple[Integers, Integers]:
    """For counts per thing: position of the thing and running number of each of its events.

    ``repeated([2, 0, 1])`` is ``([0, 0, 2], [0, 1, 0])``.
    """
    counts = np.asarray(counts).ravel()
    positions = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return positions, np.arange(len(positions)) - starts[positions]


def _as_bits(key: Any) -> npt.NDArray[np.uint64]:
    array = np.asarray(key)
    if array.dtype.kind == "M":
        array = array.astype("datetime64[D]").astype(np.int64)
    return (
        array.astype(np.int64).view(np.uint64) if array.ndim else np.asarray([array.astype(np.int64)]).view(np.uint64)
    )


def _mix(state: Any) -> Any:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))
