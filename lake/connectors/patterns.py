"""Names of files by the day: from a day to the names it may have, and from a name back to its day."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter
from typing import Literal

_DIRECTIVES = {
    "Y": r"\d{4}", "m": r"\d{2}", "d": r"\d{2}", "y": r"\d{2}", "j": r"\d{3}",
    "b": r"[^\W\d_]+\.?", "B": r"[^\W\d_]+", "a": r"[^\W\d_]+\.?", "A": r"[^\W\d_]+",
    "G": r"\d{4}", "V": r"\d{2}", "u": r"\d", "w": r"\d", "U": r"\d{2}", "W": r"\d{2}",
    "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}",
}  # fmt: skip
"""What a day can be written with, as `strftime` names it, and what each looks like."""

_SHORT = {"F": "%Y-%m-%d"}
_DIRECTIVE = re.compile(r"%(-?)([A-Za-z%])|%")


@dataclass(frozen=True)
class _Token:
    """A piece of a pattern: text as it stands, a directive of `strftime`, or a wildcard."""

    kind: Literal["text", "day", "any", "one"]
    text: str = ""


@dataclass(frozen=True)
class Part:
    """What one part of a path may be for a day.

    Attributes:
        text: the name itself where there is no wildcard in it, else what stands before the first one.
        names: what the whole name must match, NFC; None where `text` is the name.
    """

    text: str
    names: re.Pattern[str] | None

    def matches(self, name: str) -> bool:
        """Whether a name is one of these. A hidden file is not meant by a wildcard, as in every shell."""
        plain = unicodedata.normalize("NFC", name)
        if self.names is None:
            return plain == self.text
        return self.names.fullmatch(plain) is not None and (self.text != "" or not plain.startswith("."))


class DayPattern:
    """A path, most often with a day in it: ``{day:<strftime>}``; ``*`` and ``?`` stand for what is not known before.

    ``*`` is any number of characters and ``?`` is one, neither of them a ``/``. Names are compared in NFC: file
    systems of departments differ in how they spell an accent or a kana.

    Raises:
        ValueError: in words for the contract's author.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        parts: list[list[_Token]] = [[]]
        for token in _tokens(pattern):
            if token.kind == "text" and token.text == "/":
                parts.append([])
            else:
                parts[-1].append(token)
        for part in parts:
            if not part or "".join(token.text or "*" for token in part) in (".", ".."):
                raise ValueError("leaves its folder, or has an empty part")
        self._parts = parts

    @property
    def names_day(self) -> bool:
        """Whether a day is in it. Where none is, one name is written over with every delivery."""
        return any(token.kind == "day" for part in self._parts for token in part)

    @property
    def has_wildcard(self) -> bool:
        """Whether a day may have several files."""
        return any(token.kind in ("any", "one") for part in self._parts for token in part)

    @property
    def depth(self) -> int:
        """Number of its parts; 1 = the file lies in the folder itself."""
        return len(self._parts)

    def parts(self, day: date) -> tuple[Part, ...]:
        """What each part of the path may be for a day."""
        return tuple(_part(part, day) for part in self._parts)

    def path(self, day: date) -> str:
        """The path for a day, its wildcards as they stand."""
        return "/".join("".join(_text(token, day) for token in part) for part in self._parts)

    def read(self, level: int, name: str) -> dict[str, str] | None:
        """What the name of a part at a level (from 0) says about the day, by directive; None where it does not fit."""
        seen: set[str] = set()
        looks = "".join(_looks(token, seen) for token in self._parts[level])
        plain = unicodedata.normalize("NFC", name)
        found = re.fullmatch(looks, plain)
        if found is None or (plain.startswith(".") and self._parts[level][0].kind in ("any", "one")):
            return None
        return found.groupdict()


def day_of(said: dict[str, str]) -> date | None:
    """The day that directives name (the first of the month, of the year, where they say no more); None for none."""
    known = dict(said)
    if "G" in known or "V" in known:
        if {"G", "V"} <= known.keys() and not known.keys() & {"u", "w", "a", "A"}:
            known["u"] = "1"
    elif known.keys() & {"U", "W"} and not known.keys() & {"u", "w", "a", "A"}:
        known["w"] = "1"
    try:
        return datetime.strptime("|".join(known.values()), "|".join(f"%{name}" for name in known)).date()
    except ValueError:
        return None


def _tokens(pattern: str) -> list[_Token]:
    try:
        fields = list(Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(f"not a pattern: {error}") from None
    tokens: list[_Token] = []
    for text, name, spec, conversion in fields:
        tokens += _plain(text)
        if name is None:
            continue
        if name != "day" or not spec or "%" not in spec or "{" in spec or conversion:
            raise ValueError("may hold nothing but {day:<strftime format>}")
        tokens += _of_day(spec)
    return tokens


def _of_day(spec: str) -> list[_Token]:
    for short, long in _SHORT.items():
        spec = spec.replace(f"%{short}", long)
    tokens, at = [], 0
    for found in _DIRECTIVE.finditer(spec):
        tokens += _plain(spec[at : found.start()])
        at = found.end()
        if found[2] == "%":
            tokens += _plain("%")
        elif found[2] in _DIRECTIVES:
            tokens.append(_Token("day", found[1] + found[2]))
        else:
            raise ValueError(f"{found[0]} says nothing about a day; use %Y, %m, %d and their like")
    return tokens + _plain(spec[at:])


def _plain(text: str) -> list[_Token]:
    wild: dict[str, Literal["any", "one"]] = {"*": "any", "?": "one"}
    return [_Token(wild[sign]) if sign in wild else _Token("text", sign) for sign in text]


def _part(tokens: list[_Token], day: date) -> Part:
    first = next((at for at, token in enumerate(tokens) if token.kind in ("any", "one")), None)
    text = unicodedata.normalize("NFC", "".join(_text(token, day) for token in tokens[:first]))
    if first is None:
        return Part(text, None)
    rest = "".join(
        ".*" if token.kind == "any" else "." if token.kind == "one" else re.escape(_text(token, day))
        for token in tokens[first:]
    )
    return Part(text, re.compile(re.escape(text) + unicodedata.normalize("NFC", rest), re.DOTALL))


def _text(token: _Token, day: date) -> str:
    if token.kind == "day":
        return f"{day:%{token.text}}"
    return {"any": "*", "one": "?"}.get(token.kind, token.text)


def _looks(token: _Token, seen: set[str]) -> str:
    if token.kind == "text":
        return re.escape(unicodedata.normalize("NFC", token.text))
    if token.kind in ("any", "one"):
        return ".*" if token.kind == "any" else "."
    name = token.text.lstrip("-")
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return rf"(?P<{name}>\d{{1,3}})" if token.text.startswith("-") else f"(?P<{name}>{_DIRECTIVES[name]})"
