"""Names that are SQL, templates or wildcards: drafted, checked and loaded as what they are, or refused; never run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import psycopg
import pytest
from faults.town import Town, rows
from psycopg import sql
from servers.mariadb import MariaDB, mariadb
from servers.postgres import PostgresServer
from typer.testing import CliRunner

from lake.contracts import contract_for
from lake.contracts.model import Window
from lake.errors import CitybrainError
from lake.load import load
from lake.onboarding import Asked, draft
from lake.settings import Settings

DAY = date(2023, 3, 6)
DATASET = "town.odd.thing"
NAMES = [
    "nr",
    'a"; DROP TABLE canary; --',
    "b'); COPY (SELECT 1) TO 'canary'; --",
    "back\\slash\\",
    "$$; DELETE FROM canary; $$",
    "“curly” ‘quotes’",
    "%s %(x)s %d",
    "{day:%Y} {{ ref('x') }} {0}",
    "`tick` DROP",
    "Straße; SELECT * FROM read_text('/etc/passwd')",
    "a.b",
    "a b",
    "select",
]
NEW_LINE = "new\nline'; DROP TABLE canary; --"
CELLS = [[100 * row + column for column in range(1, len(NAMES) + 2)] for row in range(1, 4)]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town, and in the working directory a file that a statement could overwrite."""
    made = Town(tmp_path).found()
    room = tmp_path / "here"
    room.mkdir()
    (room / "canary").write_text("alive")
    monkeypatch.chdir(room)
    return made


def brought(town: Town, environment: dict[str, str], source: str, *more: str) -> list[tuple[int, ...]]:
    """Draft, check and load by command; the cells that were accepted, in the source's order of columns."""
    from lake.cli import app

    given = town.environment | environment

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, list(words), env=given)
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    run("contract", "draft", source, "--dataset", DATASET, "--key", "nr", "--force", *more)
    run("contract", "check", *map(str, (town.base / "root/contracts/town/odd").glob("*.yaml")))
    run("load", DATASET, "--from", str(DAY))
    run("quarantine", "show", DATASET)
    settings = Settings.from_environment(given)
    contract = contract_for(DATASET, DAY, settings)
    # `ds`, then the columns of the contract in its order.
    assert [path.name for path in Path().iterdir()] == ["canary"]
    assert Path("canary").read_text() == "alive"
    return sorted(tuple(int(cell) for cell in row[1 : 1 + len(contract.columns)]) for row in rows(settings, DATASET))


def expected(columns: int) -> list[tuple[int, ...]]:
    return [tuple(row[:columns]) for row in CELLS]


def as_csv(path: Path, names: list[str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, *(row[: len(names)] for row in CELLS)])
    path.write_text(text.getvalue())


def as_json(path: Path, names: list[str]) -> None:
    records = [dict(zip(names, row, strict=False)) for row in CELLS]
    path.write_text(json.dumps({"it's \"; DROP": records}, ensure_ascii=False))


def as_excel(path: Path, names: list[str]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "x'\"; DROP TABLE x; --"
    for row in ([*names], *(row[: len(names)] for row in CELLS)):
        sheet.append(row)
    book.save(path)


def as_parquet(path: Path, names: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({name: [row[n] for row in CELLS] for n, name in enumerate(names)}), path)


@pytest.mark.parametrize(
    ("suffix", "write", "names"),
    [
        ("csv", as_csv, NAMES),
        # Dots and slashes in a JSON name lead to inner objects.
        ("json", as_json, [*(name for name in NAMES if "." not in name and "/" not in name), NEW_LINE]),
        ("xlsx", as_excel, NAMES),
        ("parquet", as_parquet, [*NAMES, NEW_LINE]),
    ],
)
def test_columns_of_a_file(town: Town, suffix: str, write: object, names: list[str]) -> None:
    write(town.drop / f"x'$$_20230306.{suffix}", names)  # type: ignore[operator]
    assert brought(town, {}, str(town.drop), "--connection", "drop") == expected(len(names))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_whose_name_is_a_wildcard_is_read_alone(town: Town, suffix: str) -> None:
    write = {"csv": as_csv, "parquet": as_parquet}[suffix]
    write(town.drop / f"x_20230306a.{suffix}", ["nr", "n"])
    for number, name in enumerate(("*", "?", "[a]", "{a,b}", "a'; --", "%61", "**", "a!b", "a#b")):
        for row in CELLS:
            row[0] = 1000 * (number + 1) + row[0] % 1000  # keys of its own
        write(town.drop / f"x_20230306{name}.{suffix}", ["nr", "n"])
    for row in CELLS:
        row[0] %= 1000
    found = brought(
        town, {}, str(town.drop), "--connection", "drop", "--pattern", f"x_{{day:%Y%m%d}}*.{suffix}",
    )  # fmt: skip
    assert sorted(nr for nr, _ in found) == sorted(1000 * number + row[0] for number in range(10) for row in CELLS)


def test_a_files_name_that_leads_elsewhere_is_refused(town: Town) -> None:
    outside = town.base / "outside_20230306.csv"
    as_csv(outside, NAMES)
    for pattern in ("../outside_{day:%Y%m%d}.csv", "/etc/x_{day:%Y%m%d}.csv", "a/../../outside_{day:%Y%m%d}.csv"):
        with pytest.raises((CitybrainError, ValueError)):
            draft(Asked(DATASET, "drop", connector="csv_files", arguments={"pattern": pattern}), town.settings)
    assert not list(town.settings.landing.rglob("outside*"))


# ---- databases -----------------------------------------------------------------------------------------------------


SCHEMA, TABLE = 's"; DROP$$', "t'\"`;\\--%s{x}"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


def test_names_of_postgresql(town: Town, postgres: PostgresServer) -> None:
    schema, table = (name.replace(" ", "") for name in (SCHEMA, TABLE))
    names = [*NAMES, NEW_LINE]
    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        connection.execute("CREATE TABLE canary (id int); INSERT INTO canary VALUES (1)")
        made = sql.Identifier(schema, table)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        connection.execute(
            sql.SQL("CREATE TABLE {} ({})").format(
                made, sql.SQL(", ").join(sql.SQL("{} int").format(sql.Identifier(name)) for name in names)
            )
        )
        for row in CELLS:
            connection.execute(
                sql.SQL("INSERT INTO {} VALUES ({})").format(made, sql.SQL(", ").join(map(sql.Literal, row)))
            )
        found = brought(
            town, {"CITYBRAIN_CONN_HALL": postgres.address()}, "hall", "--table", f"{schema}.{table}",
            "--connection", "hall",
        )  # fmt: skip
        assert found == expected(len(names))
        assert connection.execute("SELECT count(*) FROM canary").fetchone() == (1,)


def test_names_of_mariadb(town: Town, maria: MariaDB) -> None:
    names = [*NAMES, NEW_LINE]
    quoted = ["`" + name.replace("`", "``") + "`" for name in (TABLE, *names)]
    with maria.admin() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE canary (id int)")
        cursor.execute("INSERT INTO canary VALUES (1)")
        cursor.execute(f"CREATE TABLE {quoted[0]} ({', '.join(f'{name} int' for name in quoted[1:])})")
        for row in CELLS:
            cursor.execute(f"INSERT INTO {quoted[0]} VALUES ({', '.join(map(str, row))})")
        found = brought(
            town, {"CITYBRAIN_CONN_HALL": maria.uri}, "hall", "--table", f"hall.{TABLE}", "--connection", "hall"
        )
        assert found == expected(len(names))
        cursor.execute("SELECT count(*) FROM canary")
        assert cursor.fetchone() == (1,)


def test_a_table_that_is_a_statement_is_none(town: Town, postgres: PostgresServer) -> None:
    for table in ("pg_sleep(9)", "public.canary; DROP TABLE canary", "public.(SELECT 1)", "public.canary'--"):
        with pytest.raises(CitybrainError):
            draft(
                Asked(DATASET, "hall", connector="postgres", arguments={"table": table}),
                Settings.from_environment(town.environment | {"CITYBRAIN_CONN_HALL": postgres.address()}),
            )


def test_the_window_of_a_load_is_no_statement(town: Town) -> None:
    as_csv(town.drop / "x_20230306.csv", NAMES)
    brought(town, {}, str(town.drop), "--connection", "drop")
    with pytest.raises((CitybrainError, ValueError)):
        load("town.odd.thing'; DROP TABLE x; --", Window(DAY, DAY), town.settings)
