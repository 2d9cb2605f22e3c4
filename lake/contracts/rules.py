"""What makes sense in a contract beyond its shape: within one version, and from version to version.

A rule yields (place, message, remedy); places are the names of `Draft.places`. It runs only when nothing it needs is
doubtful, so one mistake is told once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

from lake.contracts.draft import Draft, version_number
from lake.contracts.model import Column, Contract, Mode, Treatment, Withdrawal

Finding = tuple[str, str, str]
Rule = Callable[[Contract], Iterator[Finding]]

DATABASES = frozenset({"database", "postgres", "mysql", "sql_database"})
"""Connectors whose sources answer queries, so that only a cursor can say what changed."""

ENCODINGS = ("utf-8", "gb18030", "latin-1")
"""Names the readers of text files know. GBK and GB2312 are parts of GB18030."""

RESERVED_PURPOSES = frozenset({"digest"})
"""Keys that are not for columns: `digest` keys the content digest of rows."""

LARGEST_FIELD_ID = 1000
"""Field ids above belong to the technical columns."""

_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_TYPE = re.compile(r"VARCHAR|BIGINT|INTEGER|BOOLEAN|DATE|TIMESTAMPTZ|DOUBLE|DECIMAL\((\d+),(\d+)\)")
_LOGICAL = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamp",
    "DOUBLE": "number",
    "DECIMAL": "number",
}
_TECHNICAL = frozenset({"ds"})
_PERSONAL = re.compile(
    r"(?:sur|fore)?name|phones?|telephone|tel|mobile|cell|fax|email|mail|wechat|address|addr|street|idcard|ssn|passport"
    r"|licen[cs]e|plate|birth|birthday|dob|contact|caller|person|owner|applicant|account"
)
_PERSONAL_PAIRS = ("id_card", "id_no", "id_number", "bank_card")
_PERSONAL_ZH = re.compile("姓名|名称|电话|手机|联系|邮箱|微信|地址|住址|身份证|证件|证号|车牌|生日|出生|银行卡|账号")

_rules: list[tuple[frozenset[str], Rule]] = []


def _rule(*needs: str) -> Callable[[Rule], Rule]:
    def keep(rule: Rule) -> Rule:
        _rules.append((frozenset(needs), rule))
        return rule

    return keep


def findings(draft: Draft) -> Iterator[Finding]:
    """Everything one version says that makes no sense."""
    for needs, rule in _rules:
        if not needs & draft.doubtful:
            yield from rule(draft.contract)
    yield from _keys_stated(draft)
    yield from _logical_types(draft)
    yield from _personal_columns(draft)


def findings_across(drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Finding]]:
    """What does not follow from one version of a dataset to the next.

    Args:
        drafts: all versions of one dataset, the file ``<dataset>.yaml`` last and the ``@`` files by version before it.
    """
    current = drafts[-1]
    if len(drafts) == 1 and version_number(current.contract.version) > (1, 0, 0):
        yield (
            current,
            (
                "version",
                f"version {current.contract.version} has no predecessor beside it",
                f"keep the version before it as {current.contract.name}@<version>.yaml; a new contract begins at 1.0.0",
            ),
        )
    for before, after in pairwise(drafts):
        yield from ((after, finding) for finding in _succession(before, after))
    named: dict[int, Column] = {}
    there_before: set[int] = set()
    for version in drafts:
        for column in version.contract.columns:
            yield from ((version, finding) for finding in _same_field(named.get(column.field_id), column))
            if column.field_id in named and column.field_id not in there_before:
                yield (
                    version,
                    (
                        f"column:{column.name}.fieldId",
                        f"field id {column.field_id} was dropped by an earlier version",
                        "give the column a field id that no version has used: old values must not come back",
                    ),
                )
        there_before = {column.field_id for column in version.contract.columns}
        named |= {column.field_id: column for column in version.contract.columns if column.field_id}


def _succession(before: Draft, after: Draft) -> Iterator[Finding]:
    old, new = before.contract, after.contract
    if not {"version"} & (before.doubtful | after.doubtful) and version_number(new.version) <= version_number(
        old.version
    ):
        yield (
            "version",
            f"version {new.version} does not come after {old.version}, which lies beside it",
            "raise the version; one that exists is never written anew",
        )
    if not {"validFrom"} & (before.doubtful | after.doubtful) and new.valid_from <= old.valid_from:
        yield (
            "validFrom",
            f"valid from {new.valid_from}, but version {old.version} from {old.valid_from}",
            "let a later version begin on a later day",
        )


def _same_field(before: Column | None, after: Column) -> Iterator[Finding]:
    """A field id is one column for ever: otherwise values of the old one come back under the new one."""
    if before is None:
        return
    place = f"column:{after.name}.fieldId"
    remedy = "give the column a field id that no version has used"
    if before.name != after.name:
        yield place, f"field id {after.field_id} was column {before.name!r} in an earlier version", remedy
    elif before.treatment is not after.treatment and Treatment.DROP not in (before.treatment, after.treatment):
        yield place, f"column {after.name!r} changed its treatment under field id {after.field_id}", remedy
    elif not widens(before.lake_type, after.lake_type):
        yield place, f"column {after.name!r} changed from {before.lake_type} to {after.lake_type}", remedy


def widens(before: str, after: str) -> bool:
    """Whether files of the one type are read right as the other: Iceberg's promotions."""
    if before == after or (before, after) == ("INTEGER", "BIGINT"):
        return True
    old, new = _TYPE.fullmatch(before), _TYPE.fullmatch(after)
    if old and new and old[1] and new[1]:
        return old[2] == new[2] and int(new[1]) >= int(old[1])
    return not (old and new)  # an unknown type is told elsewhere


@_rule("mode", "columns", "types", "connector")
def _changes(contract: Contract) -> Iterator[Finding]:
    if contract.mode is not Mode.CHANGES:
        if contract.cursor:
            yield "cursor", f"mode {contract.mode} has no cursor", "remove `cursor`, or say mode changes"
        if contract.overlap:
            yield "overlap", f"mode {contract.mode} has no overlap", "remove `overlap`; mode day has `recaptureDays`"
        return
    if contract.cursor is None:
        if contract.source.connector in DATABASES:
            yield (
                "mode",
                "changes of a database need a cursor",
                "add `cursor` with the column that moves whenever a row does",
            )
        if contract.overlap:
            yield "overlap", "an overlap without a cursor reaches over nothing", "remove `overlap` or add `cursor`"
        return
    yield from _ordering_column(contract, "cursor", contract.cursor, ("DATE", "TIMESTAMPTZ"))


@_rule("mode", "columns", "types")
def _event_day(contract: Contract) -> Iterator[Finding]:
    if contract.mode is Mode.DAY:
        if contract.partition_column is None:
            yield (
                "mode",
                "mode day does not say which column gives the day",
                "add `partitionColumn` with a date or timestamp column",
            )
        else:
            yield from _ordering_column(contract, "partitionColumn", contract.partition_column, ("DATE", "TIMESTAMPTZ"))
        return
    if contract.partition_column is not None:
        yield (
            "partitionColumn",
            f"mode {contract.mode} is not partitioned by a column",
            "remove `partitionColumn`, or say mode day",
        )
    if contract.recapture_days:
        yield (
            "recaptureDays",
            f"mode {contract.mode} recaptures no days",
            "remove `recaptureDays`; mode changes has `overlap`",
        )


def _ordering_column(contract: Contract, place: str, name: str, types: tuple[str, ...]) -> Iterator[Finding]:
    column = next((column for column in contract.columns if column.name == name), None)
    if column is None:
        yield place, f"{place} {name!r} is not among the columns", "write the lake name of one of the columns"
        return
    if column.type not in types:
        yield place, f"{place} {name!r} is {column.type}", f"use a column of type {' or '.join(types)}"
    if column.treatment is not Treatment.KEEP:
        yield place, f"{place} {name!r} is not kept as it is", "use a column with treatment keep"
    if not column.required:
        yield place, f"{place} {name!r} may be missing", f"write `required: true` at column {name!r}"


@_rule("mode", "withdrawal")
def _withdrawal(contract: Contract) -> Iterator[Finding]:
    sensible = {
        Mode.CHANGES: (Withdrawal.TOMBSTONE, Withdrawal.KEY_COMPARISON, Withdrawal.UNSEEN),
        Mode.DAY: (Withdrawal.ABSENCE, Withdrawal.UNSEEN),
        Mode.SNAPSHOT: (Withdrawal.ABSENCE,),
    }[contract.mode]
    if contract.withdrawal not in sensible:
        yield (
            "withdrawal",
            f"mode {contract.mode} cannot see a withdrawal by {contract.withdrawal}",
            f"write {' or '.join(sensible)}",
        )


@_rule("withdrawal", "tombstone", "columns")
def _tombstone(contract: Contract) -> Iterator[Finding]:
    if contract.withdrawal is not Withdrawal.TOMBSTONE:
        if contract.tombstone:
            yield "tombstone", f"withdrawal {contract.withdrawal} has no mark", "remove `tombstone`, or say tombstone"
        return
    if contract.tombstone is None:
        yield (
            "withdrawal",
            "withdrawal tombstone does not say what marks a withdrawn record",
            "add `tombstone` with the `column` that has the mark and the `values` that mean withdrawn",
        )
        return
    column = next((column for column in contract.columns if column.name == contract.tombstone.column), None)
    if column is None:
        yield (
            "tombstone",
            f"column {contract.tombstone.column!r} is not among the columns",
            "write the lake name of one",
        )
    elif column.treatment is Treatment.HMAC:
        yield "tombstone", f"column {column.name!r} is hashed", "keep the column that has the mark, or drop it"


@_rule("withdrawal", "keyComparison")
def _key_comparison(contract: Contract) -> Iterator[Finding]:
    compares = contract.withdrawal is Withdrawal.KEY_COMPARISON
    if compares and contract.key_comparison is None:
        yield "withdrawal", "withdrawal key_comparison does not say how often", "add `keyComparison: weekly`"
    if compares and contract.key_comparison is not None:
        answers = not contract.is_by_file
        if answers == bool(contract.key_comparison.arguments):
            yield (
                "keyComparison",
                f"connector {contract.source.connector} "
                + ("answers for its keys itself" if answers else "needs a file with all keys"),
                "remove `arguments`" if answers else "add `arguments` with the `pattern` of that file",
            )
    if not compares and contract.key_comparison is not None:
        yield (
            "keyComparison",
            f"withdrawal {contract.withdrawal} compares no keys",
            "remove `keyComparison`, or say key_comparison",
        )


@_rule("zone")
def _zone(contract: Contract) -> Iterator[Finding]:
    try:
        ZoneInfo(contract.zone)
    except (KeyError, ValueError, OSError):
        yield (
            "zone",
            f"zone {contract.zone!r} is unknown",
            "write an IANA name such as Asia/Shanghai or America/New_York",
        )


@_rule("encoding", "delimiter", "quote")
def _text_files(contract: Contract) -> Iterator[Finding]:
    if contract.encoding not in ENCODINGS:
        yield (
            "encoding",
            f"encoding {contract.encoding!r} is unknown",
            f"write one of {', '.join(ENCODINGS)}; GBK and GB2312 are read as gb18030",
        )
    if len(contract.delimiter) != 1:
        yield "delimiter", "the delimiter is not one character", 'write one character, a tab as "\\t"'
    if len(contract.quote) > 1 or contract.quote == contract.delimiter:
        yield "quote", "the quote is not one character of its own", "write one character, or '' for none"


@_rule("columns", "types")
def _columns(contract: Contract) -> Iterator[Finding]:
    for attribute, what in (("name", "name"), ("source_name", "physicalName")):
        for name, times in Counter(getattr(column, attribute) for column in contract.columns).items():
            if times > 1 and name:
                *_, again = (column.name for column in contract.columns if getattr(column, attribute) == name)
                yield (
                    f"column:{again}.{what}",
                    f"{what} {name!r} stands at {times} columns",
                    "let each column have its own",
                )
    for column in contract.columns:
        place = f"column:{column.name}"
        if not _SNAKE.fullmatch(column.name) or column.name in _TECHNICAL:
            yield place, f"column name {column.name!r} cannot be used", "write snake_case, and not ds"
        found = _TYPE.fullmatch(column.type)
        if not found or (found[1] and not 1 <= int(found[1]) <= 38) or (found[2] and int(found[2]) > int(found[1])):
            yield (
                f"{place}.lakeType",
                f"type {column.type!r} of column {column.name!r} is unknown",
                "write VARCHAR, BIGINT, INTEGER, BOOLEAN, DATE, TIMESTAMPTZ, DOUBLE or DECIMAL(p,s)",
            )
        elif column.format is not None:
            yield from _format(column)


def _format(column: Column) -> Iterator[Finding]:
    place = f"column:{column.name}.format"
    if column.type not in ("DATE", "TIMESTAMPTZ"):
        yield place, f"column {column.name!r} is {column.type} and has a format", "remove `format`"
    elif "%" not in (column.format or ""):
        yield place, f"format of column {column.name!r} is no strptime format", "write one such as %Y-%m-%d"
    elif ("%I" in (column.format or "")) != ("%p" in (column.format or "")):
        yield (
            place,
            f"format of column {column.name!r} has only one of %I and %p",
            "a 12-hour clock has both, a 24-hour clock has %H",
        )


@_rule("columns", "fieldId")
def _field_ids(contract: Contract) -> Iterator[Finding]:
    owner: dict[int, str] = {}
    for column in contract.columns:
        place = f"column:{column.name}.fieldId"
        if column.field_id > LARGEST_FIELD_ID:
            yield place, f"field id {column.field_id} belongs to technical columns", f"stay below {LARGEST_FIELD_ID}"
        if column.field_id in owner:
            yield (
                place,
                f"field id {column.field_id} is also column {owner[column.field_id]!r}",
                "give each column its own, never one that was used before",
            )
        owner.setdefault(column.field_id, column.name)


@_rule("columns")
def _key(contract: Contract) -> Iterator[Finding]:
    if not contract.key:
        yield "columns", "the table has no key", "write `primaryKey: true` at the columns that name a record"
        return
    positions = [column.key_position for column in contract.key]
    if positions != list(range(1, len(positions) + 1)):
        yield (
            f"column:{contract.key[0].name}.primaryKeyPosition",
            "the positions in the key are not 1, 2, …",
            "number the key columns from 1",
        )
    for column in contract.key:
        if column.treatment is Treatment.DROP:
            yield f"column:{column.name}.treatment", f"key column {column.name!r} is dropped", "keep it or hash it"
        if not column.required:
            yield f"column:{column.name}", f"key column {column.name!r} may be missing", "write `required: true`"


@_rule("columns", "treatment", "purpose")
def _purposes(contract: Contract) -> Iterator[Finding]:
    for column in contract.columns:
        place = f"column:{column.name}.purpose"
        if column.treatment is Treatment.HMAC and column.purpose is None:
            yield (
                f"column:{column.name}.treatment",
                f"column {column.name!r} is hashed without a purpose",
                "add `purpose`, the name of the key; columns that may be joined share one",
            )
        if column.purpose is None:
            continue
        if column.treatment is not Treatment.HMAC:
            yield place, f"column {column.name!r} has a purpose but is not hashed", "remove `purpose` or say hmac"
        if not _SNAKE.fullmatch(column.purpose) or column.purpose in RESERVED_PURPOSES:
            yield place, f"purpose {column.purpose!r} cannot be used", "write snake_case, and not digest"


def _keys_stated(draft: Draft) -> Iterator[Finding]:
    for column in draft.contract.columns:
        place = f"column:{column.name}.primaryKeyPosition"
        if place in draft.places and column.key_position is None:
            yield place, f"column {column.name!r} has a place in the key but is not in it", "write `primaryKey: true`"


def logical_type(type_: str) -> str:
    """The standard's own type for a type of the lake."""
    return _LOGICAL[type_.partition("(")[0]]


def _logical_types(draft: Draft) -> Iterator[Finding]:
    """The standard's type is for other tools' eyes; it may not tell them something else."""
    for column in draft.contract.columns:
        place = draft.places.get(f"column:{column.name}.logicalType")
        expected = _LOGICAL.get(column.type.partition("(")[0])
        if "types" in draft.doubtful or expected is None:
            continue
        if place is None:
            yield f"column:{column.name}", f"'logicalType' of column {column.name!r} is missing", f"write {expected}"
        elif draft.logical_types.get(column.name) != expected:
            yield (
                f"column:{column.name}.logicalType",
                f"'logicalType' of column {column.name!r} does not fit {column.type}",
                f"write {expected}",
            )


def _personal_columns(draft: Draft) -> Iterator[Finding]:
    for column in draft.contract.columns:
        place = f"column:{column.name}"
        if column.classification in ("L3", "L4") and column.treatment is Treatment.KEEP:
            if "treatment" not in draft.doubtful:
                yield (
                    place,
                    f"column {column.name!r} is {column.classification} and would be kept as it is",
                    "say treatment drop or hmac, or class L1 or L2",
                )
        elif looks_personal(column) and not {f"{place}.classification", f"{place}.treatment"} <= draft.places.keys():
            yield (
                place,
                f"column {column.name!r} has the name of something personal",
                "say its `classification` and its `treatment`, keep included",
            )


def looks_personal(column: Column) -> bool:
    """Whether the name of a column says that there is something personal in it."""
    for name in (column.name, column.source_name):
        words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
        if any(map(_PERSONAL.fullmatch, words)) or any(pair in "_".join(words) for pair in _PERSONAL_PAIRS):
            return True
    return bool(_PERSONAL_ZH.search(column.source_name) or _PERSONAL_ZH.search(column.title_zh))
