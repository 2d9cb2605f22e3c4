"""The language of a brief's sentences: literal text and slots, so small that what the literals hold can be proved.

    {name}  {name:argument}  {name:argument argument}     what a slot function returns
    {?name:argument}…{/}                                  only where the slot has something to say
    {*ranking}…{.field}…{|}between{/}                     once per entry

A slot that returns None makes the whole text None: a clause without its number is not written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lake.errors import ContractError

Text = str | None
SlotFunction = Callable[..., Text]
Entry = Mapping[str, str]

_TOKEN = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"^([a-z_]+)(?::([A-Za-z0-9_]+(?: [A-Za-z0-9_]+)*))?$")


@dataclass(frozen=True)
class Literal:
    """Text that stands in the template itself; the only thing the lint must look at."""

    text: str


@dataclass(frozen=True)
class Slot:
    """A call of a slot function, or a field of the entry at hand (name ``.field``)."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class When:
    """A part written only where the slot has something to say."""

    slot: Slot
    body: tuple[Node, ...]


@dataclass(frozen=True)
class Each:
    """A part written once per entry of a ranking."""

    ranking: str
    body: tuple[Node, ...]
    between: tuple[Node, ...]


Node = Literal | Slot | When | Each


def parse(text: str) -> tuple[Node, ...]:
    """Read a template.

    Raises:
        ContractError: a brace, a slot or an end that does not fit.
    """
    tokens = _tokens(text)
    nodes, end = _parse_until(tokens, text)
    if end:
        raise _wrong(text, f"{{{end}}} closes nothing")
    return nodes


def render(nodes: Sequence[Node], slots: Mapping[str, SlotFunction], entries: Callable[[str], Sequence[Entry]]) -> Text:
    """Fill a template.

    Args:
        nodes: as `parse` made them.
        slots: function by slot name; called with the slot's arguments.
        entries: the entries of a ranking by its id.
    """
    return _render(nodes, slots, entries, {})


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node, depth first."""
    for node in nodes:
        yield node
        if isinstance(node, When):
            yield node.slot
            yield from walk(node.body)
        elif isinstance(node, Each):
            yield from walk(node.body)
            yield from walk(node.between)


def call(expression: str, slots: Mapping[str, SlotFunction]) -> Text:
    """Call one slot by its expression, ``name`` or ``name:argument``."""
    slot = _slot(expression, expression)
    return _call(slot, slots, {})


def _render(
    nodes: Sequence[Node],
    slots: Mapping[str, SlotFunction],
    entries: Callable[[str], Sequence[Entry]],
    entry: Entry,
) -> Text:
    parts: list[str] = []
    for node in nodes:
        part: Text
        if isinstance(node, Literal):
            part = node.text
        elif isinstance(node, Slot):
            part = _call(node, slots, entry)
        elif isinstance(node, When):
            part = _render(node.body, slots, entries, entry) if _call(node.slot, slots, entry) else ""
        else:
            written = [_render(node.body, slots, entries, each) for each in entries(node.ranking)]
            between = _render(node.between, slots, entries, entry)
            part = None if not written or between is None else between.join(text for text in written if text)
        if part is None:
            return None
        parts.append(part)
    return "".join(parts)


def _call(slot: Slot, slots: Mapping[str, SlotFunction], entry: Entry) -> Text:
    if slot.name.startswith("."):
        return entry.get(slot.name[1:])
    if slot.name not in slots:
        raise ContractError(f"a template calls an unknown slot {slot.name!r}", remedy="see lake.briefs.slots")
    return slots[slot.name](*slot.arguments)


def _tokens(text: str) -> list[tuple[bool, str]]:
    tokens: list[tuple[bool, str]] = []
    position = 0
    for match in _TOKEN.finditer(text):
        if match.start() > position:
            tokens.append((False, text[position : match.start()]))
        tokens.append((True, match.group(1)))
        position = match.end()
    if position < len(text):
        tokens.append((False, text[position:]))
    tokens.reverse()
    return tokens


def _parse_until(tokens: list[tuple[bool, str]], text: str) -> tuple[tuple[Node, ...], str]:
    nodes: list[Node] = []
    while tokens:
        is_slot, token = tokens.pop()
        if not is_slot:
            if "{" in token or "}" in token:
                raise _wrong(text, "a brace stands alone")
            nodes.append(Literal(token))
        elif token in ("/", "|"):
            return tuple(nodes), token
        elif token.startswith("?"):
            slot = _slot(token[1:], text)
            body, end = _parse_until(tokens, text)
            if end != "/":
                raise _wrong(text, f"{{{token}}} is not closed")
            nodes.append(When(slot, body))
        elif token.startswith("*"):
            body, end = _parse_until(tokens, text)
            between: tuple[Node, ...] = ()
            if end == "|":
                between, end = _parse_until(tokens, text)
            if end != "/":
                raise _wrong(text, f"{{{token}}} is not closed")
            nodes.append(Each(_slot(token[1:], text).name, body, between))
        else:
            nodes.append(_slot(token, text))
    return tuple(nodes), ""


def _slot(token: str, text: str) -> Slot:
    if token.startswith(".") and _SLOT.match(token[1:]):
        return Slot(token, ())
    match = _SLOT.match(token)
    if match is None:
        raise _wrong(text, f"{{{token}}} is not a slot")
    return Slot(match.group(1), tuple((match.group(2) or "").split()))


def _wrong(text: str, cause: str) -> ContractError:
    return ContractError(f"template {text!r}: {cause}", remedy="see lake.briefs.template for the language")
