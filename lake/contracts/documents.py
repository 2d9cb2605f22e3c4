"""YAML files that know their lines, held against published models that refuse what they do not know."""

from __future__ import annotations

import datetime
import difflib
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

Location = tuple[str | int, ...]
"""Keys and positions from the top of a document down to a value."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing wrong in a file somebody wrote.

    Attributes:
        file: path from the project's root.
        line: counted from 1.
        message: what is wrong.
        remedy: what to write instead.
    """

    file: str
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}. Remedy: {self.remedy}."


class Page:
    """A file under examination: its document, the lines of it, and the mistakes found so far."""

    def __init__(self, file: str, document: Any = None) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.document = document

    @classmethod
    def read(cls, file: str, data: bytes) -> Page:
        """Parse a YAML file; where it is none, the document is None and the mistake is noted."""
        document, wrong = _parse(data)
        page = cls(file, document)
        if wrong:
            page.wrong(*wrong)
        return page

    def wrong(self, line: int, message: str, remedy: str) -> None:
        """Note a mistake, once."""
        mistake = Mistake(self.file, line, message, remedy)
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)

    def line(self, location: Iterable[str | int]) -> int:
        """Line of a value; of the nearest thing around it when the value is not there."""
        node: Any = self.document
        line = 1
        for step in location:
            try:
                position = (node.lc.item if isinstance(step, int) else node.lc.key)(step)
                node = node[step]
            except (AttributeError, KeyError, IndexError, TypeError):
                continue  # pydantic also names the member of a union it tried; that is no place in the file
            line = position[0] + 1
        return line

    def plain(self) -> Any:
        """The document in nothing but JSON's types; dates as ISO text."""
        return _plain(self.document)


@lru_cache(maxsize=1024)
def _parse(data: bytes) -> tuple[Any, tuple[int, str, str] | None]:
    """The document, or what is wrong with the file. Parsing is nearly all of the work; nobody changes a document.

    A city has more files than one thinks: what falls out of memory is parsed twice by every reading.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = YAML(typ="rt").load(data.decode())
    except UnicodeDecodeError as error:
        return None, (data.count(b"\n", 0, error.start) + 1, "not UTF-8", "save the file as UTF-8")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, (mark.line + 1 if mark else 1, f"not YAML: {error.problem}", "correct the YAML")
    except YAMLError as error:
        return None, (1, f"not YAML: {type(error).__name__}", "correct the YAML")
    if not isinstance(document, Mapping):
        return None, (1, "the file holds no properties", "write one document of `key: value` lines")
    return document, None


def hold_against(page: Page, model: type[BaseModel]) -> None:
    """Note every key the model does not know and every value of another type.

    The published models let unknown keys pass below the top, so the keys are walked here beside the models.
    """
    from pydantic import ValidationError

    for location, key, known in _unknown_keys(model, page.document, ()):
        near = difflib.get_close_matches(str(key), known, n=1)
        remedy = f"write {near[0]!r}" if near else "remove it; own properties go under `customProperties`"
        page.wrong(page.line((*location, key)), f"unknown key {key!r}{_within(location)}", remedy)
    try:
        model.model_validate_json(json.dumps(page.plain()), strict=True)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            if problem["type"] == "extra_forbidden":
                continue  # noted above, with the near match
            location = _there(page.document, problem["loc"])
            name = next((step for step in reversed(location) if isinstance(step, str)), "the document")
            page.wrong(page.line(location), f"{name!r} has the wrong type: {problem['msg']}", "write the type it says")


def nearest(word: str, known: Iterable[str]) -> str:
    """Remedy for a word that is none of the known: the near one, else all."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    return f"write {near[0]!r}" if near else f"write one of {', '.join(choices)}"


def _unknown_keys(
    model: type[BaseModel], node: Any, location: Location
) -> Iterator[tuple[Location, str | int, list[str]]]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for key, value in node.items() if isinstance(node, Mapping) else ():
        if key in fields:
            yield from _unknown_within(fields[key].annotation, value, (*location, key))
        else:
            yield location, key, list(fields)


def _unknown_within(annotation: Any, node: Any, location: Location) -> Iterator[tuple[Location, str | int, list[str]]]:
    """Follow the branch of the annotation that has the shape of the node; `dict` and `Any` take every key."""
    from pydantic import BaseModel

    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _unknown_within(member, node, location)
    elif typing.get_origin(annotation) is list and isinstance(node, list):
        for position, item in enumerate(node):
            yield from _unknown_within(typing.get_args(annotation)[0], item, (*location, position))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(node, Mapping):
        yield from _unknown_keys(annotation, node, location)


def _there(document: Any, location: Location) -> Location:
    """The steps of a location that exist in the document."""
    steps: list[str | int] = []
    node = document
    for step in location:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            continue
        steps.append(step)
    return tuple(steps)


def _within(location: Location) -> str:
    names = [str(step) for step in location if isinstance(step, str)]
    return f" in {names[-1]!r}" if names else ""


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):  # ruamel's own number and string classes become Python's
        if isinstance(node, kind):
            return kind(node)
    if isinstance(node, datetime.datetime | datetime.date):
        return datetime.date(node.year, node.month, node.day).isoformat() if type(node) is datetime.date else str(node)
    return str(node)
