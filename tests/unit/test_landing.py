"""A delivery is landed byte for byte, whole or not at all, and its records are counted without admission's readers."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lake.connectors import check_arguments, open_connector
from lake.connectors.csv_files import Source as CsvFiles
from lake.contracts.model import Cadence, Contract, Mode, Source, Window
from lake.errors import ContractError, SourceLate, SourceRefused, SourceUnavailable, StorageFull
from lake.landing import Landed, deliveries, land, purge, read_landed, sweep
from lake.landing.manifest import contract_to_json
from lake.settings import PROJECT_ROOT, Settings
from tests.thing import THING

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)
CONTENT = b"id,note\r\n1,a\r\n2,b"


def contract(connector: str = "csv_files", *, mode: Mode = Mode.CHANGES, **changes: object) -> Contract:
    """A dataset with a number and a note; `arguments` go to its connector."""
    arguments = changes.pop("arguments", {"pattern": "d_{day:%Y%m%d}.csv"})
    made = dataclasses.replace(
        THING,
        mode=mode,
        source=Source(connector, "drop", arguments),  # type: ignore[arg-type]
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop of a department"
    folder.mkdir()
    return folder


@pytest.fixture
def lake(settings: Settings, drop: Path) -> Settings:
    return dataclasses.replace(settings, environment={"CITYBRAIN_CONN_DROP": drop.as_uri()})


def everything_in(lake: Settings) -> list[str]:
    return sorted(str(path.relative_to(lake.landing)) for path in lake.landing.rglob("*") if path.is_file())


def test_bytes_land_as_they_are_with_their_second_count(lake: Settings, drop: Path) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    landed = land(contract(), TODAY, lake)
    assert landed.is_new
    assert landed.path(landed.files[0]).read_bytes() == CONTENT
    assert (landed.delivered, landed.files[0].records, landed.files[0].day) == (2, 2, DAY)
    assert landed.delivery == f"2023-03-27-{landed.content_digest[:16]}"
    assert landed.folder == lake.landing / "test" / "thing" / landed.delivery
    manifest = json.loads((landed.folder / "manifest.json").read_text())
    assert manifest["window"] == ["2023-03-27", "2023-03-27"]
    assert manifest["files"][0] == {
        "name": "d_20230327.csv",
        "day": "2023-03-27",
        "sha256": landed.files[0].sha256,
        "bytes": len(CONTENT),
        "records": 2,
        "problem": None,
    }


def test_what_is_read_back_is_what_was_landed(lake: Settings, drop: Path) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    window = Window(DAY, DAY + timedelta(days=1))
    landed = land(contract(null_markers=("NA", "-")), window, lake)
    assert landed.missing_days == (DAY + timedelta(days=1),)
    assert read_landed(landed.folder) == dataclasses.replace(landed, is_new=False)
    assert deliveries(lake, "queens.test.thing") == [read_landed(landed.folder)]


def test_the_same_content_is_the_same_delivery(lake: Settings, drop: Path) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    first = land(contract(), TODAY, lake)
    before = everything_in(lake)
    again = land(contract(), TODAY, lake)
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.delivery, again.landed_at) == (first.delivery, first.landed_at)
    assert everything_in(lake) == before

    (drop / "d_20230327.csv").write_bytes(CONTENT + b"\n3,c")
    corrected = land(contract(), TODAY, lake)
    assert corrected.is_new
    assert corrected.delivery != first.delivery
    assert [landed.delivered for landed in deliveries(lake, "queens.test.thing")] == [2, 3]


def test_two_at_once_land_one_delivery(lake: Settings, drop: Path) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    with ThreadPoolExecutor(6) as pool:
        landed = list(pool.map(lambda _: land(contract(), TODAY, lake), range(6)))
    assert sum(one.is_new for one in landed) == 1
    assert len({one.folder for one in landed}) == 1
    assert len(deliveries(lake, "queens.test.thing")) == 1
    assert not list((lake.landing / ".incoming").iterdir())


def test_only_the_owner_may_read_the_landing(lake: Settings, drop: Path) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    (drop / "d_20230327.csv").chmod(0o644)
    land(contract(), TODAY, lake)
    modes = {path.stat().st_mode & 0o777 for path in [lake.landing, *lake.landing.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o777 for path in lake.landing.rglob("*") if path.is_file()} == {0o600}


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"", 0),
        (b"id,note", 0),
        (b"id,note\n", 0),
        (b"id,note\n\n", 1),
        (b"id,note\r\n1,a\r\n", 1),
        (b"id,note\n1,a\n2,b", 2),
        (b'id,note\n1,"a\nid,note\n\x00\n\xff\n', 4),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_record_of_a_text_file_is_a_physical_line(
    lake: Settings, drop: Path, content: bytes, records: int, packed: bool
) -> None:
    name = "d_20230327.csv.gz" if packed else "d_20230327.csv"
    (drop / name).write_bytes(gzip.compress(content) if packed else content)
    pattern = "d_{day:%Y%m%d}.csv.gz" if packed else "d_{day:%Y%m%d}.csv"
    landed = land(contract(arguments={"pattern": pattern}), TODAY, lake)
    assert (landed.delivered, landed.files[0].problem) == (records, None)


def gzip_count(lake: Settings, path: Path, content: bytes) -> tuple[int, str | None]:
    path.write_bytes(content)
    return CsvFiles(contract(), lake).count_records(path)


def test_a_damaged_archive_is_landed_and_marked(lake: Settings, drop: Path) -> None:
    whole = gzip.compress(b"id,note\n" + b"".join(b"%d,%x\n" % (n, n * 7919) for n in range(20_000)))
    (drop / "d_20230327.csv.gz").write_bytes(whole[: len(whole) // 2])
    landed = land(contract(arguments={"pattern": "d_{day:%Y%m%d}.csv.gz"}), TODAY, lake)
    assert landed.path(landed.files[0]).read_bytes() == whole[: len(whole) // 2]
    assert landed.files[0].problem == "the gzip archive is truncated"
    assert 0 < landed.delivered < 20_000
    assert read_landed(landed.folder).files[0].problem == "the gzip archive is truncated"


def test_every_cut_of_an_archive_is_noticed(lake: Settings, tmp_path: Path) -> None:
    whole = gzip.compress(b"id,note\n1,a\n") + gzip.compress(b"2,b\n")
    first = len(gzip.compress(b"id,note\n1,a\n"))
    for length in range(len(whole)):
        _, problem = gzip_count(lake, tmp_path / "cut.csv.gz", whole[:length])
        assert (problem is None) == (length == first), length
    assert gzip_count(lake, tmp_path / "whole.csv.gz", whole) == (2, None)
    assert gzip_count(lake, tmp_path / "padded.csv.gz", whole + b"\0" * 600) == (2, None)
    assert gzip_count(lake, tmp_path / "tail.csv.gz", whole + b"junk")[1] == "the gzip archive is damaged"
    assert gzip_count(lake, tmp_path / "plain.csv.gz", CONTENT)[1] == "the gzip archive is damaged"
    assert gzip_count(lake, tmp_path / "nothing.csv.gz", b"")[1] == "the file is empty"
    flipped = bytearray(whole)
    flipped[first - 6] ^= 1  # the checksum
    assert gzip_count(lake, tmp_path / "flipped.csv.gz", bytes(flipped))[1] == "the gzip archive is damaged"


def test_an_archive_is_unpacked_in_bounded_pieces(lake: Settings, tmp_path: Path) -> None:
    from lake.connectors.archives import unpacked

    lines = b"0123456789abcde\n" * (4 << 20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(lines))
    members = unpacked(tmp_path / "bomb.gz")
    pieces = [len(piece) for piece in next(members)]
    assert sum(pieces) == len(lines)
    assert max(pieces) <= 1 << 20
    assert CsvFiles(contract(), lake).count_records(tmp_path / "bomb.gz") == ((4 << 20) - 1, None)


def test_a_range_is_one_file_a_day_and_lists_what_is_missing(lake: Settings, drop: Path) -> None:
    for day in (27, 29):
        (drop / f"d_202303{day}.csv").write_bytes(CONTENT)
    landed = land(contract(), Window(DAY, date(2023, 3, 30)), lake)
    assert [file.day for file in landed.files] == [date(2023, 3, 27), date(2023, 3, 29)]
    assert landed.missing_days == (date(2023, 3, 28), date(2023, 3, 30))
    assert landed.delivery.startswith("2023-03-27_2023-03-30-")


def test_a_monthly_file_belongs_to_the_first_of_its_month(lake: Settings, drop: Path) -> None:
    (drop / "m_2023-02.csv").write_bytes(CONTENT)
    monthly = contract(mode=Mode.SNAPSHOT, cadence=Cadence.MONTHLY, arguments={"pattern": "m_{day:%Y-%m}.csv"})
    landed = land(monthly, Window(date(2023, 2, 10), date(2023, 3, 27)), lake)
    assert [file.day for file in landed.files] == [date(2023, 2, 1)]
    assert landed.missing_days == (date(2023, 3, 1),)


def test_a_day_that_is_not_there_is_late_and_leaves_nothing(lake: Settings) -> None:
    with pytest.raises(SourceLate) as late:
        land(contract(), TODAY, lake)
    assert (late.value.dataset, late.value.day) == ("queens.test.thing", DAY)
    assert everything_in(lake) == []


def test_a_folder_that_is_not_mounted_is_unavailable(lake: Settings, drop: Path) -> None:
    drop.rmdir()
    with pytest.raises(SourceUnavailable, match="drop folder of connection 'drop' is not there"):
        land(contract(), TODAY, lake)


def test_nothing_outside_the_drop_folder_is_taken(lake: Settings, drop: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(CONTENT)
    file = drop / "d_20230327.csv"
    file.symlink_to(tmp_path / "secret.csv")
    with pytest.raises(SourceRefused, match="leads out of the drop folder"):
        land(contract(), TODAY, lake)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(SourceRefused, match="not a regular file"):
        land(contract(), TODAY, lake)
    file.unlink()
    (drop / "today.csv").write_bytes(CONTENT)
    file.symlink_to("today.csv")
    assert land(contract(), TODAY, lake).delivered == 2
    with pytest.raises(ContractError, match="leaves its folder"):
        land(contract(arguments={"pattern": "../{day:%Y}/secret.csv"}), TODAY, lake)


def test_a_file_still_being_written_is_not_taken(lake: Settings, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = drop / "d_20230327.csv"
    file.write_bytes(CONTENT)
    fstat, looks = os.fstat, []

    def grow_at_the_second_look(descriptor: int) -> os.stat_result:
        if Path(f"/proc/self/fd/{descriptor}").readlink() == file:
            looks.append(descriptor)
            if len(looks) == 2:
                file.write_bytes(CONTENT + b"\n3,c")
        return fstat(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("os.fstat", grow_at_the_second_look)
        with pytest.raises(SourceUnavailable, match="changed while it was copied"):
            land(contract(), TODAY, lake)
    assert everything_in(lake) == []
    assert land(contract(), TODAY, lake).delivered == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_half_written(
    lake: Settings, drop: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)

    def full(*_: object) -> None:
        assert everything_in(lake)  # bytes are there when the disk runs full
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(CsvFiles, "count_records", full)
    with pytest.raises(StorageFull) as told:
        land(contract(), TODAY, lake)
    assert (told.value.dataset, told.value.day) == ("queens.test.thing", DAY)
    assert everything_in(lake) == []


LAND = """
import sys
from pathlib import Path
from lake.landing import land, read_landed
from lake.landing.manifest import contract_from_json
from lake.contracts.model import Window
from lake.settings import Settings
from datetime import date
contract = contract_from_json(sys.argv[1])
print(land(contract, Window(date(2023, 3, 27), date(2023, 3, 27)), Settings.from_environment()).delivery)
"""


def land_elsewhere(lake: Settings, boundary: str) -> int:
    """Land today's delivery in a process that dies at a boundary; give how it ended."""
    environment = {
        "CITYBRAIN_HOME": str(lake.home),
        "CITYBRAIN_CONN_DROP": lake.environment["CITYBRAIN_CONN_DROP"],
        "CITYBRAIN_DIE_AT": boundary,
        "PATH": os.environ["PATH"],
    }
    return subprocess.run(
        [sys.executable, "-c", LAND, contract_to_json(contract())],
        env=environment,
        cwd=PROJECT_ROOT,
        check=False,
        capture_output=True,
    ).returncode


@pytest.mark.parametrize(
    ("boundary", "deliveries_left"), [("land.fetched", 0), ("land.written", 0), ("land.renamed", 1)]
)
def test_kill_9_leaves_a_whole_delivery_or_none(
    lake: Settings, drop: Path, boundary: str, deliveries_left: int
) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    assert land_elsewhere(lake, boundary) == -signal.SIGKILL
    left = deliveries(lake, "queens.test.thing")
    assert len(left) == deliveries_left
    assert all(landed.path(landed.files[0]).read_bytes() == CONTENT for landed in left)
    assert list((lake.landing / ".incoming").iterdir())

    landed = land(contract(), TODAY, lake)
    assert landed.is_new == (deliveries_left == 0)
    assert deliveries(lake, "queens.test.thing") == [read_landed(landed.folder)]
    assert not list((lake.landing / ".incoming").iterdir())


def test_only_what_the_dead_left_is_swept(lake: Settings) -> None:
    from lake.landing.incoming import Incoming

    room = lake.landing / ".incoming"
    with Incoming(lake) as living:
        (living.folder / "files" / "half").write_bytes(b"x")
        (room / "dead" / "files").mkdir(parents=True)
        (room / "dead.lock").touch()
        (room / "ancient").mkdir()
        os.utime(room / "ancient", (0, 0))
        (room / "recent").mkdir()
        assert sweep(lake) == 2
        assert {path.name for path in room.iterdir()} == {living.folder.name, f"{living.folder.name}.lock", "recent"}


def test_purge_keeps_counts_and_hashes(lake: Settings, drop: Path) -> None:
    (drop / "d_20230327.csv").write_bytes(CONTENT)
    (drop / "d_20230328.csv").write_bytes(CONTENT)
    landed = land(contract(), TODAY, lake)
    held = land(contract(), Window(date(2023, 3, 28), date(2023, 3, 28)), lake)
    (held.folder / "held.json").write_text("{}")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    # Landed and in no table yet, as a killed load leaves it: its bytes are all there is of it.
    assert purge(lake, contract(), tomorrow) == []
    (landed.folder / "commit.json").write_text("{}")
    assert purge(lake, contract(), landed.landed_at.date()) == []

    assert [one.delivery for one in purge(lake, contract(), tomorrow)] == [landed.delivery]
    assert not (landed.folder / "files").exists()
    kept = read_landed(landed.folder)
    assert (kept.files, kept.delivered, kept.content_digest) == (landed.files, 2, landed.content_digest)
    assert kept.purged_at is not None
    assert held.path(held.files[0]).read_bytes() == CONTENT
    assert purge(lake, contract(), tomorrow) == []
    assert not land(contract(), TODAY, lake).is_new


def test_one_name_that_is_written_over_is_taken_as_it_lies_there(lake: Settings, drop: Path) -> None:
    """Whatever days are asked for, and again when it has another content."""
    made = contract(arguments={"pattern": "always.csv"})
    (drop / "always.csv").write_bytes(CONTENT)
    landed = land(made, Window(TODAY.first, TODAY.first + timedelta(days=2)), lake)
    assert [(file.name, file.day) for file in landed.files] == [("always.csv", None)]
    assert (landed.delivered, landed.missing_days) == (2, ())
    (drop / "always.csv").write_bytes(CONTENT + b"\r\n3,c")
    assert land(made, TODAY, lake).delivered == 3
    assert open_connector(made, lake).describe(made).first_day is None


@pytest.mark.parametrize(
    ("connector", "changes", "problem"),
    [
        ("ftp", {}, "no connector named 'ftp'"),
        ("csv_files", {"arguments": {"pattern": "x_{day:%Y}.csv", "sheet": "a"}}, "argument sheet: Extra inputs"),
        ("csv_files", {"arguments": {}}, "argument pattern: Field required"),
        (
            "csv_files",
            {"arguments": {"pattern": "always.csv"}, "mode": Mode.DAY, "partition_column": "opened_at"},
            "names no day",
        ),
        ("csv_files", {"arguments": {"pattern": "{day.__class__}.csv"}}, "nothing but {day:"),
        ("csv_files", {"arguments": {"pattern": "{0}.csv"}}, "nothing but {day:"),
        ("csv_files", {"arguments": {"pattern": "/etc/{day:%Y}"}}, "leaves its folder"),
        ("csv_files", {"overlap": timedelta(days=2)}, "overlap: files are delivered whole"),
        ("csv_files", {"encoding": "UTF-16"}, "encoding: UTF-16"),
        ("geojson_files", {"delimiter": ";"}, "delimiter: means something for text files only"),
        ("excel_files", {"arguments": {"pattern": "x_{day:%Y}.xlsx", "header_row": 0}}, "argument header_row"),
        ("postgres", {"arguments": {"table": "public.x"}}, "cursor: changes of a table"),
        ("postgres", {"arguments": {"table": "a.b.c"}, "cursor": "id"}, "argument table"),
        ("postgres", {"arguments": {"table": "public.x"}, "cursor": "at"}, "cursor: no column 'at'"),
        ("http_json", {"arguments": {"path": "x"}}, "argument path"),
        ("http_json", {"arguments": {"path": "/x", "first_day_param": None}}, "asks by the day"),
        ("http_json", {"arguments": {"path": "/x"}, "overlap": timedelta(days=1)}, "use recapture_days"),
    ],
)
def test_what_makes_no_sense_is_told_without_the_source(
    settings: Settings, connector: str, changes: dict[str, object], problem: str
) -> None:
    wrong = contract(connector, **changes)
    assert any(problem in sentence for sentence in check_arguments(wrong)), check_arguments(wrong)
    with pytest.raises(ContractError):
        open_connector(wrong, settings)


def workbook(path: Path, rows: str, *, sheets: tuple[str, ...] = ("first", "second")) -> None:
    """A workbook whose first sheet has these rows of XML, and whose word about its own size is wrong."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    targets = "".join(f'<Relationship Id="rId{n}" Target="worksheets/s{n}.xml"/>' for n in range(1, len(sheets) + 1))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{named}</sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{targets}</Relationships>")
        for n in range(1, len(sheets) + 1):
            data = f'<dimension ref="A1"/><sheetData>{rows if n == 1 else ""}</sheetData>'
            archive.writestr(f"xl/worksheets/s{n}.xml", f'<worksheet xmlns="{main}">{data}</worksheet>')


HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'


@pytest.mark.parametrize(
    ("rows", "records"),
    [
        ("", 0),
        (HEADER, 0),
        (HEADER + '<row r="2"><c r="A2"><v>1</v></c></row><row r="3"><c r="A3"><v>2</v></c></row>', 2),
        (HEADER + '<row r="9"><c r="A9"><v>nan</v></c></row>', 1),
        (HEADER + '<row r="2"/><row r="3"><c r="A3" s="1"/></row><row r="4"><c r="A4"><v></v></c></row>', 0),
        (HEADER + '<row r="2"><c r="A2" t="inlineStr"><is><t/></is></c></row>', 1),
        (HEADER + "<row><c><f>1+1</f></c></row><row><c><f>1+1</f><v>2</v></c></row>", 1),
        (HEADER.replace("<", "<x:").replace("<x:/", "</x:"), 0),
    ],
)
def test_a_record_of_a_workbook_is_a_row_with_something_in_it(
    lake: Settings, drop: Path, rows: str, records: int
) -> None:
    workbook(drop / "w_20230327.xlsx", rows)
    arguments = {"pattern": "w_{day:%Y%m%d}.xlsx"}
    landed = land(contract("excel_files", arguments=arguments), TODAY, lake)
    assert (landed.delivered, landed.files[0].problem) == (records, None)
    named = land(contract("excel_files", arguments=arguments | {"sheet": "second"}), TODAY, lake)
    assert named.delivered in (0, records)


def only_file(landed: Landed) -> tuple[int, str | None]:
    return landed.files[0].records, landed.files[0].problem


def test_what_is_no_workbook_is_landed_and_marked(lake: Settings, drop: Path) -> None:
    books = contract("excel_files", arguments={"pattern": "w_{day:%Y%m%d}.xlsx", "sheet": "third"})
    file = drop / "w_20230327.xlsx"
    workbook(file, HEADER)
    assert only_file(land(books, TODAY, lake)) == (0, "the workbook has no sheet 'third'")
    file.write_bytes(b"PK\x03\x04 and no more")
    assert only_file(land(books, TODAY, lake)) == (0, "the workbook cannot be read (BadZipFile)")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", "<Relationships/>")
    assert only_file(land(books, TODAY, lake)) == (0, "the workbook cannot be read (ValueError)")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"type": "FeatureCollection", "features": [{}, {}, {}]}', (3, None)),
        (b'{"type": "FeatureCollection", "features": []}', (0, None)),
        (
            b'{"type": "FeatureCollection", "features": [{}, ',
            (1, "the file is not utf-8 JSON to its end (IncompleteJSONError)"),
        ),
        (b"[1, 2]", (0, "the file has no list of records at features")),
        (b"\x80{}", (0, "the file is not utf-8 JSON to its end (UnicodeDecodeError)")),
    ],
)
def test_a_record_of_a_feature_collection_is_a_feature(
    lake: Settings, drop: Path, content: bytes, expected: tuple[int, str | None]
) -> None:
    (drop / "g_20230327.geojson").write_bytes(content)
    boundaries = contract("geojson_files", mode=Mode.SNAPSHOT, arguments={"pattern": "g_{day:%Y%m%d}.geojson"})
    assert only_file(land(boundaries, TODAY, lake)) == expected
