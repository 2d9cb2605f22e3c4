"""Open exports of a mart: township by month, small cells withheld, with a DCAT catalogue; a month leaves once.

Which marts are open stands in their YAML (``meta: open_data``), so in ``about.open_data`` of the published file. A
month is released when it is whole and ``release_lag_days`` old, and never again: a corrected month beside the first one
would give away by its difference what both withhold.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from lake.engine import connect, quote_identifier, quote_literal
from lake.errors import CitybrainError, told_when_full
from lake.marts import query
from lake.release.suppression import Table, attack, suppress
from lake.settings import Settings

FOLDER = "open"
CATALOG = "catalog.jsonld"
WHOLE, ELSEWHERE = "whole", "elsewhere"
"""Part of a division a row counts: all of it, or what lies in none of its own divisions."""
_KEY = ("month", "division_code", "parent_code", "division_name_zh", "part")


class ReleaseRefused(CitybrainError):
    """Nothing leaves the house as asked."""

    exit_code = 2


@dataclass(frozen=True)
class OpenTable:
    """A mart that is open.

    Attributes:
        mart: ``schema.table``; it has ``division_code`` and ``day_on``.
        title_zh: of the dataset.
        measures: counts to release, each a table of its own: none may be a part of another.
        description: of the mart.
        owner: who answers for it.
    """

    mart: str
    title_zh: str
    measures: tuple[str, ...]
    description: str
    owner: str


@dataclass(frozen=True)
class Rule:
    """What may leave: counts of at least ``k``, months ``lag_days`` old. Seeds ``threshold`` and the city's."""

    k: int
    lag_days: int


@dataclass(frozen=True)
class Released:
    """One month of one dataset.

    Attributes:
        mart, month: which.
        file: its CSV; the Parquet lies beside it.
        cells, withheld: counts in it, and those that are not shown.
        is_new: False when it had left before.
    """

    mart: str
    month: date
    file: Path
    cells: int
    withheld: int
    is_new: bool


def open_tables(settings: Settings) -> list[OpenTable]:
    """Every mart of the published file that is open."""
    rows = query(
        settings,
        "SELECT open.schema || '.' || open.name, open.title_zh, open.measures, model.grain, coalesce(model.owner, '') "
        "FROM about.open_data AS open INNER JOIN about.models AS model USING (schema, name) ORDER BY 1",
    ).rows
    return [OpenTable(mart, title, tuple(said.split(", ")), grain, owner) for mart, title, said, grain, owner in rows]


def rule_of(settings: Settings, city: str, day: date) -> Rule:
    """The rule in force on a day; what the city says in its own ``threshold_override`` goes first, as in the marts.

    Raises:
        ReleaseRefused: none is.
    """
    seeds = settings.root / "dbt_project" / "seeds"
    held = _in_force(seeds / "std" / "threshold.csv", day)
    own = seeds / city / "threshold_override.csv"
    if own.exists():
        held |= _in_force(own, day)
    try:
        return Rule(k=_whole(held, "release_least_n"), lag_days=_whole(held, "release_lag_days"))
    except KeyError as missing:
        raise ReleaseRefused(
            f"no threshold {missing} is in force on {day}", remedy="add it to seeds/std/threshold.csv"
        ) from None


def _in_force(path: Path, day: date) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["threshold_id"]: row["value"]
            for row in csv.DictReader(file)
            if row["valid_from"] <= str(day) and (not row["valid_to"] or str(day) < row["valid_to"])
        }


def _whole(held: Mapping[str, str], name: str) -> int:
    value = Decimal(held[name])
    if value != int(value) or value < 0:
        raise ReleaseRefused(f"threshold {name} is {value}", remedy="give it a whole number")
    return int(value)


def release(settings: Settings, mart: str) -> list[Released]:
    """Write every month of an open mart that may leave and has not yet; gives all that are out.

    Raises:
        ReleaseRefused: the mart is not open.
        BuildFailed: nothing is published.
    """
    tables = {table.mart: table for table in open_tables(settings)}
    if mart not in tables:
        raise ReleaseRefused(
            f"{mart} is not open", remedy=f"name one of {', '.join(tables) or 'none'}, or add `open_data` to its YAML"
        )
    table = tables[mart]
    ((as_of, city),) = query(settings, "SELECT as_of, city FROM about.build").rows
    rule = rule_of(settings, city, as_of)
    folder = settings.home / FOLDER / mart
    folder.mkdir(parents=True, exist_ok=True)
    made = set()
    with told_when_full():
        for month in _months(settings, table, as_of - timedelta(days=rule.lag_days)):
            target = folder / f"{month:%Y-%m}.csv"
            if not target.exists():
                _write(settings, target, table.measures, _rows(settings, table, month, rule.k))
                made.add(target)
        found = [_released(mart, file, is_new=file in made) for file in sorted(folder.glob("*.csv"))]
        _write_catalog(settings, city, list(tables.values()))
    return found


def audit(file: Path) -> dict[str, list[tuple[str, float, float]]]:
    """Attack a released file with nothing but itself: of each measure the withheld cells an outsider can pin down.

    Returns:
        Measure to (cell, least, most) of the cells whose least is their most; empty when the file stands.
    """
    with file.open(encoding="utf-8-sig", newline="") as read:
        rows = list(csv.DictReader(read))
    sums = _sums([(row["division_code"], row["parent_code"], row["part"]) for row in rows])
    found: dict[str, list[tuple[str, float, float]]] = {}
    for measure in [name for name in rows[0] if name not in _KEY and not name.endswith("_is_withheld")]:
        shown = {
            f"{row['division_code']}/{row['part']}": None if row[f"{measure}_is_withheld"] == "true" else
            int(row[measure])
            for row in rows
        }  # fmt: skip
        pinned = [(cell, least, most) for cell, (least, most) in attack(shown, sums).items() if most - least < 0.5]
        if pinned:
            found[measure] = pinned
    return found


def _months(settings: Settings, table: OpenTable, until: date) -> Iterator[date]:
    """First days of the months that are whole in every measure and end by a day."""
    whole = " AND ".join(f"count({quote_identifier(measure)}) = count(*)" for measure in table.measures)
    for (month,) in query(
        settings,
        f"SELECT CAST(date_trunc('month', day_on) AS DATE) AS month FROM {table.mart} GROUP BY month "
        f"HAVING {whole} AND count(DISTINCT day_on) = day(last_day(month)) "
        f"AND last_day(month) <= DATE '{until}' ORDER BY month",
    ).rows:
        yield month


def _rows(settings: Settings, table: OpenTable, month: date, k: int) -> list[dict[str, Any]]:
    """The month's rows, division by division, with small cells withheld."""
    summed = ", ".join(f"CAST(sum({quote_identifier(measure)}) AS BIGINT)" for measure in table.measures)
    counts = {
        code: dict(zip(table.measures, values, strict=True))
        for code, *values in query(
            settings,
            f"SELECT division_code, {summed} FROM {table.mart} WHERE date_trunc('month', day_on) = DATE '{month}' "
            "GROUP BY division_code",
        ).rows
    }
    divisions = [
        row
        for row in query(
            settings,
            "SELECT division_code, coalesce(parent_code, ''), name_zh FROM core.dim_admin_division "
            "WHERE valid_to_on IS NULL ORDER BY level_no, order_no, division_code",
        ).rows
        if row[0] in counts
    ]
    parents = {parent for _, parent, _ in divisions}
    keys = [(code, parent, WHOLE) for code, parent, _ in divisions]
    keys += [(code, parent, ELSEWHERE) for code, parent, _ in divisions if code in parents]
    sums = _sums(keys)
    names = {code: name for code, _, name in divisions}
    rows = [
        {"month": f"{month:%Y-%m}", "division_code": code, "parent_code": parent, "division_name_zh": names[code],
         "part": part}
        for code, parent, part in keys
    ]  # fmt: skip
    for measure in table.measures:
        cells = {f"{code}/{WHOLE}": counts[code][measure] for code, _, _ in divisions}
        for code in names:
            if code in parents:
                inside = sum(counts[child][measure] for child, parent, _ in divisions if parent == code)
                cells[f"{code}/{ELSEWHERE}"] = counts[code][measure] - inside
        try:
            withheld = suppress(Table(cells, sums), k)
        except ValueError as error:
            raise ReleaseRefused(
                f"{table.mart} {measure} of {month:%Y-%m} cannot be released: {error}",
                remedy="look at the mart, or take the measure out of its `open_data`",
            ) from None
        for row in rows:
            cell = f"{row['division_code']}/{row['part']}"
            row[measure] = None if cell in withheld else cells[cell]
            row[f"{measure}_is_withheld"] = cell in withheld
    return rows


def _sums(keys: Sequence[tuple[str, str, str]]) -> dict[str, list[str]]:
    """A division is its divisions and what lies in none of them."""
    sums: dict[str, list[str]] = {f"{code}/{WHOLE}": [f"{code}/{part}"] for code, _, part in keys if part == ELSEWHERE}
    for code, parent, part in keys:
        if part == WHOLE and f"{parent}/{WHOLE}" in sums:
            sums[f"{parent}/{WHOLE}"].append(f"{code}/{WHOLE}")
    return sums


def _write(settings: Settings, target: Path, measures: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Parquet, then CSV: a month is out when its CSV is there."""
    beside = target.with_name(f".{target.name}.unfinished")
    with beside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(str(cell).lower() if isinstance(cell, bool) else cell for cell in row.values())
    types = dict.fromkeys(_KEY, "VARCHAR")
    for measure in measures:
        types |= {measure: "BIGINT", f"{measure}_is_withheld": "BOOLEAN"}
    parquet = target.with_suffix(".parquet")
    half = parquet.with_name(f".{parquet.name}.unfinished")
    columns = ", ".join(f"{quote_literal(name)}: {quote_literal(kind)}" for name, kind in types.items())
    with connect(settings) as duck:
        duck.execute(
            f"COPY (SELECT * FROM read_csv({quote_literal(str(beside))}, header = true, delim = ',', quote = '\"', "
            f"columns = {{{columns}}})) TO {quote_literal(str(half))} (FORMAT parquet, COMPRESSION zstd)"
        )
    half.replace(parquet)
    beside.replace(target)


def _released(mart: str, file: Path, *, is_new: bool) -> Released:
    with file.open(encoding="utf-8-sig", newline="") as read:
        rows = list(csv.DictReader(read))
    flags = [row[name] for row in rows for name in row if name.endswith("_is_withheld")]
    month = date.fromisoformat(f"{file.stem}-01")
    return Released(mart, month, file, len(flags), flags.count("true"), is_new)


def _write_catalog(settings: Settings, city: str, tables: Sequence[OpenTable]) -> None:
    """DCAT 3 as JSON-LD: a dataset per open mart, a distribution per file."""
    folder = settings.home / FOLDER
    datasets = []
    for table in tables:
        months = sorted(file.stem for file in (folder / table.mart).glob("*.csv"))
        if not months:
            continue
        datasets.append(
            {
                "@id": f"urn:citybrain:{city}:open:{table.mart}",
                "@type": "dcat:Dataset",
                "dct:identifier": table.mart,
                "dct:title": {"@value": table.title_zh, "@language": "zh"},
                "dct:description": {"@value": table.description, "@language": "en"},
                "dct:publisher": {"@type": "foaf:Agent", "foaf:name": table.owner},
                "dct:accrualPeriodicity": {"@id": "http://publications.europa.eu/resource/authority/frequency/MONTHLY"},
                "dct:accessRights": {"@id": "http://publications.europa.eu/resource/authority/access-right/PUBLIC"},
                "dct:temporal": {
                    "@type": "dct:PeriodOfTime",
                    "dcat:startDate": {"@value": months[0], "@type": "xsd:gYearMonth"},
                    "dcat:endDate": {"@value": months[-1], "@type": "xsd:gYearMonth"},
                },
                "dcat:distribution": [
                    {
                        "@id": f"urn:citybrain:{city}:open:{table.mart}:{month}:{suffix}",
                        "@type": "dcat:Distribution",
                        "dcat:downloadURL": {"@id": f"{table.mart}/{month}.{suffix}"},
                        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{kind}"},
                        "dcat:byteSize": (folder / table.mart / f"{month}.{suffix}").stat().st_size,
                    }
                    for month in months
                    for suffix, kind in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet"))
                ],
            }
        )
    catalog = {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": f"urn:citybrain:{city}:open",
        "@type": "dcat:Catalog",
        "dct:title": {"@value": f"{city} open data", "@language": "en"},
        "dcat:dataset": datasets,
    }
    target = folder / CATALOG
    beside = target.with_suffix(".unfinished")
    beside.write_text(json.dumps(catalog, ensure_ascii=False, indent=1), encoding="utf-8")
    beside.replace(target)
