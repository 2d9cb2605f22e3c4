"""Numbers with check characters: identity numbers (GB 11643) and unified social credit codes (GB 32100)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from demo_city.chance import Chance

Texts = npt.NDArray[np.object_]

REGION = "990100"
"""The city's own code. No division of China begins with 99, so no number that carries it can be anybody's."""
_CREDIT = np.array(list("0123456789ABCDEFGHJKLMNPQRTUWXY"))
_CREDIT_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
_BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_PERSON_WEIGHTS = np.array([pow(2, 17 - place, 11) for place in range(17)])
_PERSON_CHECKS = np.array(list("10X98765432"))


def identity_number(
    chance: Chance, stream: str, *keys: Any, region: Any = REGION, born_on: Any = None, is_male: Any = None
) -> Texts:
    """Identity numbers of 18 places with the right check character, of a region that does not exist.

    Args:
        chance, stream, keys: as everywhere.
        region: six digits beginning with 99, one or one for each.
        born_on: days of birth (``datetime64[D]``); without them people of 18 to 90 years.
        is_male: sex, in the last number's parity; drawn when not given.
    """
    number = chance.integers(0, 500, f"{stream}.number", *keys)
    male = chance.happens(0.5, f"{stream}.sex", *keys) if is_male is None else np.asarray(is_male)
    if born_on is None:
        born_on = np.datetime64("1936-01-01") + chance.integers(0, 26_298, f"{stream}.born", *keys)
    days, regions, number, male = np.broadcast_arrays(
        np.asarray(born_on, dtype="datetime64[D]"), np.asarray(region, dtype="U6"), number, male
    )
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    body = (regions.astype(np.int64) * 10**8 + year * 10_000 + month * 100 + day) * 1000 + number * 2 + male
    return _joined(np.column_stack([_places(body.ravel(), 17), identity_check(_digits(body.ravel(), 17))]))


def identity_check(digits: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Check characters (GB 11643, ISO 7064 MOD 11-2) of rows of 17 digits."""
    return np.asarray(_PERSON_CHECKS[digits @ _PERSON_WEIGHTS % 11])


def uscc(chance: Chance, stream: str, *keys: Any, region: Any = REGION, is_household: Any = False) -> Texts:
    """Unified social credit codes of 18 places, both check characters right, of a region that does not exist.

    Args:
        chance, stream, keys: as everywhere.
        region: six digits beginning with 99, one or one for each.
        is_household: a household's business (92…), not a company's (91…).
    """
    number = chance.integers(0, 31**8, stream, *keys)
    number, regions, household = np.broadcast_arrays(number, np.asarray(region, dtype="U6"), np.asarray(is_household))
    body = (number.ravel()[:, None] // 31 ** np.arange(7, -1, -1)) % 31
    letter = np.where(body < 10, body, np.array([ord(c) - 55 for c in _CREDIT])[body])
    body_check = (11 - letter @ _BODY_WEIGHTS % 11) % 11
    head = np.where(household.ravel(), 92, 91) * 10**6 + regions.ravel().astype(np.int64)
    body_places = np.column_stack([_CREDIT[body], np.array(list("0123456789X"))[body_check]])
    places = np.column_stack([_places(head, 8), body_places])
    return _joined(np.column_stack([places, uscc_check(places)]))


def uscc_check(places: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Check characters (GB 32100) of rows of 17 characters."""
    value = np.searchsorted(_CREDIT, places)
    return np.asarray(_CREDIT[(31 - value @ _CREDIT_WEIGHTS % 31) % 31])


def _digits(numbers: npt.NDArray[np.int64], places_n: int) -> npt.NDArray[np.int64]:
    return np.asarray((numbers[:, None] // 10 ** np.arange(places_n - 1, -1, -1, dtype=np.int64)) % 10)


def _places(numbers: npt.NDArray[np.int64], places_n: int) -> npt.NDArray[Any]:
    return np.array(list("0123456789"))[_digits(numbers, places_n)]


def _joined(places: npt.NDArray[Any]) -> Texts:
    return np.ascontiguousarray(places).view(f"U{places.shape[1]}").ravel().astype(object)
