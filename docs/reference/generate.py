"""Writes the reference from what the program itself says: nothing on these pages is written by hand.

``make reference`` writes the pages beside this file; `tests/docs/test_reference.py` holds them against the program.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_SECTIONS = ("Attributes", "Args", "Options", "Raises", "Returns", "Yields")
_WRITTEN = "<!-- Written by docs/reference/generate.py; `make reference` writes it anew. -->"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    written = {
        "connectors.md": _connectors(),
        "contract.md": _contract(),
        "datasets.md": _datasets(),
        "commands.md": _commands(),
        "errors.md": _errors(),
        "marts.md": _marts(),
        "indicators.md": _indicators(),
    }
    return {name: f"{_WRITTEN}\n\n{_no_tags(text.strip())}\n" for name, text in written.items()}


def _no_tags(text: str) -> str:
    """Words in angle brackets stay words; outside code Markdown would take them for HTML."""
    parts = re.split(r"(^```.*?^```|`` .+? ``|`[^`\n]+`)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if number % 2 else re.sub(r"<(?=\w)", r"\<", part) for number, part in enumerate(parts))


# ---- what a docstring says -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Said:
    """A docstring taken apart.

    Attributes:
        text: what stands before its sections.
        about: meaning of each name in its first section of names.
    """

    text: str
    about: dict[str, str]


def said_by(thing: Any) -> Said:
    """The docstring of a class or module; of none, nothing. `a, b: meaning` is the meaning of both."""
    lines = inspect.cleandoc(thing.__doc__ or "").splitlines()
    text: list[str] = []
    about: dict[str, str] = {}
    section, names = "", ""
    for line in lines:
        if line.rstrip(":") in _SECTIONS and line.endswith(":"):
            section, names = line[:-1], ""
        elif not section:
            text.append(line)
        elif line and not line.startswith("    "):
            section = ""
            text.append(line)
        elif section in ("Attributes", "Args", "Options"):
            if found := re.match(r"    (\w[\w, ]*): (.*)", line):
                names = found[1]
                about[names] = found[2]
            elif names:
                about[names] += " " + line.strip()
    alone = {name.strip(): _plain(meaning) for names, meaning in about.items() for name in names.split(",")}
    return Said(_plain("\n".join(text)).strip(), alone)


def _plain(text: str) -> str:
    """reStructuredText's double backticks as Markdown's single ones, None in words; a paragraph on one line."""
    text = re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)
    text = re.sub(r" \(invariants? \d+\)", "", text)
    text = re.sub(r"\bNone\b", "nothing", re.sub(r"\bNone = ", "left out: ", text))
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _meanings(enum: type[StrEnum]) -> dict[str, str]:
    """What stands under each member of an enum, read from its source; empty where nothing does."""
    body = ast.parse(inspect.getsource(enum)).body[0].body  # type: ignore[attr-defined]
    found = {member.value: "" for member in enum}
    for node, after in zip(body, [*body[1:], None], strict=True):
        match (node, after):
            case (ast.Assign(value=ast.Constant(value=member)), ast.Expr(value=ast.Constant(value=meaning))):
                found[str(member)] = _plain(str(meaning))
    return found


# ---- Markdown --------------------------------------------------------------------------------------------------------


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; nothing when it has no rows."""
    head = list(head)
    lines = [[_cell(value) for value in row] for row in rows]
    if not lines:
        return ""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *lines])


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", r"\|") if value not in (None, "") else ""


def _code(value: object) -> str:
    text = str(value)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _value(value: Any) -> str:
    """A default as YAML has it."""
    if value is None or value in ((), [], {}, ""):
        return "–"
    if isinstance(value, bool):
        return _code(str(value).lower())
    if isinstance(value, list | tuple):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, dict):
        return _code("{" + ", ".join(f"{name}: {one}" for name, one in value.items()) + "}")
    return _code(f"{value:g}" if isinstance(value, float) else value)


# ---- connectors ------------------------------------------------------------------------------------------------------


def _connectors() -> str:
    from lake.connectors import CONNECTORS
    from lake.connectors import dialects as spoken
    from lake.connectors.archives import PackedArguments
    from lake.connectors.extraction import TableArguments
    from lake.connectors.files import FileArguments
    from lake.connectors.http_auth import address_of
    from lake.connectors.protocol import Arguments
    from lake.connectors.transports import SCHEMES

    modules = {name: importlib.import_module(f"lake.connectors.{name}") for name in CONNECTORS}
    classes = {name: module.Source.Arguments for name, module in modules.items()}
    parts = [
        "# Connectors",
        "What a contract may say in `connector`, `connection` and `arguments`. An argument nobody knows is refused by "
        "`citybrain contract check`. Guides: [databases](../how-to/connect-a-database.md), "
        "[APIs](../how-to/connect-an-api.md), [files](../how-to/connect-a-department.md) and "
        "[their formats](../how-to/read-a-file-format.md).",
        _table(
            ["connector", "what it reads"],
            [(f"[{name}](#{name})", said_by(module).text.split("\n\n")[0]) for name, module in modules.items()],
        ),
        "## Connections",
        "`connection` is an id. Its address is the variable `CITYBRAIN_CONN_<ID>`, the file that "
        "`CITYBRAIN_CONN_<ID>_FILE` names, or an Airflow connection of that id. In user, password and path `/` is "
        "written `%2F`, `#` `%23`, `?` `%3F`, `@` `%40`.",
        "### Databases",
        _table(
            ["connector", "address"],
            [
                *((name, said_by(modules[name].Source).text.partition("\n\n")[0]) for name in ("postgres", "mysql")),
                *(("sql_database", said_by(kind).text) for kind in dict.fromkeys(spoken.DIALECTS.values())),
            ],
        ),
        "Connector `database` takes each of these: which one reads the table follows from the address's scheme.",
        "### APIs",
        said_by(address_of).text.removeprefix("Take a connection's address apart: "),
        "### Folders and buckets",
        "Every connector whose name ends in `_files` takes each of these.",
    ]
    for way in dict.fromkeys(SCHEMES.values()):
        said = said_by(importlib.import_module(f"lake.connectors.transports.{way}").Way)
        options = "\n".join(f"- `{name}`: {meaning}" for name, meaning in said.about.items())
        parts += [f"#### {', '.join(scheme for scheme, name in SCHEMES.items() if name == way)}", said.text, options]
    parts += [
        "## Arguments of every database", _arguments(TableArguments, Arguments),
        "## Arguments of every kind of file", _arguments(FileArguments, Arguments),
        "## Arguments of files that may come packed", said_by(PackedArguments).text.partition("\n\n")[2],
        _arguments(PackedArguments, FileArguments),
    ]  # fmt: skip
    for name, kind in classes.items():
        base: type = Arguments
        also = ""
        if issubclass(kind, TableArguments):
            base, also = TableArguments, "[those of every database](#arguments-of-every-database)"
        elif issubclass(kind, PackedArguments):
            base = PackedArguments
            also = (
                "[those of every kind of file](#arguments-of-every-kind-of-file) and "
                "[of those that may come packed](#arguments-of-files-that-may-come-packed)"
            )
        elif issubclass(kind, FileArguments):
            base, also = FileArguments, "[those of every kind of file](#arguments-of-every-kind-of-file)"
        own = _arguments(kind, base)
        said = said_by(kind).text if kind not in (TableArguments, FileArguments) else ""
        parts += [f"## {name}", said_by(modules[name]).text]
        parts += [said] if said else []
        parts += [own] if own else []
        if also:
            parts.append(f"Arguments: {'these and ' if own else ''}{also}.")
        if name == "http_json":
            parts += _ways_to_be_known()
    return "\n\n".join(part for part in parts if part)


def _ways_to_be_known() -> list[str]:
    """The argument `auth` of APIs."""
    from lake.connectors.http_auth import ApiKey, AsTheAddressSays, Login, OAuth2, Signature
    from lake.connectors.protocol import Arguments

    parts = ["### auth", "One of these, chosen by `scheme`; the secret itself is the connection's."]
    for kind in (AsTheAddressSays, ApiKey, OAuth2, Login, Signature):
        schemes = kind.model_json_schema()["properties"]["scheme"]
        names = schemes.get("enum") or [schemes["const"]]
        parts += [f"#### scheme: {', '.join(names)}", said_by(kind).text, _arguments(kind, Arguments, {"scheme"})]
    return parts


def _arguments(kind: Any, base: type, without: Iterable[str] = ()) -> str:
    """A table of the arguments a model has and its base has not."""
    schema = kind.model_json_schema()
    about: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        about |= said_by(one).about if one.__module__.startswith("lake.") else {}
    inherited = set(getattr(base, "model_fields", {}))
    names = [name for name in kind.model_fields if name not in inherited and name not in set(without)]
    if undocumented := [name for name in names if name not in about]:
        raise SystemExit(f"{kind.__module__}.{kind.__name__} does not say what these mean: {', '.join(undocumented)}")
    rows = []
    for name in names:
        one = schema["properties"][name]
        default = (
            "must be said"
            if name in schema.get("required", ())
            else _value(kind.model_fields[name].get_default(call_default_factory=True))
        )
        rows.append((_code(name), _type(one, schema), default, about[name]))
    nested = "".join(
        f"\n\nEach of `{name}`:\n\n" + _arguments(inner, object)
        for name in names
        for inner in _models(kind.model_fields[name].annotation)
        if name != "auth"
    )
    return _table(["argument", "type", "default", "meaning"], rows) + nested


def _models(annotation: Any) -> Iterator[Any]:
    """Models within a type."""
    import typing

    if hasattr(annotation, "model_fields"):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


_WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "mapping",
    "null": "",
}  # fmt: skip


def _type(one: dict[str, Any], schema: dict[str, Any]) -> str:
    """A type of JSON Schema in words, with its limits."""
    if "anyOf" in one or "oneOf" in one:
        kinds = [_type(each, schema) for each in one.get("anyOf") or one["oneOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    if "$ref" in one:
        return "mapping"
    if "enum" in one or "const" in one:
        return " ".join(_code(value) for value in one.get("enum") or [one["const"]])
    if one.get("type") == "array":
        return f"list: {_type(one['items'], schema)}" if one.get("items") else "list"
    limits = [
        f"{sign} {one[key]:g}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in one
    ]
    return " ".join([_WORDS.get(one.get("type", ""), "any"), *limits])


# ---- the contract ----------------------------------------------------------------------------------------------------

_IN_THE_STANDARD = {
    # field of `Contract` or `Column` → where the Open Data Contract Standard has it
    "dataset": "id", "version": "version", "title_en": "name", "title_zh": "schema[0].businessName",
    "owner": "team.name", "columns": "schema[0].properties", "latency": "slaProperties: latency",
    "frequency": "slaProperties: frequency",
}  # fmt: skip
_IN_THE_COLUMN = {
    "name": "name", "source_name": "physicalName", "required": "required",
    "key_position": "primaryKey, primaryKeyPosition", "title_zh": "businessName", "description": "description",
    "classification": "classification",
}  # fmt: skip
_OTHERWISE = {"type": "lakeType"}
_ITS_OWN = {"source", "path"}
"""Fields that are no property: what belongs to it is, or nothing is."""


def _contract() -> str:
    from lake.contracts import draft, model

    parts = [
        "# The contract",
        "`contracts/<city>/<department>/<dataset>.yaml`, an "
        "[Open Data Contract](https://bitol-io.github.io/open-data-contract-standard/) v3 with properties of our own. "
        "`citybrain contract check` says file, line and remedy of every mistake; `citybrain contract draft` writes one "
        "([add a source](../how-to/add-a-source.md)). A complete example: "
        "[street_defect.yaml](../../contracts/queens/dot/street_defect.yaml).",
        "## The dataset, in the standard's words",
        "And `apiVersion: v3.1.0`, `kind: DataContract`, and in `schema[0]`: `name` (as the file), "
        "`dataGranularityDescription` (`one row per …`).",
        _table(
            ["where", "must be said", "meaning"],
            [
                (_code(place), "" if field.default is not dataclasses.MISSING else "yes", _about(model.Contract)[name])
                for name, field in _fields(model.Contract).items()
                if (place := _IN_THE_STANDARD.get(name))
            ],
        ),
        "## The dataset, in ours",
        "`customProperties` of the contract: `{property: mode, value: day}`.",
        _properties(draft._DATASET, (model.Contract, model.Source)),
    ]
    for kind in (model.Mode, model.Cadence, model.Withdrawal, model.AdditionalColumns):
        parts += [
            f"### {_camel(kind.__name__)}",
            said_by(kind).text,
            _table(["value", "meaning"], [(_code(value), meaning) for value, meaning in _meanings(kind).items()]),
        ]
    for kind in (model.Tombstone, model.KeyComparison):
        rows = []
        for name, field in _fields(kind).items():
            default = "must be said" if field.default is field.default_factory else _value(_default(field))
            rows.append((_code(_camel(name)), default, _about(kind)[name]))
        parts += [f"### {_camel(kind.__name__)}", said_by(kind).text]
        parts.append(_table(["part", "default", "meaning"], rows))
    parts += [
        "## A column, in the standard's words",
        _table(
            ["where", "must be said", "meaning"],
            [
                (
                    _code(_IN_THE_COLUMN[name]),
                    "" if name in ("required", "key_position") else "yes",
                    _about(model.Column)[name],
                )
                for name in _fields(model.Column)
                if name in _IN_THE_COLUMN
            ],
        ),
        "## A column, in ours",
        "`customProperties` of the column.",
        _properties(draft._COLUMN, (model.Column,)),
        "### treatment",
        said_by(model.Treatment).text,
        _table(["value", "meaning"], [(_code(value), said) for value, said in _meanings(model.Treatment).items()]),
    ]
    told = {
        *_IN_THE_STANDARD, *_IN_THE_COLUMN, *_OTHERWISE, *_ITS_OWN,
        *(_snake(name) for name in (*draft._DATASET, *draft._COLUMN)),
    }  # fmt: skip
    if left := [name for kind in (model.Contract, model.Column) for name in _fields(kind) if name not in told]:
        raise SystemExit(f"the page of the contract does not know where {', '.join(left)} stands")
    return "\n\n".join(part for part in parts if part)


def _properties(known: dict[str, tuple[Any, Any]], kinds: tuple[type, ...]) -> str:
    about: dict[str, str] = {}
    for kind in kinds:
        about |= _about(kind)
    renamed = {new: old for old, new in _OTHERWISE.items()}
    rows = []
    for name, (parse, default) in known.items():
        said = "must be said" if default is ... else _value(_written(default))
        rows.append((_code(name), _expected(parse), said, about[renamed.get(name, _snake(name))]))
    return _table(["property", "value", "default", "meaning"], rows)


def _expected(parse: Any) -> str:
    """What a reader of a property asks for: it says so when it is given something that nothing can be."""
    try:
        parse(object())
    except ValueError as expected:
        return re.sub(r" such as (.+)$", r", `\1`", str(expected))
    return ""


def _written(value: Any) -> Any:
    """A default as a contract would have it."""
    from datetime import time, timedelta

    if isinstance(value, timedelta):
        return "PT0S" if not value else str(value)
    return value.strftime("%H:%M") if isinstance(value, time) else value


def _about(kind: type) -> dict[str, str]:
    """Meaning of each attribute of a dataclass; a property that has values of its own points at them."""
    told_below = {"mode", "cadence", "withdrawal", "tombstone", "key_comparison", "additional_columns", "treatment"}
    return {
        name: f"[{meaning.rstrip('.')}](#{_camel(name).lower()})." if name in told_below else meaning
        for name, meaning in said_by(kind).about.items()
    }


def _fields(kind: Any) -> dict[str, Any]:
    return {field.name: field for field in dataclasses.fields(kind)}


def _default(field: Any) -> Any:
    return field.default if field.default is not dataclasses.MISSING else field.default_factory()


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def _camel(name: str) -> str:
    words = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return words[0].lower() + words[1:]


# ---- datasets --------------------------------------------------------------------------------------------------------


def _datasets() -> str:
    from lake.contracts import examine
    from lake.settings import PROJECT_ROOT, Settings

    parts = [
        "# Datasets",
        "Every dataset of every city, by its newest contract. Classes: L1 public, L2 internal, L3 sensitive, L4 highly "
        "sensitive. Treatment at admission: `keep`; `drop`, the lake never holds it; `hmac`, a hash with the key of "
        "its purpose. The words of a contract: [contract.md](contract.md).",
    ]
    for file in sorted((PROJECT_ROOT / "contracts").glob("*/city.yaml")):
        city = file.parent.name
        settings = Settings(city=city, home=PROJECT_ROOT / "var" / city)
        newest = [versions[-1] for _, versions in sorted(examine(settings).versions.items())]
        parts += [
            f"## {city}",
            _table(
                ["dataset", "title", "owner", "cadence", "mode", "in by"],
                [
                    (f"[{each.dataset}](#{each.dataset.replace('.', '')})", each.title_en, each.owner,
                     each.cadence.value, each.mode.value, _due(each))
                    for each in newest
                ],
            ),
        ]  # fmt: skip
        for each in newest:
            where = Path(each.path).relative_to(PROJECT_ROOT)
            key = ", ".join(column.name for column in each.key) or "none"
            parts += [
                f"### {each.dataset}",
                f"{each.title_en} · {each.title_zh}. Version [{each.version}](../../{where}), valid from "
                f"{each.valid_from}; owner {each.owner}; {each.cadence.value}, mode {each.mode.value}, in by "
                f"{_due(each)}; withdrawal: {each.withdrawal.value}; key: {key}; by `{each.source.connector}` from "
                f"`{each.source.connection}`; zone {each.zone}; landed bytes kept {each.retention_days} days.",
                _table(
                    ["column", "中文", "type", "unit", "class", "treatment", "meaning"],
                    [
                        (_code(one.name), one.title_zh, one.lake_type, one.unit, one.classification,
                         one.treatment.value + (f" ({one.purpose})" if one.purpose else ""), one.description)
                        for one in each.columns
                    ],
                ),
            ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _due(contract: Any) -> str:
    from lake.contracts.model import Cadence

    if contract.latency is not None:
        hours = contract.latency.total_seconds() / 3600
        said = f"{hours / 24:g} days" if hours % 24 == 0 else f"{hours:g} hours"
        spans = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter"}
        said += f" after its {spans[contract.cadence]}"
    else:
        day = {
            Cadence.DAILY: "next day",
            Cadence.WEEKLY: "Monday after",
            Cadence.MONTHLY: "third of the next month",
            Cadence.QUARTERLY: "fifth of the next quarter",
        }[contract.cadence]
        said = f"{contract.due_at:%H:%M} on the {day}"
    return said + (f", at least every {contract.frequency.days} days" if contract.frequency else "")


# ---- commands --------------------------------------------------------------------------------------------------------


def _commands() -> str:
    from typer.main import get_command

    from lake.cli import app

    whole = get_command(app)
    leaves = list(_leaves(["citybrain"], whole))
    parts = [
        "# Commands",
        _plain(inspect.cleandoc(whole.help or "")),
        "Status 0 is success; the others: [errors.md](errors.md). `--help` of each says the same as this page.",
        _table(
            ["command", "what it does"],
            [
                (f"[{' '.join(path)}](#{'-'.join(path)})", _help_of(command)[0].split("\n\n")[0])
                for path, command in leaves
            ],
        ),
    ]
    for path, command in leaves:
        text, example = _help_of(command)
        rows = []
        for one in command.params:
            if one.name == "help":
                continue
            names = one.opts + one.secondary_opts if one.param_type_name == "option" else [one.name.upper()]
            rows.append((" ".join(_code(name) for name in names), _kind(one), _default_of(one), one.help or ""))
        parts += [
            f"## {' '.join(path)}",
            text,
            f"```text\n{example}\n```" if example else "",
            _table(["argument or option", "type", "default", "meaning"], rows),
        ]
    return "\n\n".join(part for part in parts if part)


def _leaves(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from _leaves([*path, name], child)


def _help_of(command: Any) -> tuple[str, str]:
    """The text, and the example at its end."""
    text, _, example = inspect.cleandoc(command.help or "").partition("Example: ")
    return _plain(text).strip(), example.strip()


def _kind(one: Any) -> str:
    """Type of a parameter, from its Python annotation."""
    if getattr(one, "is_flag", False):
        return "flag"
    kind = one.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " ".join(_code(choice.value) for choice in kind)
    many = ", may be repeated" if one.multiple or one.nargs == -1 else ""
    return {"str": "text", "int": "whole number", "float": "number", "Path": "path"}.get(
        getattr(kind, "__name__", ""), "text"
    ) + many


def _default_of(one: Any) -> str:
    if one.required:
        return "must be said"
    return "–" if getattr(one, "is_flag", False) and not one.default else _value(one.default)


# ---- errors ----------------------------------------------------------------------------------------------------------


def _errors() -> str:
    from lake import errors

    rows = []
    for kind in _tree(errors.CitybrainError):
        if kind.__module__ != errors.__name__:
            continue
        runbook = kind.runbook
        link = f"[{runbook}](../runbooks/{runbook}.md)" if runbook else "–"
        rows.append((_code(kind.__name__), kind.exit_code, said_by(kind).text, link))
    return "\n\n".join(
        [
            "# Errors",
            "Every error the lake raises on purpose: what the command line prints, what a red task in Airflow shows, "
            "and the status a command ends with. Each message names dataset, day, column or record, the cause and the "
            "remedy; none quotes a cell. What is tried again by itself, and how often: "
            "[the schedule](../../dags/README.md).",
            _table(["error", "status", "meaning", "runbook"], rows),
        ]
    )


def _tree(kind: type) -> Iterator[Any]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


# ---- marts -----------------------------------------------------------------------------------------------------------


def _marts() -> str:
    import yaml

    from lake.settings import PROJECT_ROOT

    folder = PROJECT_ROOT / "dbt_project" / "models"
    rooms: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    read_by: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("*.yml")):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, ten times as fast
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe
        for one in content.get("models") or ():
            rooms.setdefault("/".join(file.relative_to(folder).parent.parts), []).append((file, one))
        for exposure in content.get("exposures") or ():
            for name in exposure.get("depends_on") or ():
                read_by.setdefault(re.sub(r"ref\('(.+)'\)", r"\1", name), []).append(exposure["label"])
    order = sorted(rooms, key=lambda room: (("marts", "core", "methods", "staging").index(room.split("/")[0]), room))
    parts = [
        "# Models",
        "What dbt builds: `marts` for analysts, `core` for marts, `staging` for the core. Published are `marts`, "
        "`core` and the schema `about` (`SELECT * FROM about.models`); `_n` counts, `_pct` is a percentage, `_hours` "
        "and `_km2` say their unit. How one is added: [add a mart](../how-to/add-a-mart.md); which has no source, and "
        "how scorecards are made fair: [the marts](../explanation/marts.md).",
        _table(
            ["model", "room", "grain"],
            [(f"[{one['name']}](#{one['name']})", room, _grain(one)[0]) for room in order for _, one in rooms[room]],
        ),
    ]
    for room in order:
        parts.append(f"## {room}")
        for file, one in rooms[room]:
            grain, rest = _grain(one)
            readers = read_by.get(one["name"])
            parts += [
                f"### {one['name']}",
                f"{grain}. {_sql(file, one['name'])}" + (f"; read by {', '.join(readers)}" if readers else ""),
                rest,
                _table(
                    ["column", "type", "meaning"],
                    [
                        (_code(column["name"]), column.get("data_type", ""), column.get("description", ""))
                        for column in one.get("columns") or ()
                    ],
                ),
            ]
    return "\n\n".join(part for part in parts if part)


def _sql(file: Path, name: str) -> str:
    """Links to the SQL of a model: beside its description, or one for each city."""
    from lake.settings import PROJECT_ROOT

    found = sorted(file.parent.glob(f"**/{name}.sql"))
    labels = ["SQL"] if len(found) == 1 else [f"SQL of {path.parent.name}" for path in found]
    return ", ".join(
        f"[{label}](../../{path.relative_to(PROJECT_ROOT)})" for label, path in zip(labels, found, strict=True)
    )


def _grain(one: dict[str, Any]) -> tuple[str, str]:
    """First line of a model's description, and what comes after it."""
    first, _, rest = str(one.get("description") or "").strip().partition("\n")
    first = first.strip().rstrip(".")
    return first[:1].upper() + first[1:], " ".join(rest.split())


# ---- indicators ------------------------------------------------------------------------------------------------------


def _indicators() -> str:
    parts: dict[str, list[dict[str, str]]] = {}
    for row in _seed("indicator_part"):
        parts.setdefault(row["indicator_id"], []).append(row)
    versions: dict[str, list[dict[str, str]]] = {}
    for row in _seed("indicator"):
        versions.setdefault(row["indicator_id"], []).append(row)
    newest = {name: chain[-1] for name, chain in versions.items()}
    untold = {row["kind"]: f" **{row['note']}**" for row in _seed("indicator_kind") if row["kind"] == "untold"}
    pages = [
        "# Indicators",
        "The catalogue: `core.dim_indicator` and `about.indicators` of the published file, kept in "
        "`dbt_project/seeds/std/indicator.csv` and `indicator_part.csv`. Values are in `overview.indicator_value`, by "
        "part, variant, window and division. A definition is changed by a new version, never in place: the old row "
        "gets its last day, the new one its number and what changed; `citybrain indicator diff ID` computes both over "
        "every published window and prints the difference. Thresholds and tables of standards are dated seeds too; a "
        "city sets its own: [override a standard](../how-to/override-a-standard.md).",
        _table(
            ["id", "name", "headline", "unit", "standard", "version", "owner"],
            [
                (
                    f"[{name}](#{name.lower()})",
                    f"{one['name_zh']} · {one['name_en']}",
                    one["formula"],
                    one["unit"],
                    f"{one['std_no']}-{one['std_year']} {one['clause']}".strip(),
                    one["version"],
                    one["owner"],
                )
                for name, one in newest.items()
            ],
        ),
    ]
    for name, chain in versions.items():
        pages += [f"## {name}", f"{newest[name]['name_zh']} · {newest[name]['name_en']}"]
        if newest[name]["note"]:
            pages.append(f"{newest[name]['note'][0].upper()}{newest[name]['note'][1:]}.")
        if len(chain) > 1:
            pages.append(
                _table(
                    ["version", "from", "to", "headline", "change"],
                    [(v["version"], v["valid_from"], v["valid_to"], v["formula"], v["change_zh"]) for v in chain],
                )
            )
        pages.append(
            _table(
                ["part", "variant", "name", "unit", "good is", "windows", "divisions", "definition"],
                [
                    (
                        _code(row["part"]),
                        row["variant"],
                        f"{row['title_zh']} · {row['title_en']}",
                        row["unit"],
                        row["direction"],
                        row["windows"],
                        row["scopes"],
                        row["definition"] + untold.get(row["kind"], ""),
                    )
                    for row in parts[name]
                ],
            )
        )
    pages.append("## Of standards")
    for seed, title in (
        ("std_hotline_indicator", "Hotline and petitions"),
        ("std_citymgmt_indicator", "City management"),
    ):
        pages += [
            f"### {title}",
            _table(
                ["code", "variant", "name", "formula", "good is", "standard", "verified"],
                [
                    (
                        row["code"],
                        row["variant"],
                        row["name_zh"],
                        row["formula_zh"],
                        row["direction"],
                        f"{row['std_no']}-{row['std_year']}",
                        "yes" if row["verified"] == "true" else "no",
                    )
                    for row in _seed(seed)
                ],
            ),
        ]
    pages += [
        "### City health check",
        _table(
            ["no", "dimension", "aspect", "name", "unit", "good is", "verified"],
            [
                (
                    row["indicator_no"],
                    row["dimension_zh"],
                    row["aspect_zh"],
                    row["name_zh"],
                    row["unit"],
                    row["direction"],
                    "yes" if row["verified"] == "true" else "no",
                )
                for row in _seed("std_health_check_indicator")
            ],
        ),
    ]
    return "\n\n".join(pages)


def _seed(name: str) -> list[dict[str, str]]:
    """Rows of a seed of `dbt_project/seeds/std`."""
    import csv

    from lake.settings import PROJECT_ROOT

    with (PROJECT_ROOT / "dbt_project" / "seeds" / "std" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


if __name__ == "__main__":
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, text in pages().items():
        (into / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(pages())} pages in {into}\n")
