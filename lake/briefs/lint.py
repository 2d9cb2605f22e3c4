"""Proof that a template says nothing of its own: no digit, no direction, no cause stands in its literal text.

A brief is read as if someone had looked: "环比上升" typed into a template is a lie on every second day. So whatever
counts, compares or explains comes from a slot, and this lint looks at the only text that does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lake.briefs.definition import Definition, definitions
from lake.briefs.slots import SLOT_ARGUMENTS
from lake.briefs.template import Each, Literal, Node, Slot, parse, walk
from lake.errors import ContractError

_DIRECTION = re.compile(
    "[升降增减涨跌高低攀骤]|持平|超过|多于|少于|上行|下行|上扬|下滑|扩大|缩小|收窄|好转|恶化|改善|加剧|缓解|翻番|反弹|优于|劣于|领先|落后"
)
_CAUSE = re.compile("因|由于|导致|致使|造成|引发|引起|所致|源于|缘于|归咎|使得|促使|带来|影响|得益|缘由|诱发")
_NUMBER_WORDS_IN = re.compile("[两半几倍]|数[十百千万]|成[以之]|[大多]半")
_TERMS = re.compile("降水|最高气温|最低气温|升级诉求|加减|同一")
"""Names of things that hold such a sign and say nothing about a figure."""
_TITLE_SLOTS = {"t": ("threshold",), "role": ("role",), "k": ()}
_TITLE = re.compile(r"^(title|window_word|notes\..*|(figures|series|rankings|awaited)\..*)$")


@dataclass(frozen=True)
class Finding:
    """A place where a template says something of its own.

    Attributes:
        file: the definition's file.
        where: which text of it, such as ``sections.cases.paragraphs.0.1``.
        kind: ``number``, ``direction``, ``cause``, ``slot`` or ``syntax``.
        text: the offending piece.
    """

    file: Path
    where: str
    kind: str
    text: str


def lint(briefs: Path) -> list[Finding]:
    """Look at every template of every definition under a ``briefs/`` folder.

    Raises:
        ContractError: a definition cannot be read at all.
    """
    return [finding for definition in definitions(briefs) for finding in lint_definition(definition)]


def lint_definition(definition: Definition) -> list[Finding]:
    """Findings of one definition."""
    findings: list[Finding] = []
    for where, text in definition.templates():
        try:
            nodes = parse(text)
        except ContractError as error:
            findings.append(Finding(definition.path, where, "syntax", error.cause))
            continue
        findings += [Finding(definition.path, where, kind, piece) for kind, piece in lint_nodes(nodes)]
        known = _TITLE_SLOTS if _TITLE.match(where) else SLOT_ARGUMENTS
        findings += [Finding(definition.path, where, "slot", piece) for piece in _unknown(nodes, definition, known)]
    return findings


def lint_nodes(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """What the literal text of a template says of its own, as (kind, piece)."""
    found: list[tuple[str, str]] = []
    for node in walk(nodes):
        if isinstance(node, Literal):
            text = _TERMS.sub("　", node.text)
            found += [("number", sign) for sign in text if sign.isnumeric()]
            found += [("number", match.group()) for match in _NUMBER_WORDS_IN.finditer(text)]
            found += [("direction", match.group()) for match in _DIRECTION.finditer(text)]
            found += [("cause", match.group()) for match in _CAUSE.finditer(text)]
    return found


def _unknown(nodes: Sequence[Node], definition: Definition, known: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Slots that do not exist, and arguments that name nothing in the definition."""
    names = definition.names()
    wrong: list[str] = []
    for node in walk(nodes):
        if isinstance(node, Each) and node.ranking not in names["ranking"]:
            wrong.append(node.ranking)
        if not isinstance(node, Slot) or node.name.startswith("."):
            continue
        kinds = known.get(node.name)
        if kinds is None or len(kinds) != len(node.arguments):
            wrong.append(node.name)
            continue
        wrong += [
            f"{node.name}:{argument}"
            for kind, argument in zip(kinds, node.arguments, strict=True)
            if kind in names and argument not in names[kind]
        ]
    return wrong
