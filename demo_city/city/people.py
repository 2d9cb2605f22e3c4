"""People who do not exist: names from a short list, telephones of unassigned ranges, number plates of no province."""

from __future__ import annotations

from typing import Any

import numpy as np

from demo_city.chance import Chance
from demo_city.city.codes import Texts, identity_number

__all__ = ["GIVEN", "SURNAMES", "identity_number", "person_name", "phone", "plate"]

SURNAMES = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
)
GIVEN = tuple(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志海云峰雪梅琳晨宇浩婷欣怡佳子轩雨桐思远文博嘉豪春燕永福德贵庆祥"
)
_SURNAME_WEIGHTS = 1 / (np.arange(len(SURNAMES)) + 4.0)


def person_name(chance: Chance, stream: str, *keys: Any) -> Texts:
    """Names of two or three characters."""
    surname = np.array(SURNAMES, dtype=object)[chance.choose(_SURNAME_WEIGHTS, f"{stream}.surname", *keys)]
    given = np.array(GIVEN, dtype=object)
    first = given[chance.integers(0, len(GIVEN), f"{stream}.first", *keys)]
    second = given[chance.integers(0, len(GIVEN), f"{stream}.second", *keys)]
    second = np.where(chance.happens(0.28, f"{stream}.short", *keys), "", second)
    return np.asarray(surname + first + second, dtype=object)


def phone(chance: Chance, stream: str, *keys: Any) -> Texts:
    """Eleven digits like a mobile telephone's, beginning with 100–109 or 120–129: no network has them."""
    head = chance.integers(0, 20, f"{stream}.head", *keys)
    head = np.where(head < 10, 100 + head, 110 + head)
    number = head * 10**8 + chance.integers(0, 10**8, f"{stream}.tail", *keys)
    return np.asarray(number.astype("U11"), dtype=object)


def plate(chance: Chance, stream: str, *keys: Any) -> Texts:
    """Number plates such as ``澜A3K725``; no province is called 澜."""
    letters = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ"), dtype=object)
    signs = np.array(list("0123456789" * 6 + "ABCDEFGHJKLMNPQRSTUVWXYZ"), dtype=object)
    made = "澜" + letters[chance.choose([50, 9, 8, 7, 6, 5, 4, 3], f"{stream}.office", *keys)]
    for place in range(5):
        made = made + signs[chance.integers(0, len(signs), f"{stream}.{place}", *keys)]
    return np.asarray(made, dtype=object)
