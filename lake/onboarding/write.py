"""The files of a draft: contract, suite, staging model, and the list of decisions. Texts only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from lake.contracts.model import Column, Contract, Mode, Treatment
from lake.onboarding.judge import Decision, Verdict, coordinates
from lake.onboarding.personal import looks_like_a_list
from lake.onboarding.profile import ColumnProfile, Profile
from lake.onboarding.sample import Sample

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z]")
_NOT_TEXT = frozenset("y n yes no on off true false null none nan".split())  # noqa: SIM905 - words read better
_LOGICAL = {
    "VARCHAR": "string", "BIGINT": "integer", "INTEGER": "integer", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMPTZ": "timestamp", "DOUBLE": "number", "DECIMAL": "number",
}  # fmt: skip
_SQL_TYPES = {"TIMESTAMPTZ": "timestamp with time zone"}
_RANGE_MARGIN = 0.02


def model_name(dataset: str, root: Path) -> str:
    """Name of the staging model. dbt knows no two of one name, so the second city's has its city in it."""
    city, department, name = dataset.split(".")
    plain = f"stg_{department}__{name}"
    others = (root / "dbt_project" / "models" / "staging").glob(f"*/*/{plain}.sql")
    return f"stg_{city}__{department}__{name}" if any(path.parts[-3] != city for path in others) else plain


def file_names(dataset: str, root: Path) -> dict[str, PurePosixPath]:
    """Where the parts of a dataset lie, from the project's root."""
    city, department, name = dataset.split(".")
    model = model_name(dataset, root)
    staging = PurePosixPath("dbt_project/models/staging", city, department)
    return {
        "contract": PurePosixPath("contracts", city, department, f"{name}.yaml"),
        "suite": PurePosixPath("expectations", city, department, f"{name}.yaml"),
        "model": staging / f"{model}.sql",
        "properties": staging / f"{model}.yml",
    }


# ---- the contract ----------------------------------------------------------------------------------------------------


def contract_yaml(contract: Contract, sample: Sample) -> str:
    """A version of the contract as its file."""
    own: list[tuple[str, Any]] = [("mode", contract.mode.value)]
    own += [("cursor", contract.cursor)] if contract.cursor else []
    own += [("overlap", f"P{contract.overlap.days}D")] if contract.overlap else []
    own += [("partitionColumn", contract.partition_column)] if contract.partition_column else []
    own += [("withdrawal", contract.withdrawal.value), ("cadence", contract.cadence.value)]
    own += [("validFrom", str(contract.valid_from)), ("zone", contract.zone)]
    if sample.form is not None:
        own += [("encoding", contract.encoding), ("delimiter", contract.delimiter), ("quote", contract.quote)]
    own += [("nullMarkers", list(contract.null_markers))]
    own += [("dueAt", f"{contract.due_at:%H:%M}"), ("retentionDays", contract.retention_days)]
    own += [("connector", contract.source.connector), ("connection", contract.source.connection)]
    lines = [
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {contract.dataset}",
        f"name: {_scalar(contract.title_en)}",
        f"version: {contract.version}",
        "status: draft",
        "description:",
        f"  purpose: {_scalar(_purpose(contract, sample))}",
        "  limitations: Drafted from a sample; meanings and classes are to be confirmed by the department.",
        "team:",
        f"  name: {_scalar(contract.owner)}",
        "customProperties:",
        *(f"  - {{property: {name}, value: {_flow(value)}}}" for name, value in own),
        "  - property: arguments",
        "    value:",
        *(f"      {name}: {_flow(value)}" for name, value in contract.source.arguments.items()),
        "schema:",
        f"  - name: {contract.name}",
        f"    physicalName: {_scalar(_physical(contract))}",
        f"    businessName: {_scalar(contract.title_zh)}",
        f"    dataGranularityDescription: one row per {' and '.join(column.name for column in contract.key)}",
        "    properties:",
    ]
    for column in contract.columns:
        lines += _column_lines(column)
    return "\n".join(lines) + "\n"


def _purpose(contract: Contract, sample: Sample) -> str:
    what = f"Records of {contract.department}"
    return f"{what} as delivered in {_physical(contract)}." if sample.files else f"{what}, table {_physical(contract)}."


def _physical(contract: Contract) -> str:
    return str(contract.source.arguments.get("table") or contract.source.arguments.get("pattern") or contract.name)


def _column_lines(column: Column) -> Iterator[str]:
    yield f"      - name: {_scalar(column.name)}"
    yield f"        physicalName: {_scalar(column.source_name)}"
    yield f"        businessName: {_scalar(column.title_zh)}"
    yield f"        description: {_scalar(column.description)}"
    yield f"        logicalType: {_LOGICAL[column.type.partition('(')[0]]}"
    if column.key_position:
        yield "        primaryKey: true"
        yield f"        primaryKeyPosition: {column.key_position}"
    if column.required:
        yield "        required: true"
    yield f"        classification: {column.classification}"
    yield "        customProperties:"
    own: list[tuple[str, Any]] = [("fieldId", column.field_id), ("lakeType", column.type)]
    own += [("format", column.format)] if column.format else []
    own += [("unit", column.unit)] if column.unit else []
    own += [("treatment", column.treatment.value)]
    own += [("purpose", column.purpose)] if column.purpose else []
    for name, value in own:
        yield f"          - {{property: {name}, value: {_flow(value)}}}"


def _scalar(text: str) -> str:
    """A text as YAML reads it back: plain where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    """In double quotes; what cannot be printed is escaped, since YAML takes no such character."""
    told = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in told)


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return _scalar(value) if not re.search(r"[/ ]", value) else _quoted(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return str(value)


_NAMES = ("name_zh", "name_en", "short_name_zh")
CITY_DECISION = Decision(
    "dataset",
    "What city is it?",
    "it has no file yet",
    "a file with its id for a name, one unit below it, and the sample's bounds",
    "contracts/<city>/city.yaml",
    is_open=True,
)


def city_yaml(verdict: Verdict) -> str:
    """A city's file that says no more than is known, for a city that has none."""
    contract = verdict.contract
    box = {"west": -180.0, "south": -90.0, "east": 180.0, "north": 90.0}
    for column in coordinates(verdict.profile.columns):
        low, high = _widened(float(column.low or 0), float(column.high or 0))
        is_latitude = bool({"lat", "latitude"} & set(column.name.split("_")))
        sides = ("south", "north") if is_latitude else ("west", "east")
        limit = 90 if is_latitude else 180
        box |= {sides[0]: max(low, -limit), sides[1]: min(high, limit)}
    lines = [
        "# Drafted: names, codes, units and times are to be confirmed.",
        f"city: {contract.city}",
        "code: '0'",
        "level_no: 2",
        f"name_zh: {_scalar(contract.city)}",
        f"name_en: {_scalar(contract.city.title())}",
        f"short_name_zh: {_scalar(contract.city)}",
        f"zone: {contract.zone}",
        "languages: [zh, en]",
        f"bounding_box: {_flow(box)}",
        "week_start: monday",
        "holiday_calendar: none",
        "report_window: natural_day",
        "brief_due_at: '07:30'",
        "divisions:",
        f"  - {{code: '1', level_no: 3, {', '.join(f'{k}: {contract.city}' for k in _NAMES)}}}",
    ]
    return "\n".join(lines) + "\n"


# ---- the suite -------------------------------------------------------------------------------------------------------


def suite_yaml(verdict: Verdict) -> str:
    """What held of the sample and is worth a word when it holds no longer."""
    contract = verdict.contract
    entries = [
        *_key_rules(contract, verdict),
        *(rule for column in verdict.profile.columns for rule in _column_rules(column, contract, verdict.profile)),
    ]
    lines = [f"# What held of the sample of {contract.dataset}; a person has to say which of it must hold."]
    for number, (id_, type_, kwargs, severity, reason, reason_zh) in enumerate(entries):
        lines += [
            *([""] if number else []),
            f"- id: {id_}",
            f"  type: {type_}",
            f"  kwargs: {_flow(kwargs)}",
            f"  severity: {severity}",
            f"  owner: {_scalar(contract.owner)}",
            f"  reason: {_scalar(reason)}",
            f"  reason_zh: {_scalar(reason_zh)}",
        ]
    return "\n".join(lines) + "\n"


Rule = tuple[str, str, dict[str, Any], str, str, str]


def _key_rules(contract: Contract, verdict: Verdict) -> Iterator[Rule]:
    key = [column.name for column in contract.key]
    order = {Mode.CHANGES: contract.cursor or "ds", Mode.DAY: None, Mode.SNAPSHOT: "ds"}[contract.mode]
    columns = [*key, *([order] if order and order not in key else [])]
    severity = "warning" if verdict.key.clashing else "critical"
    reason, reason_zh = "Two records with one key would be counted twice.", "同一主键出现两条记录，将被重复统计。"
    if len(columns) > 1:
        yield (
            "key_unique",
            "expect_compound_columns_to_be_unique",
            {"column_list": columns},
            severity,
            reason,
            reason_zh,
        )
    else:
        yield "key_unique", "expect_column_values_to_be_unique", {"column": columns[0]}, severity, reason, reason_zh


def _column_rules(profiled: ColumnProfile, contract: Contract, profile: Profile) -> Iterator[Rule]:
    column = contract.column(profiled.name)
    if column.treatment is not Treatment.KEEP or not profiled.present:
        return
    name = column.name
    if column.type == "VARCHAR" and profiled.values and looks_like_a_list(profiled):
        codes = sorted(value for value, _ in profiled.values)
        yield (
            f"{name}_known", "expect_column_values_to_be_in_set", {"column": name, "value_set": codes}, "warning",
            "A value that was not in the sample has no meaning in the tables yet.", "出现样本中没有的取值。",
        )  # fmt: skip
    if profiled in coordinates(profile.columns):
        low, high = _widened(float(profiled.low or 0), float(profiled.high or 0))
        yield (
            f"{name}_near", "expect_column_values_to_be_between", {"column": name, "min_value": low, "max_value": high},
            "warning", "A point outside the sample's bounds is a slip or another place.", "坐标超出样本范围。",
        )  # fmt: skip


def _widened(low: float, high: float) -> tuple[float, float]:
    margin = max((high - low) * _RANGE_MARGIN, 0.01)
    return round(low - margin, 2), round(high + margin, 2)


# ---- the staging model -----------------------------------------------------------------------------------------------


def _source_name(contract: Contract, model: str) -> str:
    """Name dbt knows the accepted tables by; of its own where another city has a table of the same name."""
    return "lake" if model == f"stg_{contract.table}" else f"lake_{contract.city}"


def staging_sql(verdict: Verdict, model: str) -> str:
    """The model over the accepted table: its columns as they are, and what only SQL can read of some."""
    contract = verdict.contract
    items = [f"record.{column.name}" for column in contract.kept]
    items += [f"{sql} as {name}" for name, sql, _, _ in _derived(verdict)]
    items += ["record.ds as delivered_on", "record._landed_at as landed_at", "record._file as file_name",
              "record._record as record_no"]  # fmt: skip
    source = f"{{{{ source('{_source_name(contract, model)}', '{contract.table}') }}}}"
    return "select\n" + ",\n".join(f"    {item}" for item in items) + f"\nfrom {source} as record\n"


def staging_yaml(verdict: Verdict, model: str) -> str:
    """Its source, columns and types, as dbt holds the model to them; on in its own city only."""
    contract = verdict.contract
    enabled = f"{{enabled: \"{{{{ var('city') == '{contract.city}' }}}}\"}}"
    grain = f"one row per {' and '.join(column.name for column in contract.key)}"
    lines = [
        "sources:",
        f"  - name: {_source_name(contract, model)}",
        "    schema: lake",
        "    tables:",
        f"      - name: {contract.table}",
        f"        description: {_scalar(grain + ' that was delivered')}",
        f"        config: {enabled}",
        "",
        "models:",
        f"  - name: {model}",
        f"    description: {_scalar(grain)}",
        f"    config: {enabled}",
        "    columns:",
    ]
    columns = [
        *((column.name, _sql_type(column.lake_type), column.description) for column in contract.kept),
        *((name, type_, meaning) for name, _, type_, meaning in _derived(verdict)),
        ("delivered_on", "date", "Partition (ds): the day the delivery speaks for."),
        ("landed_at", "timestamp with time zone", "Moment the delivery landed; orders deliveries of one day."),
        ("file_name", "varchar", "File of the delivery the record came in."),
        ("record_no", "bigint", "Number of the record in its file."),
    ]
    for name, type_, meaning in columns:
        lines += [
            f"      - name: {_scalar(name)}",
            f"        data_type: {type_}",
            f"        description: {_scalar(meaning)}",
        ]
    return "\n".join(lines) + "\n"


def _sql_type(type_: str) -> str:
    return _SQL_TYPES.get(type_, type_.lower())


def _derived(verdict: Verdict) -> Iterator[tuple[str, str, str, str]]:
    """(name, SQL, type, meaning) of what the lake's types cannot say but SQL can."""
    taken = {column.name for column in verdict.contract.kept}
    for column in verdict.profile.columns:
        if column.name not in taken or verdict.contract.column(column.name).treatment is not Treatment.KEEP:
            continue
        cell = f"record.{column.name}"
        for hint in column.hints:
            for suffix, sql, type_, meaning in _EXPRESSIONS.get(hint.kind, ()):
                name = f"{column.name}_{suffix}"
                if name not in taken:
                    yield name, sql.format(cell=cell), type_, f"{meaning} of {column.name}."


_NUMBER = "decimal(18,4)"
_EXPRESSIONS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "range": (
        ("from", f"try_cast(regexp_extract({{cell}}, '^\\s*([+-]?[0-9.]+)', 1) as {_NUMBER})", _NUMBER, "Lower end"),
        ("to", f"try_cast(regexp_extract({{cell}}, '([0-9.]+)\\s*$', 1) as {_NUMBER})", _NUMBER, "Upper end"),
    ),
    "grouped_number": (
        ("value", f"try_cast(regexp_replace({{cell}}, '[^0-9.+-]', '', 'g') as {_NUMBER})", _NUMBER, "Number"),
    ),
    "percent": (
        ("percent", f"try_cast(regexp_replace({{cell}}, '[^0-9.+-]', '', 'g') as {_NUMBER})", _NUMBER, "Number"),
    ),
    "decimal_comma": (("value", f"try_cast(replace({{cell}}, ',', '.') as {_NUMBER})", _NUMBER, "Number"),),
    "epoch_s": (("moment", "to_timestamp({cell})", "timestamp with time zone", "Moment"),),
    "epoch_ms": (("moment", "to_timestamp({cell} / 1000)", "timestamp with time zone", "Moment"),),
    "excel_serial": (
        ("day", "cast(date '1899-12-30' + cast(floor({cell}) as integer) as date)", "date", "Day"),
    ),
}  # fmt: skip


# ---- the decisions ---------------------------------------------------------------------------------------------------


def decisions_markdown(contract: Contract, sample: Sample, profile: Profile, decisions: Sequence[Decision]) -> str:
    """What a person has to look at, open questions first."""
    opened = sum(decision.is_open for decision in decisions)
    read = f"{sample.files_read} of {sample.files} files, " if sample.files else ""
    lines = [
        f"# {contract.dataset}: what the data cannot say",
        "",
        f"Drafted from {read}{sample.records} records. {opened} of {len(decisions)} decisions are open: where the "
        "assumption is wrong, records are held back or figures are wrong.",
        "",
        "| | about | decide | seen | assumed | to change it |",
        "|---|---|---|---|---|---|",
    ]
    for decision in decisions:
        cells = (decision.about, decision.question, decision.evidence, decision.assumed, decision.change)
        lines.append(
            f"| {'**open**' if decision.is_open else ''} | " + " | ".join(_cell(cell) for cell in cells) + " |"
        )
    lines += ["", "| column | type | present | different | looks like |", "|---|---|--:|--:|---|"]
    for column in profile.columns:
        kept = contract.column(column.name)
        told = (
            "–"
            if kept.treatment is not Treatment.KEEP
            else ", ".join(f"`{_cell(shape)}`" for shape, _ in column.shapes[:2])
        )
        type_ = kept.type + (f" `{_cell(column.format)}`" if column.format else "")
        lines.append(f"| {column.name} | {type_} | {column.present} | {column.distinct} | {told} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
