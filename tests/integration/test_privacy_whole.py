"""Personal data stops at admission: from landed bytes to the published file, no planted value leaves the vault.

The real contracts, suites and dbt project of Queens; files, extraction and pages as their connectors land them.
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import logging
import re
import shutil
import traceback
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faults.town import DEFECT, Town
from servers.mail import MailServer
from servers.receiver import Receiver
from typer.testing import CliRunner

from lake.backup import Store
from lake.connectors import FetchedFile
from lake.contracts import contract_for
from lake.contracts.model import Window
from lake.errors import CitybrainError
from lake.landing import Landed, delivery_folder
from lake.landing.manifest import write_manifest
from lake.load import resume
from lake.marts import build, publish
from lake.settings import Settings
from lake.upkeep import make_ready

DAY = date(2023, 4, 3)
SCOUT, REQUEST, COLLISION = "queens.dot.street_defect", "queens.nyc311.service_request", "queens.nypd.collision"
GOOD = 1600
"""Good records beside the broken ones of each delivery, so that no column looks retyped as a whole."""


def planted(number: int) -> dict[str, str]:
    """One person's eight kinds of values, each a text found nowhere else."""
    return {
        "phone": f"139{number:04}6642",
        "mail": f"zq{number:04}@example.net",
        "identity card": f"11010519491231{number:04}",
        "name": f"Xaverius Quillfeather{number:04}",
        "address": f"{number:04} Zzyzx Mews",
        "bank card": f"62170042{number:04}88215",
        "plate": f"京Q{number:04}Z",
        "licence": f"LIC-{number:04}-QXZ",
    }


VALUES = [value for number in range(25) for value in planted(number).values()]


def misplaced(value: str) -> str:
    """A value where a number or a time belongs. One of digits alone would be a number like any other."""
    return f"of {value}"


def cells(number: int, *, value: str | None = None, broken: str | None = None) -> dict[str, str]:
    """A request: the value in every column a person's data may stand in, and in one that it does not fit."""
    given = {
        "Unique Key": str(50_000_000 + number), "Created Date": "04/03/2023 09:30:00 AM",
        "Closed Date": "04/03/2023 10:30:00 AM",
        "Agency": "DOT", "Agency Name": "Department of Transportation", "Complaint Type": "Street Condition",
        "Descriptor": "Pothole", "Incident Zip": "11101", "Incident Address": f"{number} GOOD STREET",
        "Street Name": "GOOD STREET", "City": "ASTORIA", "Status": "Open", "Resolution Description": "none",
        "BBL": "4000010001", "Borough": "QUEENS", "X Coordinate (State Plane)": "1005000",
        "Y Coordinate (State Plane)": "215000", "Latitude": "40.751", "Longitude": "-73.931", "Location": "x",
    }  # fmt: skip
    if value is not None:
        told = f"The caller {value} said so"
        given |= {"Incident Address": value, "Street Name": value, "Resolution Description": told, "Location": value,
                  "BBL": value}  # fmt: skip
        given |= {broken: misplaced(value)} if broken else {}
    return given


BROKEN = [None, "Latitude", "X Coordinate (State Plane)", "Closed Date", "Unique Key"]


def requests() -> list[dict[str, str]]:
    bad = [cells(n, value=value, broken=BROKEN[n % len(BROKEN)]) for n, value in enumerate(VALUES)]
    return bad + [cells(n) for n in range(len(VALUES), len(VALUES) + GOOD)]


def landed(settings: Settings, dataset: str, name: str, content: bytes, records: int, day: date | None = None) -> str:
    """A delivery as landing leaves it; gives its id."""
    contract = contract_for(dataset, DAY, settings)
    sha256 = hashlib.sha256(content).hexdigest()
    delivery = f"{DAY}-{sha256[:16]}"
    folder = delivery_folder(settings, dataset, delivery)
    (folder / "files").mkdir(parents=True)
    (folder / "files" / name).write_bytes(content)
    file = FetchedFile(name, day, sha256, len(content), records)
    write_manifest(
        Landed(contract, Window(DAY, DAY), delivery, folder, (file,), records, (), True, datetime.now(UTC), sha256),
        folder,
    )
    return delivery


def drop(settings: Settings, *, truncated: bool = False, shifted: bool = False) -> str:
    """A day of SCOUT; or one whose columns are shifted by one, so that every cell stands in another's place."""
    records = requests()
    lines = [",".join(records[0]), *(",".join(record.values()) for record in records)]
    if shifted:
        lines[1:] = [line.partition(",")[2] + "," for line in lines[1:]]
    if truncated:
        lines[0] = lines[1]  # the header is missing: a record stands in its place
    lines += [f"{value},a line too short" for value in VALUES[:20]]
    content = ("\n".join(lines) + "\n").encode()
    return landed(settings, SCOUT, f"SCOUT_{DAY:%Y%m%d}.csv", content, len(lines) - 1, DAY)


def extraction(settings: Settings, scratch: Path) -> str:
    """The table of the call centre, all text but the key, as the database connector writes it."""
    contract = contract_for(REQUEST, DAY, settings)
    records = [
        [{**dict(zip(cells(0), record.values(), strict=True))}[source] for source in cells(0)] for record in requests()
    ]
    names = [column.source_name for column in contract.columns]
    iso = [
        [v if name not in ("created_at", "closed_at") or v.startswith("of ") else "2023-04-03 13:30:00+00" if v else ""
         for name, v in zip(names, record, strict=False)] + ["2023-04-03 14:00:00+00"]
        for record in records
    ]  # fmt: skip
    (scratch / "rows.json").write_text(json.dumps([dict(zip(names, record, strict=True)) for record in iso]))
    path = scratch / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT row_number() OVER () AS _record, * FROM read_json('{scratch}/rows.json', "
            f"columns = {{{', '.join(f'{name}: VARCHAR' for name in names)}}})) TO '{path}' (FORMAT parquet)"
        )
    return landed(settings, REQUEST, "rows.parquet", path.read_bytes(), len(iso))


def page(settings: Settings) -> str:
    """A page of collisions."""
    items = []
    for n in range(len(VALUES) + GOOD):
        value = VALUES[n] if n < len(VALUES) else None
        item = {
            "crash_date": str(DAY), "crash_time": "9:05", "borough": "QUEENS", "zip_code": "11101",
            "latitude": "40.751", "longitude": "-73.931", "location": value or "x", "on_street_name": "A",
            "cross_street_name": "B", "off_street_name": None, "collision_id": str(4_000_000 + n),
        }  # fmt: skip
        if value is not None:
            item[("latitude", "longitude", "collision_id", "crash_date")[n % 4]] = misplaced(value)
        items.append(item)
    content = json.dumps({"items": items, "total": len(items)}, ensure_ascii=False).encode()
    return landed(settings, COLLISION, "page-00001.json", content, len(items))


def spellings(value: str) -> set[bytes]:
    """A text as files may have it."""
    return {value.encode(), value.encode("utf-16-le"), value.encode("gb18030"), json.dumps(value)[1:-1].encode()}


KINDS = {
    mark: [value for value in VALUES if mark in value]
    for mark in ("6642", "@example.net", "19491231", "Quillfeather", " Zzyzx", "88215", "京Q", "-QXZ")
}
"""What the values of a kind have in common: where it is not, none of them is, and no more need be looked for."""
GUESSED = {
    hashlib.new(name, value.encode()).hexdigest().encode(): value
    for value in VALUES
    for name in ("md5", "sha1", "sha256")
}
"""Hashes without a key, which a list of guesses undoes."""


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and its cells where it packs them."""
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            yield repr(connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()).encode()
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for schema, name in connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall():
                yield repr(connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()).encode()
    elif zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())


def leaks(content: Iterable[bytes]) -> list[str]:
    """Planted values with a trace in the content."""
    whole = b"\0".join(content)
    found = {GUESSED[text] for text in re.findall(rb"[0-9a-f]{32,64}", whole) if text in GUESSED}
    for mark, values in KINDS.items():
        if any(spelling in whole for spelling in spellings(mark)):
            found |= {value for value in values if any(spelling in whole for spelling in spellings(value))}
    return sorted(found)


def test_every_spelling_is_found() -> None:
    for value in VALUES[:8]:
        for spelling in spellings(value) | {text for text, guessed in GUESSED.items() if guessed == value}:
            assert leaks([b"x ", spelling + b" y"]) == [value]
    assert leaks([json.dumps(planted(26)).encode()]) == []
    assert sum(map(len, KINDS.values())) == len(VALUES)


def test_no_planted_value_leaves_the_vault(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    assert len(set(VALUES)) == 200
    make_ready(settings)
    told: list[str] = []
    held = []
    scratch = tmp_path / "source"
    scratch.mkdir()
    for dataset, delivery in (
        (SCOUT, drop(settings, truncated=True)),
        (SCOUT, drop(settings, shifted=True)),
        (SCOUT, drop(settings)),
        (REQUEST, extraction(settings, scratch)),
        (COLLISION, page(settings)),
    ):
        try:
            result = resume(dataset, delivery, settings, progress=told.append)
            assert result.quarantined > 100
            assert result.accepted >= GOOD
            told.append(repr(result))
        except CitybrainError as error:
            held.append(type(error).__name__)
            told += [*traceback.format_exception(error), repr(error.__cause__), repr(error.__context__)]
    assert held == ["SchemaDrift", "SchemaDrift"]

    publish(build(settings, DAY), settings)

    from lake.cli import app

    environment = {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_ROOT": str(settings.root)}
    for command in (
        *(
            ["quarantine", "show", dataset, *flag]
            for dataset in (SCOUT, REQUEST, COLLISION)
            for flag in ([], ["--json"])
        ),
        ["reconcile", "--json"],
        ["ledger", "show", "--json"],
    ):
        shown = CliRunner().invoke(app, command, env=environment)
        assert shown.exit_code == 0, shown.output
        told.append(shown.output)
    told += ways_out(settings, tmp_path)
    assert leaks(text.encode() for text in (*told, caplog.text, *capfd.readouterr())) == []

    # The vault: bytes as delivered, records held back. What landing and staging hold beside them is read by people.
    vault = [settings.quarantine, *settings.landing.glob("*/*/*/files")]
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    outside = [path for path in files if not any(path.is_relative_to(room) for room in vault)]
    found = {str(path.relative_to(settings.home)): leaks(contents(path)) for path in outside}
    assert {name: values for name, values in found.items() if values} == {}
    suffixes = {path.suffix for path in outside}
    assert {".parquet", ".duckdb", ".json", ".html", ".db", ".sql", ".avro"} <= suffixes
    assert any(path.name == "marts.duckdb" for path in outside)

    drafted = [path for path in (tmp_path / "drafted").rglob("*") if path.is_file()]
    assert len(drafted) >= 4
    assert leaks(content for path in drafted for content in contents(path)) == []
    assert of_backup(tmp_path / "store") == []

    # … and they are in the vault, so the search can find them.
    kept = leaks(content for path in files if path.is_relative_to(settings.quarantine) for content in contents(path))
    assert len(kept) == 200


def ways_out(settings: Settings, room: Path) -> list[str]:
    """All else that tells of deliveries: drafts, trials, differences, alerts, lineage, metrics; what each says."""
    from lake.cli import app
    from lake.watch.emitting import emit

    said: list[str] = []
    source = room / "drop"
    source.mkdir()
    held, *_ = settings.landing.glob("dot/street_defect/*/held.json")
    files = settings.landing.glob("dot/street_defect/*/files/*")
    (whole,) = (path for path in files if not (path.parents[1] / "held.json").exists())
    (source / f"SCOUT_{DAY:%Y%m%d}.csv").write_bytes(whole.read_bytes())
    with MailServer() as mail, Receiver() as hook, Receiver(200) as lineage:
        environment = {
            **settings.environment,
            "CITYBRAIN_CONN_DOT_DROP": source.as_uri(),
            "CITYBRAIN_CONN_CITYBRAIN_SMTP": f"smtp://127.0.0.1:{mail.port}/?from=a@b.example&to=c@d.example&tls=off",
            "CITYBRAIN_CONN_CITYBRAIN_WEBHOOK": hook.url,
            "OPENLINEAGE_URL": lineage.url,
            "CITYBRAIN_OPENLINEAGE_FILE": str(settings.home / "lineage.jsonl"),
        }
        day = str(DAY)
        for command in (
            ["contract", "diff", SCOUT, "--delivery", held.parent.name], ["contract", "diff", SCOUT, "--json"],
            ["contract", "draft", str(source), "--dataset", "queens.dot.scout", "--into", str(room / "drafted")],
            ["load", SCOUT, "--from", day, "--dry-run"], ["replay", SCOUT, "--from", day],
            ["replay", REQUEST, "--from", day, "--json"], ["alert", "check"], ["alert", "list", "--json"],
            ["doctor", "--offline", "--json"], ["backup", "create", str(room / "store")],
        ):  # fmt: skip
            done = CliRunner().invoke(app, command, env=environment)
            assert done.exit_code == 0 or command[0] in ("doctor", "contract"), (command, done.output, done.exception)
            said += [done.output, *(traceback.format_exception(done.exception) if done.exception else ())]
        assert emit(Settings.from_environment(environment)).failed == []
        assert len(mail.mails) + len(hook.posts) > 1
        assert {part.get_content_type() for one in mail.mails for part in one.message.walk()} == {"text/plain"}
        said += [str(one.message) + one.text for one in mail.mails]
        said += [repr(post) for receiver in (hook, lineage) for post in receiver.posts]
        assert len(lineage.posts) > 2
    return said


def of_backup(folder: Path) -> list[str]:
    """Planted values in a backup outside its vault, under the names they have there."""
    store = Store(folder)
    entries = store.entries(store.backup())
    assert {"quarantine", "landing", "tables", "published"} <= {entry.name.split("/")[0] for entry in entries}
    found = []
    for entry in entries:
        is_vault = entry.name.startswith("quarantine/") or "/files/" in entry.name
        if not entry.sha256:  # a link
            continue
        copy = folder.with_name("looked-at") / entry.name.replace("/", "__")
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(store.object(entry.sha256), copy)
        if not is_vault and leaks(contents(copy)):
            found.append(entry.name)
    return found


FORMATS: dict[str, dict[str, str]] = {
    "json_lines_files": {"pattern": "defect_{day:%Y%m%d}.jsonl"},
    "xml_files": {"pattern": "defect_{day:%Y%m%d}.xml", "row_path": "all/one"},
    "excel_files": {"pattern": "defect_{day:%Y%m%d}.xlsx"},
    "parquet_files": {"pattern": "defect_{day:%Y%m%d}.parquet"},
}
SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize("connector", FORMATS)
def test_formats_of_departments_keep_what_is_planted(
    tmp_path: Path, connector: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """In cells that fail to cast, in columns that are hashed or dropped; and a suite whose words are HTML."""
    from lake.cli import app

    caplog.set_level(logging.INFO)
    town = Town(tmp_path).found()
    town.write_contract(DEFECT, settings={"connector": connector}, arguments=FORMATS[connector])
    town.write_suite(
        DEFECT,
        {"id": "no_b", "type": "expect_column_values_to_not_be_in_set", "severity": "error", "owner": SCRIPT,
         "reason": SCRIPT, "kwargs": {"column": "title", "value_set": ["b", SCRIPT]}},
    )  # fmt: skip
    records = []
    for n, value in enumerate([*VALUES, *["none"] * 600]):
        record = {"Id": str(n), "Title": "a", "Cost": "1.50", "Caller": value, "Note": value}
        if n < len(VALUES):
            record |= ({"Cost": misplaced(value)}, {"Id": misplaced(value)}, {"Title": "b"}, {})[n % 4]
        records.append(record)
    write_as(connector, town.drop / FORMATS[connector]["pattern"].format(day=DAY), records)
    done = CliRunner().invoke(app, ["load", DEFECT, "--from", str(DAY)], env=town.environment)
    told = [done.output, *(traceback.format_exception(done.exception) if done.exception else ())]
    assert done.exit_code == 0, told
    told += [
        CliRunner().invoke(app, ["quarantine", "show", DEFECT, *flag], env=town.environment).output
        for flag in ([], ["--json"])
    ]
    assert leaks(text.encode() for text in (*told, caplog.text, *capfd.readouterr())) == []
    settings = town.settings
    vault = [settings.quarantine, *settings.landing.glob("*/*/*/files")]
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    outside = [path for path in files if not any(path.is_relative_to(room) for room in vault)]
    assert [path.name for path in outside if leaks(contents(path))] == []
    kept = leaks(content for path in files if path.is_relative_to(settings.quarantine) for content in contents(path))
    assert len(kept) == 150  # the others are in the table, as hashes
    pages = [path.read_text(encoding="utf-8") for path in settings.data_docs.rglob("*.html")]
    assert [page for page in pages if html.escape(SCRIPT) in page]
    assert not [page for page in pages if SCRIPT in page]


def write_as(connector: str, path: Path, records: list[dict[str, str]]) -> None:
    """Records as a department's format has them."""
    if connector == "json_lines_files":
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    elif connector == "xml_files":
        ones = ("".join(f"<{name}>{html.escape(text)}</{name}>" for name, text in r.items()) for r in records)
        path.write_text(f"<all>{''.join(f'<one>{one}</one>' for one in ones)}</all>")
    elif connector == "excel_files":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in (list(records[0]), *(list(record.values()) for record in records)):
            sheet.append(row)
        book.save(path)
    else:
        pq.write_table(pa.Table.from_pylist(records), path)
