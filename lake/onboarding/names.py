"""Names, titles and units of columns, from the headers departments write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lake.errors import ContractError

_TERMS = Path(__file__).with_name("terms.yaml")
_HAN = re.compile(r"[\u3400-\u9fff]")
_UNIT = re.compile(r"^(?P<name>.*?)\s*[((\[【](?P<unit>[^()()\[\]【】]{1,16})[))\]】]\s*$")


def word_set(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(" ".join(lines).split())


_UNITS = word_set(
    "° °c ℃ °f k % ‰ m mm cm km ft mi km² km2 m² m2 ha 亩 平方米 平方公里 公顷 m³ m3 立方米 l ml 升 吨 万吨 t kg g mg",
    "公斤 千克 µg/m³ μg/m³ ug/m3 μg/m3 µg/m3 mg/m³ mg/m3 mg/l ppm ppb km/h m/s m³/s m3/s hpa kpa pa mpa v kv a kw mw",
    "kwh 千瓦时 度 w/m² db db(a) 分贝 元 万元 亿元 千元 usd cny 人 万人 户 次 件 个 辆 s sec min h hr d 天 小时 分钟",
    "秒 月 年 mm/h lux deg bpm",
)
_RESERVED = frozenset(
    {"ds", "order", "group", "select", "from", "table", "user", "end", "case", "when", "desc", "limit"}
)
"""A lake name may not be ds; the others are words of SQL that every query would have to quote."""


@dataclass(frozen=True)
class Named:
    """What a header says.

    Attributes:
        name: proposed lake name, unique in its dataset.
        source_name: as delivered.
        title_zh: Chinese title; the header itself where there is none.
        unit: unit in the header, or None.
        is_sure: False where the name is a number or part of the header was not understood.
        is_titled: whether the title is Chinese.
    """

    name: str
    source_name: str
    title_zh: str
    unit: str | None
    is_sure: bool
    is_titled: bool


def name_columns(headers: Sequence[str], comments: Mapping[str, str], terms: Mapping[str, str]) -> list[Named]:
    """A lake name for each header.

    Args:
        headers: as delivered, in order.
        comments: header → what the source says about it; a Chinese comment is its title.
        terms: Chinese term → English name.
    """
    titles = {english: chinese for chinese, english in reversed(list(terms.items()))}
    found: list[Named] = []
    taken: set[str] = set()
    for number, header in enumerate(headers, start=1):
        bare, unit = split_unit(header)
        name, is_sure = english_name(bare, terms)
        if not name:
            name, is_sure = f"c{number:02}", False
        if name in _RESERVED:
            name = f"{name}_value"
        unique, again = name, 2
        while unique in taken:
            unique, again = f"{name}_{again}", again + 1
        taken.add(unique)
        comment = comments.get(header, "").strip()
        title = next((text for text in (comment, bare) if _HAN.search(text)), titles.get(name, ""))
        found.append(
            Named(unique, header, title or comment or header.strip() or unique, unit, is_sure, bool(_HAN.search(title)))
        )
    return found


def english_name(header: str, terms: Mapping[str, str]) -> tuple[str, bool]:
    """snake_case for a header, and whether all of it was understood. '' when nothing was."""
    text = header.strip()
    if not _HAN.search(text):
        name = _snake(text)
        return (f"c_{name}" if name[:1].isdigit() else name), bool(name)
    words: list[str] = []
    unknown = False
    while text:
        term = next((text[:end] for end in range(len(text), 0, -1) if text[:end] in terms), None)
        if term is not None:
            words.append(terms[term])
            text = text[len(term) :]
        elif latin := re.match(r"[A-Za-z0-9.]+", text):
            words.append(_snake(latin[0]))
            text = text[latin.end() :]
        else:
            unknown |= bool(_HAN.match(text))
            text = text[1:]
    if unknown:
        return "", False
    name = "_".join(word for word in words if word)
    return (f"c_{name}" if name[:1].isdigit() else name), bool(name)


def split_unit(header: str) -> tuple[str, str | None]:
    """A header without the unit in brackets at its end, and the unit."""
    found = _UNIT.match(header)
    if found and found["name"].strip() and found["unit"].strip().lower() in _UNITS:
        return found["name"].strip(), found["unit"].strip()
    return header, None


def load_terms(root: Path) -> dict[str, str]:
    """The seed dictionary with the project's own ``contracts/terms.yaml`` before it.

    Raises:
        ContractError: the project's file is no mapping of texts.
    """
    path = root / "contracts" / "terms.yaml"
    own = _read_terms(path) if path.is_file() else {}
    return own | {term: name for term, name in _seed().items() if term not in own}


@cache
def _seed() -> dict[str, str]:
    return _read_terms(_TERMS)


def _read_terms(path: Path) -> dict[str, str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except YAMLError:
        document = None
    if not isinstance(document, dict) or not all(re.fullmatch(r"[a-z][a-z0-9_]*", str(n)) for n in document.values()):
        raise ContractError(f"{path.name} is no list of `term: english_name` lines", remedy="correct the YAML")
    return {str(term): str(name) for term, name in document.items()}


def _snake(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


def with_words(names: Iterable[str], words: Iterable[str]) -> list[str]:
    """The names that have one of the words between their underscores."""
    wanted = set(words)
    return [name for name in names if wanted & set(name.split("_"))]
