"""Traps of departments' files, one small file each: what the draft makes of them, and that it loads what it drafted."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rule

from lake.contracts.model import Mode, Treatment, Window
from lake.errors import ContractError
from lake.load import load_range
from lake.onboarding import Asked, Drafted, draft
from lake.onboarding.names import load_terms, name_columns
from lake.onboarding.series import read_name, series_of
from lake.reconcile import reconcile
from lake.settings import Settings

DATASET = "town.dep.thing"
ROWS = 60
Drop = Callable[..., Drafted]


@pytest.fixture
def town(tmp_path: Path) -> Settings:
    """A project of its own, without a contract."""
    return made_in(tmp_path)


def made_in(folder: Path) -> Settings:
    (folder / "drop").mkdir(parents=True)
    made = Settings.from_environment(
        {
            "CITYBRAIN_CITY": "town",
            "CITYBRAIN_HOME": str(folder / "home"),
            "CITYBRAIN_ROOT": str(folder / "root"),
            "CITYBRAIN_THREADS": "1",
            "CITYBRAIN_CONN_DEP_DROP": (folder / "drop").as_uri(),
        }
    )
    made.make_home()
    return made


def drafted(town: Settings, files: dict[str, bytes | str], **said: Any) -> Drafted:
    folder = town.home.parent / "drop"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = draft(Asked(DATASET, str(folder), zone="Asia/Shanghai", **said), town)
    assert found.mistakes == ()
    return found


def table(header: str, row: Callable[[int], str], rows: int = ROWS) -> str:
    return "\n".join([header, *(row(n) for n in range(1, rows + 1))]) + "\n"


def column(found: Drafted, name: str) -> tuple[str, str | None]:
    made = found.verdict.contract.column(name)
    return made.type, made.format


def hints(found: Drafted, name: str) -> set[str]:
    return {hint.kind for hint in found.verdict.profile.column(name).hints}


def loaded(town: Settings, found: Drafted, window: Window | None = None) -> tuple[int, int]:
    """Records accepted and quarantined by the real load; none may be anywhere else."""
    first = found.verdict.versions[0].valid_from
    results = load_range(DATASET, window or Window(first, found.sample.last_day or first), town)
    assert [row for row in reconcile(town) if row.unaccounted] == []
    return sum(r.accepted for r in results), sum(r.quarantined for r in results)


# ---- types ----------------------------------------------------------------------------------------------------------


def test_a_column_gets_the_type_its_values_have(town: Settings) -> None:
    cases: dict[str, tuple[Callable[[int], str], tuple[str, str | None]]] = {
        "n": (lambda n: str(n * 7), ("BIGINT", None)),
        "zip": (lambda n: f"{n % 9:05}", ("VARCHAR", None)),
        "card": (lambda n: f"{10**19 + n}", ("VARCHAR", None)),
        "price": (lambda n: f"{n}.{n % 1000:03}", ("DECIMAL(7,3)", None)),
        "day": (lambda n: f"2024{1 + n % 12:02}{1 + n % 28:02}.0", ("DATE", "%Y%m%d.0")),
        "date": (lambda n: f"2024{1 + n % 12:02}{1 + n % 28:02}", ("DATE", "%Y%m%d")),
        "us_date": (lambda n: f"{1 + n % 12:02}/{1 + n % 28:02}/2024", ("DATE", "%m/%d/%Y")),
        "日期": (lambda n: f"2024年{1 + n % 12}月{1 + n % 28}日", ("DATE", "%Y年%m月%d日")),
        "受理时间": (
            lambda n: f"2024/{1 + n % 12}/{1 + n % 28} {n % 24}:{n % 60:02}:05",
            ("TIMESTAMPTZ", "%Y/%m/%d %H:%M:%S"),
        ),
        "us_at": (
            lambda n: f"{1 + n % 12:02}/{1 + n % 28:02}/2024 {1 + n % 12:02}:05:00 {'AP'[n % 2]}M",
            ("TIMESTAMPTZ", "%m/%d/%Y %I:%M:%S %p"),
        ),
        "at": (lambda n: f"2024-{1 + n % 12:02}-{1 + n % 28:02}T0{n % 10}:05:00Z", ("TIMESTAMPTZ", None)),
        "open": (lambda n: ("true", "FALSE")[n % 2], ("BOOLEAN", None)),
        "wind": (lambda n: f"{n}e-3", ("DOUBLE", None)),
    }
    content = table(",".join(["id", *cases]), lambda n: ",".join([str(n), *(cell(n) for cell, _ in cases.values())]))
    made = drafted(town, {"t_20240101.csv": content}).verdict.contract
    found = {column.source_name: (column.type, column.format) for column in made.columns[1:]}
    assert found == {header: expected for header, (_, expected) in cases.items()}


def test_what_the_lake_cannot_type_the_staging_model_reads(town: Settings) -> None:
    cases: dict[str, tuple[Callable[[int], str], str, str]] = {
        "updated_at": (lambda n: str(1_700_000_000 + n), "epoch_s", "to_timestamp(record.updated_at)"),
        "changed_at": (lambda n: str(1_700_000_000_000 + n), "epoch_ms", "to_timestamp(record.changed_at / 1000)"),
        "book_date": (lambda n: str(45_000 + n), "excel_serial", "as book_date_day"),
        "aqi": (lambda n: f"{n}~{n + 9}", "range", "as aqi_from"),
        "sum": (lambda n: f'"1,{n:03}.50"', "grouped_number", "as sum_value"),
        "share": (lambda n: f"{n}%", "percent", "as share_percent"),
    }
    content = table(",".join(["id", *cases]), lambda n: ",".join([str(n), *(cell(n) for cell, _, _ in cases.values())]))
    found = drafted(town, {"t_20240101.csv": content})
    model = next(text for path, text in found.files.items() if path.suffix == ".sql")
    for header, (_, hint, sql) in cases.items():
        assert hint in hints(found, header), header
        assert sql in model, header


def test_what_data_cannot_decide_is_asked_and_left_open(town: Settings) -> None:
    """Day or month first; a cap; a word that may be a value; times whole hours apart; few values that do not fit."""
    content = table(
        "id,seen_on,pm,level,opened_at,closed_at,n",
        lambda n: (
            f"{n},0{1 + n % 9}/0{1 + n % 7}/2024,{999 if n == 5 else n},{'无' if n % 5 else 'high'},"
            f"2024-01-01T01:{n % 60:02}:00Z,2024-01-01T05:{n % 60:02}:07Z,{'few' if n == 7 else n}"
        ),
        rows=200,
    )
    found = drafted(town, {"t_20240101.csv": content})
    open_ = {(d.about, d.question) for d in found.verdict.decisions if d.is_open}
    told = {(d.about, d.question) for d in found.verdict.decisions}
    assert ("seen_on", "Which comes first, day or month?") in open_
    assert ("closed_at", "Do both columns mean the same zone?") in open_
    assert ("n", "Is the type right?") in open_
    assert ("pm", "Is this number a value?") in told
    assert ("level", "Is this word a value?") in told
    assert "无" not in found.verdict.contract.null_markers
    assert loaded(town, found) == (199, 1), "the one value that does not fit was announced"


def test_markers_of_missing_values_are_found_where_they_stand(town: Settings) -> None:
    cells = ["NA", "-", r"\N", "NULL", "无", "  "]
    found = drafted(
        town,
        {
            "t_20240101.csv": table(
                "id,n", lambda n: f"{n},{cells[n // 10 - 1] if n % 10 == 0 and n <= 60 else n}", rows=70
            )
        },
    )
    assert set(found.verdict.contract.null_markers) == set(cells)
    assert column(found, "n") == ("BIGINT", None)
    assert loaded(town, found) == (70, 0)


# ---- how files are written -------------------------------------------------------------------------------------------


def test_a_header_that_begins_on_some_day_is_a_version_of_the_contract(town: Settings) -> None:
    first = date(2024, 5, 1)
    files: dict[str, bytes | str] = {}
    for n in range(12):
        day = first + timedelta(days=n)
        rows = [f"{day}T0{k}:00:00,{('wall', 'fall')[k % 2]},{n * 10 + k}" for k in range(5)]
        files[f"{day:%Y}/{day}.csv"] = "\n".join(([] if n < 5 else ["seen_at,what,number"]) + [*rows, rows[0]]) + "\n"
    del files["2024/2024-05-03.csv"]
    found = drafted(town, files)
    older, newer = found.verdict.versions
    assert (older.source.arguments, newer.source.arguments) == (
        {"pattern": "{day:%Y}/{day:%Y-%m-%d}.csv", "header": False},
        {"pattern": "{day:%Y}/{day:%Y-%m-%d}.csv"},
    )
    assert (older.valid_from, newer.valid_from) == (first, date(2024, 5, 6))
    assert [c.name for c in older.columns] == [c.name for c in newer.columns] == ["seen_at", "what", "number"]
    assert (newer.mode, newer.partition_column) == (Mode.DAY, "seen_at")
    assert found.sample.missing_days == (date(2024, 5, 3),)
    assert found.verdict.profile.duplicates == 11
    assert loaded(town, found) == (55, 0)


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        ("﻿编号,名称\n" + "".join(f"{n},路灯{n}\n" for n in range(1, 30)), "utf-8", ","),
        (("编号;名称\n" + "".join(f"{n};路灯{n}\n" for n in range(1, 30))).encode("gb18030"), "gb18030", ";"),
        (("id\tname\n" + "".join(f"{n}\tStraße {n}\n" for n in range(1, 30))).encode("latin-1"), "latin-1", "\t"),
        (gzip.compress(("id|name\n" + "".join(f"{n}|a {n}\n" for n in range(1, 30))).encode()), "utf-8", "|"),
    ],
)
def test_text_is_read_as_it_is_written(town: Settings, content: bytes | str, encoding: str, delimiter: str) -> None:
    name = "t_20240101.csv.gz" if isinstance(content, bytes) and content[:2] == b"\x1f\x8b" else "t_20240101.csv"
    found = drafted(town, {name: content})
    contract = found.verdict.contract
    assert (contract.encoding, contract.delimiter) == (encoding, delimiter)
    assert loaded(town, found) == (29, 0)


def test_line_ends_within_quotes_are_found(town: Settings) -> None:
    found = drafted(
        town, {"t_20240101.csv": table("id,kind", lambda n: f'{n},"{"a" if n % 9 else "b" + chr(10) + "c"}"')}
    )
    assert found.verdict.contract.source.arguments["multiline"] is True
    assert loaded(town, found) == (ROWS, 0)


def test_other_formats_come_by_their_own_readers(tmp_path: Path) -> None:
    """Workbook with a title above its header, JSON with its list two keys down, JSON lines, a zip with a note."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Roads of the town"])
    sheet.append(["id", "opened on", "name"])
    for n in range(1, 31):
        sheet.append([n, date(2024, 1, 1) + timedelta(days=n % 28), f"road {n}"])
    book.save(tmp_path / "book.xlsx")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("note.txt", "hello")
        archive.writestr("data.csv", "id,name\n" + "".join(f"{n},road {n}\n" for n in range(1, 31)))
    items = [{"id": n, "at": {"lat": 30 + n / 1000}} for n in range(1, 31)]
    files: dict[str, bytes] = {
        "t_20240101.xlsx": (tmp_path / "book.xlsx").read_bytes(),
        "t_20240101.json": json.dumps({"meta": [], "result": {"rows": items}}).encode(),
        "t_20240101.jsonl": "\n".join(json.dumps(item) for item in items).encode(),
        "t_20240101.csv.zip": (tmp_path / "packed.zip").read_bytes(),
    }
    seen = {}
    for name, content in files.items():
        town = made_in(tmp_path / name)
        found = drafted(town, {name: content})
        assert loaded(town, found) == (30, 0), name
        seen[name.partition(".")[2]] = (
            found.verdict.contract.source.connector,
            found.verdict.contract.source.arguments,
        )
    assert seen["xlsx"][0] == "excel_files" and seen["xlsx"][1]["header_row"] == 2
    assert seen["json"] == ("json_files", {"pattern": "t_{day:%Y%m%d}.json", "row_path": "result.rows"})
    assert seen["csv.zip"][1]["member"] == "*.csv"


def test_one_name_that_is_written_over_is_a_snapshot(town: Settings) -> None:
    found = drafted(town, {"roads.csv": table("id,name", lambda n: f"{n},road {n}")})
    assert found.verdict.contract.mode is Mode.SNAPSHOT
    day = date(2024, 1, 1)
    assert loaded(town, found, Window(day, day)) == (ROWS, 0)


def test_files_that_differ_by_a_word_are_one_source(town: Settings) -> None:
    files: dict[str, bytes | str] = {}
    for station in ("north", "south", "west"):
        rows = [f"{station},{hour},{hour % 7}.5" for hour in range(24)]
        files[f"air_{station}_20240101.csv"] = "\n".join(["station,hour,pm", *rows]) + "\n"
    found = drafted(town, files)
    assert found.verdict.contract.source.arguments["pattern"] == "air_*_{day:%Y%m%d}.csv"
    assert found.verdict.key.columns == ("station", "hour")
    assert loaded(town, found) == (72, 0)


@pytest.mark.parametrize(
    ("path", "pattern", "day"),
    [
        ("data/2020/2020-12-28.csv", "data/{day:%Y}/{day:%Y-%m-%d}.csv", date(2020, 12, 28)),
        ("PRSA_20130301-20170228.csv.gz", "PRSA_{day:%Y%m%d}-20170228.csv.gz", date(2013, 3, 1)),
        ("m_2022_01/x_202201.csv", "m_{day:%Y_%m}/x_{day:%Y%m}.csv", date(2022, 1, 1)),
        ("code_320602.csv", "code_320602.csv", None),
        ("a{b}_20230101.csv", "a{{b}}_{day:%Y%m%d}.csv", date(2023, 1, 1)),
    ],
)
def test_a_day_is_read_in_a_name(path: str, pattern: str, day: date | None) -> None:
    assert (read_name(path).pattern, read_name(path).day) == (pattern, day)
    assert series_of([(path, 1)])[0].pattern == pattern


def test_names_and_titles_come_from_headers(tmp_path: Path) -> None:
    terms = load_terms(tmp_path)  # a project without words of its own
    named = name_columns(["受理时间", "temperature (°C)", "EPAFacilityID", "奇怪的列", "name", "name", ""], {}, terms)
    assert [n.name for n in named] == ["accepted_at", "temperature", "epa_facility_id", "c04", "name", "name_2", "c07"]
    assert [n.is_sure for n in named] == [True, True, True, False, True, True, False]
    assert named[1].unit == "°C" and named[0].title_zh == "受理时间"


def test_a_draft_never_writes_over_what_is_there(town: Settings) -> None:
    content = {"t_20240101.csv": table("id,n", lambda n: f"{n},{n}")}
    drafted(town, dict(content))
    with pytest.raises(ContractError, match="there already"):
        drafted(town, {})
    assert draft(Asked(DATASET, str(town.home.parent / "drop"), zone="UTC"), town, force=True).mistakes == ()


def test_two_texts_of_one_number_are_no_two_keys(town: Settings) -> None:
    """1 and 1.0 are one number in the lake: as a key they would clash, and both records would be held back."""
    rows = [f"{n}{suffix},{kind},{n * 3}" for n in range(1, 30) for suffix, kind in (("", "a"), (".0", "b"))]
    found = drafted(town, {"t_20240101.csv": "\n".join(["id,kind,size", *rows]) + "\n"})
    assert found.verdict.key.columns == ("id", "kind")
    assert loaded(town, found) == (58, 0)


# ---- people ----------------------------------------------------------------------------------------------------------


def id_card(random_: random.Random) -> str:
    born = date(1950, 1, 1) + timedelta(days=random_.randint(0, 20_000))
    body = f"320602{born:%Y%m%d}{random_.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def bank_card(random_: random.Random) -> str:
    body = "622848" + "".join(str(random_.randint(0, 9)) for _ in range(12))
    total = sum(d if n % 2 else (d * 2 - 9 if d > 4 else d * 2) for n, d in enumerate(int(c) for c in reversed(body)))
    return body + str(-total % 10)


PEOPLE: dict[str, Callable[[random.Random, int], str]] = {
    # Header that says nothing, and what stands under it.
    "f1": lambda r, n: f"13{r.randint(100000000, 999999999)}",
    "f2": lambda r, n: id_card(r),
    "f3": lambda r, n: bank_card(r),
    "f4": lambda r, n: f"u{n}@example.net",
    "f5": lambda r, n: f"苏F{r.randint(10000, 99999)}",
    "f6": lambda r, n: (
        r.choice("王李张刘陈") + r.choice("伟芳娜敏静丽强磊军洋") + r.choice("伟芳娜敏静丽强磊军洋明超霞平刚")
    ),
    "f7": lambda r, n: f"人民路{r.randint(1, 300)}号{r.randint(1, 9)}幢{r.randint(101, 999)}室",
    "f8": lambda r, n: (
        f"来电反映小区噪声扰民，请联系{r.choice('王李张')}先生13{r.randint(100000000, 999999999)}，已经第{n}次"
    ),
    "联系电话": lambda r, n: "" if n % 2 else f"8{r.randint(100000, 999999)}",
    "incident_address": lambda r, n: f"{r.randint(1, 900)} {r.choice(('CARROLL', 'HILL'))} STREET",
    "resolution_description": lambda r, n: f"The agency inspected the place and found reason {n}",
    "birth_date": lambda r, n: f"19{r.randint(50, 99)}-0{r.randint(1, 9)}-1{r.randint(0, 9)}",
    # A few that come again and again, which are people and remarks all the same.
    "经办人": lambda r, n: r.choice(("王芳", "李强", "张敏")),
    "备注": lambda r, n: r.choice(("已电话告知当事人", "家中无人应答")),
}
NOBODY: dict[str, Callable[[random.Random, int], str]] = {
    "order_no": lambda r, n: f"{13800000000 + n}",
    "agency_name": lambda r, n: r.choice(("Department of Roads", "Department of Parks")),
    "事故发生日期": lambda r, n: f"2024-0{r.randint(1, 9)}-1{r.randint(0, 9)}",
    "street_name": lambda r, n: r.choice(("CARROLL STREET", "HILL STREET", "BAY ROAD")),
    "处置单位名称": lambda r, n: r.choice(("城管局", "住建局", "环保局")),
    "point": lambda r, n: f"({30 + n / 1000:.4f}, {120 + n / 1000:.4f})",
    "status": lambda r, n: r.choice(("Open", "Closed")),
    "type_name": lambda r, n: r.choice(("高空抛物", "路面坑洼", "黄土裸露")),
    "amount": lambda r, n: f"{n}.50",
    "created_at": lambda r, n: f"2024-01-0{1 + n % 9} 08:00:{n % 60:02}",
}


def test_personal_columns_are_found_and_no_others(town: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Precision and recall on planted columns; and none of their values in anything written or printed."""
    random_ = random.Random(7)
    columns = {**PEOPLE, **NOBODY}
    rows = [[str(n), *(make(random_, n) for make in columns.values())] for n in range(1, 301)]
    lines = [",".join(["id", *columns]), *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    found = drafted(town, {"t_20240101.csv": "\n".join(lines) + "\n"})
    by_source = {c.source_name: c for c in found.verdict.contract.columns}
    flagged = {source for source, c in by_source.items() if c.treatment is not Treatment.KEEP}
    assert flagged == set(PEOPLE), f"missed {set(PEOPLE) - flagged}, wrongly {flagged - set(PEOPLE)}"
    assert {by_source[name].classification for name in ("f2", "f3")} == {"L4"}
    texts = "".join([*found.files.values(), found.decisions_file.read_text(encoding="utf-8"), *capsys.readouterr()])
    texts += json.dumps([dataclasses.asdict(decision) for decision in found.verdict.decisions], ensure_ascii=False)
    planted = {cell for row in rows for cell in row[1 : 1 + len(PEOPLE)] if len(cell) > 3}
    assert not [cell for cell in planted if cell in texts]
    assert not list(town.staging.glob("draft-*")), "the sample is gone"


# ---- whatever is written ---------------------------------------------------------------------------------------------

_CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
    st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(str),
    st.datetimes().map(lambda moment: moment.isoformat(sep=" ", timespec="seconds")),
    st.sampled_from(["", "NA", "-", "NULL", "0012", "1e5", "true", "无", " ", "12%", "3~4", "1,234", '"', "'", "=1+1"]),
)


@rule(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_written_loads_whole_or_the_draft_says_what_is_open(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    width = data.draw(st.integers(1, 4))
    columns = [data.draw(st.lists(_CELLS, min_size=8, max_size=8)) for _ in range(width)]
    rows = [[str(n), *(column[n % 8] for column in columns)] for n in range(30)]
    lines = [["number", *(f"field_{n}" for n in range(width))], *rows]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines) + "\n"
    town = made_in(tmp_path_factory.mktemp("any"))
    found = drafted(town, {"t_20240101.csv": text})
    accepted, quarantined = loaded(town, found)
    assert accepted + quarantined == 30
    assert quarantined == 0 or any(decision.is_open for decision in found.verdict.decisions)


def test_no_decision_shows_a_pattern_of_a_machine(town: Settings) -> None:
    """The files of a draft name the connection, never the folder it was drafted from."""
    found = drafted(town, {"t_20240101.csv": table("id,n", lambda n: f"{n},{n}")})
    assert not [path for path, text in found.files.items() if re.search(re.escape(str(town.home.parent)), text)]
