"""What admission does with a delivery, format by format and mode by mode; the gate is in tests/integration."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from admission_deliveries import (
    COLUMNS,
    DAY,
    HEADER,
    by_hand,
    commit,
    contract,
    csv,
    deliver,
    line,
    pages,
    quarantine_file,
    quarantined,
    rows,
    run,
    totals,
    unchanged,
)

from lake.admission import quarantine
from lake.admission.suites import check_suite, read_suite
from lake.contracts import load_contracts
from lake.contracts.model import Cadence, Column, Contract, Mode, Window
from lake.errors import ContractError, DeliveryDamaged, SchemaDrift, Unaccounted
from lake.settings import Settings

NEXT = date(2023, 3, 2)
THIRD = date(2023, 3, 3)


# ---- text files ------------------------------------------------------------------------------------------------------


def test_each_way_a_line_is_broken_has_its_own_reason(settings: Settings) -> None:
    lines = [
        line(1),
        "2,03/01/2023 09:00:00 AM,t",
        line(3) + ",extra",
        "",
        HEADER,
        '6,03/01/2023 09:00:00 AM,"open,1,c,n',
        '7,03/01/2023 09:00:00 AM,a"b"c,1,c,n',
        "8,03/01/2023 09:00:00 AM,a\x00b,1,c,n",
        "9,03/01/2023 09:00:00 AM,a\x1fb,1,c,n",
        "10,03/01/2023 09:00:00 AM,a@b,1,c,n",
        line(11, title="x" * (1 << 20)),
        line(12),
    ]
    content = csv(*lines).replace(b"a@b", b"a\xffb")
    admitted = run(deliver(settings, contract(), {DAY: content}), settings)
    assert {record: reasons for (_, record), reasons in quarantined(settings, admitted).items()} == {
        2: ["too_few_fields"],
        3: ["too_many_fields"],
        4: ["blank_line"],
        5: ["header_repeated"],
        6: ["unbalanced_quote"],
        7: ["stray_quote"],
        8: ["nul_byte"],
        9: ["control_character"],
        10: ["bad_bytes"],
        11: ["line_too_long"],
    }
    assert rows(admitted.staged, "_record, id") == [(1, 1), (12, 12)]
    assert admitted.reasons["blank_line"] == 1


def test_a_record_has_all_its_reasons_and_its_raw_cells(settings: Settings) -> None:
    admitted = run(deliver(settings, contract(), {DAY: csv("x,yesterday,t,much,c,n", line(2))}), settings)
    assert quarantined(settings, admitted) == {("drop_20230301.csv", 1): ["cast:id", "cast:opened_at", "cast:cost"]}
    assert rows([quarantine_file(settings, admitted)], "raw_id, raw_cost, raw_note, day") == [("x", "much", "n", DAY)]


def test_quotes_delimiters_and_encodings_are_the_contracts(settings: Settings) -> None:
    made = contract(encoding="gb18030", delimiter=";", quote="'", null_markers=("-",))
    text = HEADER.replace(",", ";") + "\r\n" + "1;03/01/2023 09:00:00 AM;'皇后;区 ''x''';-;c;n\r\n"
    admitted = run(deliver(settings, made, {DAY: text.encode("gb18030")}), settings)
    assert rows(admitted.staged, "title, cost") == [("皇后;区 'x'", None)]


def test_a_byte_order_mark_belongs_to_no_name(settings: Settings) -> None:
    assert totals(run(deliver(settings, contract(), {DAY: b"\xef\xbb\xbf" + csv(line(1))}), settings)) == (1, 1, 0, 0)


def test_a_header_alone_is_a_delivery_of_nothing(settings: Settings) -> None:
    admitted = run(deliver(settings, contract(), {DAY: csv()}), settings)
    assert [(day.day, day.delivered) for day in admitted.days] == [(DAY, 0)]
    assert admitted.staged == ()


def test_files_without_a_header_start_with_a_record(settings: Settings) -> None:
    made = contract(arguments={"pattern": "drop_{day:%Y%m%d}.csv", "header": False})
    assert totals(run(deliver(settings, made, {DAY: (line(1) + "\n" + line(2)).encode()}), settings)) == (2, 2, 0, 0)


@pytest.mark.parametrize("kept_bytes", [20, -12, -1])
def test_a_truncated_archive_holds_the_delivery(kept_bytes: int, settings: Settings) -> None:
    made = contract(arguments={"pattern": "drop_{day:%Y%m%d}.csv.gz"})
    packed = gzip.compress(csv(*(line(n) for n in range(200))))
    with pytest.raises(DeliveryDamaged, match=r"drop_20230301\.csv\.gz"):
        run(deliver(settings, made, {DAY: packed[:kept_bytes]}), settings)


def test_the_reader_itself_refuses_a_truncated_archive_and_an_empty_file(settings: Settings) -> None:
    packed = gzip.compress(csv(*(line(n) for n in range(200))))
    for name, content in (("d.csv.gz", packed[:-12]), ("d.csv", b"")):
        with pytest.raises(DeliveryDamaged, match=name):
            run(by_hand(settings, contract(), Window(DAY, DAY), {name: (content, 0)}), settings)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Id,Opened,Title,Price,Caller,Note", "renamed 'Cost' to 'Price'.*Remedy: ask the department"),
        ("Id,Opened,Title,Cost,Caller", "removed 'Note'"),
        ("Id,Opened,Title,Cost,Caller,Note,Extra", "added 'Extra'"),
        ("Opened,Id,Title,Cost,Caller,Note", "order of the columns changed"),
        (line(1), "the header is missing.*Remedy: have it delivered again"),
        (f"{HEADER}{line(1)}", "a record may stand among them.*Remedy: have it delivered again"),
    ],
)
def test_a_changed_header_is_told_apart(header: str, told: str, settings: Settings) -> None:
    with pytest.raises(SchemaDrift, match=told) as caught:
        run(deliver(settings, contract(), {DAY: csv(line(1), header=header)}), settings)
    assert "555-0100" not in str(caught.value)


def test_a_column_most_of_whose_cells_do_not_cast_was_retyped(settings: Settings) -> None:
    landed = deliver(settings, contract(), {DAY: csv(*(line(n, cost="1,5 €".replace(",", ".")) for n in range(5)))})
    with pytest.raises(SchemaDrift, match="retyped") as caught:
        run(landed, settings)
    assert caught.value.column == "cost"
    accepted = run(landed, settings, accept_anyway="they promised to correct it")
    assert accepted.reasons == {"cast:cost": 5}


def test_two_bad_cells_of_a_small_delivery_are_bad_cells(settings: Settings) -> None:
    landed = deliver(settings, contract(), {DAY: csv(line(1), line(2, cost="x"), line(3, cost="y"))})
    assert totals(run(landed, settings)) == (3, 1, 2, 0)


# ---- typing and treatment --------------------------------------------------------------------------------------------

ONE_CELL: list[tuple[str, str | None, str, Any]] = [
    ("BIGINT", None, "42", 42),
    ("BIGINT", None, " -7 ", -7),
    ("BIGINT", None, "302.0", 302),
    ("BIGINT", None, "1.7", "cast"),
    ("BIGINT", None, "1e3", "cast"),
    ("BIGINT", None, "1_000", "cast"),
    ("BIGINT", None, "99999999999999999999", "cast"),
    ("DECIMAL(9,6)", None, "40.60322618190979", Decimal("40.603226")),
    ("DECIMAL(9,6)", None, "1234.5", "cast"),
    ("DECIMAL(9,2)", None, "NaN", "cast"),
    ("DOUBLE", None, "1.5e3", 1500.0),
    ("DOUBLE", None, "inf", "cast"),
    ("BOOLEAN", None, "TRUE", True),
    ("BOOLEAN", None, "yes", "cast"),
    ("DATE", None, "2023-03-31", date(2023, 3, 31)),
    ("DATE", None, "2023-02-29", "cast"),
    ("DATE", None, "2023-03-31 12:00", "cast"),
    ("DATE", None, "epoch", "cast"),
    ("DATE", "%m/%d/%Y", "02/30/2023", "cast"),
    ("DATE", "%m/%d/%Y", "12/31/2022", date(2022, 12, 31)),
    ("TIMESTAMPTZ", None, "2023-07-01T12:00:00Z", datetime(2023, 7, 1, 12, tzinfo=UTC)),
    ("TIMESTAMPTZ", None, "2023-07-01 12:00:00+02", datetime(2023, 7, 1, 10, tzinfo=UTC)),
    ("TIMESTAMPTZ", None, "2023-07-01 12:00", datetime(2023, 7, 1, 16, tzinfo=UTC)),
    ("TIMESTAMPTZ", None, "infinity", "cast"),
    ("TIMESTAMPTZ", "%m/%d/%Y %I:%M:%S %p", "12/31/2022 12:00:00 AM", datetime(2022, 12, 31, 5, tzinfo=UTC)),
    ("TIMESTAMPTZ", "%m/%d/%Y %I:%M:%S %p", "12/31/2022 13:00:00 AM", "cast"),
    ("VARCHAR", None, " 00123 ", " 00123 "),
]


def test_cells_become_the_contracts_type_or_a_reason(settings: Settings) -> None:
    columns = [dataclasses.replace(COLUMNS[0])]
    columns += [
        Column(f"c{n}", f"C{n}", type_, n + 2, format=format_) for n, (type_, format_, _, _) in enumerate(ONE_CELL)
    ]
    header = ",".join(column.source_name for column in columns)
    blank = [""] * len(ONE_CELL)
    lines = [",".join([str(n), *blank[:n], cell, *blank[n + 1 :]]) for n, (_, _, cell, _) in enumerate(ONE_CELL)]
    landed = deliver(settings, contract(columns=tuple(columns)), {DAY: csv(*lines, header=header)})
    admitted = run(landed, settings, accept_anyway="one cell a column")
    typed = {row[0]: row[1:] for row in rows(admitted.staged, ", ".join(column.name for column in columns))}
    refused = {record - 1: reasons for (_, record), reasons in quarantined(settings, admitted).items()}
    came_to = [refused.get(n, typed.get(n, [None] * (n + 1))[n]) for n in range(len(ONE_CELL))]
    assert came_to == [[f"cast:c{n}"] if wanted == "cast" else wanted for n, (*_, wanted) in enumerate(ONE_CELL)]


def test_what_is_dropped_or_hashed_is_nowhere_in_the_staged_files(settings: Settings) -> None:
    admitted = run(
        deliver(settings, contract(), {DAY: csv(line(1), line(2), "3,03/01/2023 09:00:00 AM,t,1,,n")}), settings
    )
    with duckdb.connect() as connection:
        schema = connection.execute(
            "SELECT name, field_id FROM parquet_schema(?) WHERE name <> 'duckdb_schema'", [str(admitted.staged[0])]
        ).fetchall()
    assert schema == [
        ("id", 1), ("opened_at", 2), ("title", 3), ("cost", 4), ("caller", 5),
        ("ds", 1001), ("_delivery", 1002), ("_file", 1003), ("_record", 1004), ("_digest", 1005), ("_landed_at", 1006),
        ("_is_withdrawn", 1007),
    ]  # fmt: skip
    (first,), (second,), (missing,) = rows(admitted.staged, "caller")
    assert first == second
    assert len(first) == 64
    assert missing is None
    assert admitted.staged[0].parent.name == f"ds={DAY}"


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_without_a_cursor_the_day_orders_versions(settings: Settings) -> None:
    opened, closed = line(1, title="open"), line(1, title="closed")
    files = {DAY: csv(opened), NEXT: csv(closed), THIRD: csv(opened)}
    admitted = run(deliver(settings, contract(), files), settings)
    assert rows(admitted.staged, "ds, title") == [(DAY, "open"), (NEXT, "closed"), (THIRD, "open")]


def test_the_same_content_as_the_day_before_is_unchanged(settings: Settings) -> None:
    admitted = run(deliver(settings, contract(), {DAY: csv(line(1), line(2)), NEXT: csv(line(2))}), settings)
    assert [(d.day, d.accepted, d.unchanged) for d in admitted.days] == [(DAY, 2, 0), (NEXT, 0, 1)]
    assert unchanged(settings, admitted) == [("drop_20230302.csv", 1)]


def test_a_corrected_delivery_adds_what_changed_and_nothing_else(settings: Settings) -> None:
    made = contract()
    held = commit(run(deliver(settings, made, {DAY: csv(line(1), line(2), "bad")}), settings), settings)
    corrected = run(deliver(settings, made, {DAY: csv(line(1), line(2, title="new"), "bad", line(3))}), settings, held)
    assert totals(corrected) == (4, 2, 0, 2)
    assert rows(corrected.staged, "id, title") == [(2, "new"), (3, "t")]


def test_an_earlier_day_loaded_later_is_judged_by_what_was_known_then(settings: Settings) -> None:
    made = contract()
    held = commit(run(deliver(settings, made, {THIRD: csv(line(1, title="closed"))}), settings), settings)
    history = run(
        deliver(settings, made, {DAY: csv(line(1, title="open")), NEXT: csv(line(1, title="closed"))}), settings, held
    )
    assert rows(history.staged, "ds, title") == [(DAY, "open"), (NEXT, "closed")]
    again = run(
        deliver(settings, made, {NEXT: csv(line(1, title="closed"), line(9)), THIRD: csv(line(1, title="closed"))}),
        settings,
        commit(history, settings, held),
    )
    assert rows(again.staged, "ds, id") == [(NEXT, 9)]


def test_after_a_correction_the_old_content_is_news(settings: Settings) -> None:
    made = contract()
    held = commit(run(deliver(settings, made, {DAY: csv(line(1, title="open"))}), settings), settings)
    files = {DAY: csv(line(1, title="corrected")), NEXT: csv(line(1, title="open"))}
    admitted = run(deliver(settings, made, files), settings, held)
    assert rows(admitted.staged, "ds, title") == [(DAY, "corrected"), (NEXT, "open")]


def test_two_versions_without_an_order_are_both_held_back(settings: Settings) -> None:
    admitted = run(
        deliver(settings, contract(), {DAY: csv(line(1), line(1, title="other"), line(2), line(2))}), settings
    )
    assert quarantined(settings, admitted) == {
        ("drop_20230301.csv", 1): ["conflicting_versions"],
        ("drop_20230301.csv", 2): ["conflicting_versions"],
    }
    assert totals(admitted) == (4, 1, 2, 1)


CURSOR = (*COLUMNS[:3], Column("updated_at", "Updated", "TIMESTAMPTZ", 7, required=True))


def extraction(settings: Settings, window: Window, *records: tuple[str, ...]) -> Any:
    """Rows of a database as its connector lands them."""
    path = settings.home / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (_record BIGINT, Id VARCHAR, Opened VARCHAR, Title VARCHAR, Updated VARCHAR)"
        )
        for number, record in enumerate(records, start=1):
            connection.execute("INSERT INTO t VALUES (?, ?, '03/01/2023 09:00:00 AM', ?, ?)", [number, *record])
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    made = contract("postgres", columns=CURSOR, cursor="updated_at")
    return by_hand(settings, made, window, {"rows.parquet": (path.read_bytes(), len(records))})


def test_with_a_cursor_a_version_seen_again_in_the_overlap_is_unchanged(settings: Settings) -> None:
    first = run(extraction(settings, Window(DAY, DAY), ("1", "open", "2023-03-01 10:00:00-05")), settings)
    second = run(
        extraction(
            settings,
            Window(NEXT, NEXT),
            ("1", "open", "2023-03-01 10:00:00-05"),
            ("1", "closed", "2023-03-02 23:30:00-05"),
            ("2", "late find", "2023-03-01 08:00:00-05"),
            ("3", "younger than the window", "2023-03-03 00:01:00-05"),
            ("4", "two at once", "2023-03-02 00:00:00-05"),
            ("4", "two at once, differing", "2023-03-02 00:00:00-05"),
        ),
        settings,
        commit(first, settings),
    )
    assert rows(second.staged, "ds, id, title") == [
        (NEXT, 1, "closed"), (NEXT, 2, "late find"), (NEXT, 3, "younger than the window"),
    ]  # fmt: skip
    assert second.reasons == {"conflicting_versions": 2}
    assert unchanged(settings, second) == [("rows.parquet", 1)]


def test_a_replay_admits_what_is_good_by_now_and_leaves_the_rest_alone(settings: Settings) -> None:
    landed = deliver(settings, contract(), {DAY: csv(line(1), line(2, cost="1.5 EUR"))})
    first = run(landed, settings)
    assert totals(first) == (2, 1, 1, 0)
    held = commit(first, settings)
    as_text = tuple(dataclasses.replace(c, type="VARCHAR") if c.name == "cost" else c for c in COLUMNS)
    changed = dataclasses.replace(landed, contract=dataclasses.replace(landed.contract, columns=as_text))
    replayed = run(changed, settings, held)
    assert rows(replayed.staged, "id, cost") == [(2, "1.5 EUR")]
    assert totals(replayed) == (2, 2, 0, 0)
    assert not quarantine_file(settings, replayed).exists()


# ---- day and snapshot ------------------------------------------------------------------------------------------------

CRASH = (Column("id", "id", "BIGINT", 1, required=True, key_position=1), Column("on_day", "day", "DATE", 2))


def crashes(*records: tuple[int, str | None]) -> list[dict[str, Any]]:
    return [{"id": str(number), "day": day} for number, day in records]


def by_day(**changes: Any) -> Contract:
    return contract("http_json", Mode.DAY, columns=CRASH, partition_column="on_day", **changes)


def test_a_day_is_replaced_whole_or_not_at_all(settings: Settings) -> None:
    window = Window(DAY, THIRD)
    first = run(
        pages(settings, by_day(), window, crashes((1, "2023-03-01"), (2, "2023-03-02"), (3, "2023-03-03"))), settings
    )
    assert first.replaced_days == (DAY, NEXT, THIRD)
    held = commit(first, settings)
    second = run(
        pages(settings, by_day(), window, crashes((2, "2023-03-02"), (4, "2023-03-02"), (1, "2023-03-01"))),
        settings,
        held,
    )
    assert second.replaced_days == (NEXT, THIRD)
    assert rows(second.staged, "ds, id") == [(NEXT, 2), (NEXT, 4)]
    assert [(d.delivered, d.accepted, d.unchanged) for d in second.days] == [(1, 0, 1), (2, 2, 0), (0, 0, 0)]
    other_order = pages(settings, by_day(), window, crashes((4, "2023-03-02"), (2, "2023-03-02"), (1, "2023-03-01")))
    third = run(other_order, settings, commit(second, settings, held))
    assert third.replaced_days == ()
    assert third.staged == ()


def test_a_replayed_day_is_judged_and_replaced_again(settings: Settings) -> None:
    landed = pages(
        settings, by_day(), Window(DAY, DAY), [*crashes((1, "2023-03-01")), {"id": "x", "day": "2023-03-01"}]
    )
    first = run(landed, settings)
    assert totals(first) == (2, 1, 1, 0)
    held = commit(first, settings)
    as_text = dataclasses.replace(by_day(), columns=(dataclasses.replace(CRASH[0], type="VARCHAR"), CRASH[1]))
    replayed = run(dataclasses.replace(landed, contract=as_text), settings, held)
    assert totals(replayed) == (2, 2, 0, 0)
    assert replayed.replaced_days == (DAY,)


def test_an_event_of_another_day_or_none_is_held_back(settings: Settings) -> None:
    items = crashes((1, "2023-03-01"), (2, "2023-02-28"), (3, None), (4, "soon"))
    admitted = run(pages(settings, by_day(), Window(DAY, DAY), items), settings)
    assert [reasons for _, reasons in sorted(quarantined(settings, admitted).items())] == [
        ["outside_window"], ["missing:on_day"], ["cast:on_day"],
    ]  # fmt: skip
    assert [(d.day, d.delivered) for d in admitted.days] == [(DAY, 4)]


def test_a_local_day_is_the_citys(settings: Settings) -> None:
    columns = (CRASH[0], Column("at", "at", "TIMESTAMPTZ", 2))
    made = contract("http_json", Mode.DAY, columns=columns, partition_column="at")
    item = {"id": "1", "at": "2023-03-02T03:30:00Z"}  # 22:30 of the day before in New York
    assert rows(run(pages(settings, made, Window(DAY, DAY), [item]), settings).staged, "ds") == [(DAY,)]


def test_a_snapshot_is_one_day_and_equal_to_itself_in_any_order(settings: Settings) -> None:
    made = contract("http_json", Mode.SNAPSHOT, columns=CRASH, cadence=Cadence.MONTHLY)
    window = Window(DAY, date(2023, 3, 31))
    first = run(pages(settings, made, window, crashes((1, None), (2, None))), settings)
    assert rows(first.staged, "ds, id") == [(DAY, 1), (DAY, 2)]
    again = run(pages(settings, made, window, crashes((2, None), (1, None))), settings, commit(first, settings))
    assert totals(again) == (2, 0, 0, 2)
    assert again.replaced_days == ()


def test_the_same_delivery_gives_the_same_rows_counts_and_digests(settings: Settings) -> None:
    landed = deliver(settings, contract(), {DAY: csv(line(1), line(1), "bad"), NEXT: csv(line(2, cost="x"), line(3))})
    first = run(landed, settings)
    first_rows = rows(first.staged)
    second = run(landed, settings)
    assert (second.days, second.reasons, second.replaced_days) == (first.days, first.reasons, first.replaced_days)
    assert rows(second.staged) == first_rows
    assert len(first_rows) == 2


# ---- other formats ---------------------------------------------------------------------------------------------------


def test_addresses_of_pages_are_page_and_index(settings: Settings) -> None:
    landed = pages(
        settings, by_day(), Window(DAY, DAY), crashes((1, "2023-03-01")), crashes((2, "2023-03-01"), (3, "x"))
    )
    admitted = run(landed, settings)
    assert rows(admitted.staged, "_file, _record, id") == [("page-00001.json", 1, 1), ("page-00002.json", 1, 2)]
    assert quarantined(settings, admitted) == {("page-00002.json", 2): ["cast:on_day"]}


def test_items_that_are_no_objects_are_records_too(settings: Settings) -> None:
    items: list[Any] = [*crashes((1, "2023-03-01")), 7, ["a"], {"id": "a\x00b", "day": None}]
    admitted = run(pages(settings, by_day(), Window(DAY, DAY), items), settings)
    assert sorted(quarantined(settings, admitted).values()) == [["not_an_object"], ["not_an_object"], ["nul_byte"]]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([{"id": "1", "day": "2023-03-01", "phone": "x"}], "added 'phone'"),
        ([{"id": "1"}], "removed 'day'"),
    ],
)
def test_keys_of_items_are_the_contracts(items: list[dict[str, str]], told: str, settings: Settings) -> None:
    with pytest.raises(SchemaDrift, match=told):
        run(pages(settings, by_day(), Window(DAY, DAY), items), settings)


@pytest.mark.parametrize(
    "content", [b'{"items": [{"id": "1"', b'{"rows": []}', b'{"items": {}}', b'{"items": ["\xff"]}']
)
def test_a_page_that_is_no_list_of_records_holds_the_delivery(content: bytes, settings: Settings) -> None:
    with pytest.raises(DeliveryDamaged):
        run(by_hand(settings, by_day(), Window(DAY, DAY), {"page-00001.json": (content, 1)}), settings)


def test_geometry_is_its_geojson_text(settings: Settings) -> None:
    columns = (CRASH[0], Column("name", "name", "VARCHAR", 2), Column("geometry", "geometry", "VARCHAR", 3))
    made = contract("geojson_files", Mode.SNAPSHOT, columns=columns, cadence=Cadence.MONTHLY)
    point = {"type": "Point", "coordinates": [-73.9, 40.7]}
    feature = {"type": "Feature", "properties": {"id": 1, "name": "皇后区"}, "geometry": point}
    text = json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False).encode()
    admitted = run(deliver(settings, made, {DAY: text}, Window(DAY, date(2023, 3, 31))), settings)
    ((name, geometry),) = rows(admitted.staged, "name, geometry")
    assert name == "皇后区"
    assert json.loads(geometry) == point


def workbook(*lines: tuple[Any, ...]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in (("time", "value"), *lines):
        book.active.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


HOURLY = (
    Column("observed_at", "time", "TIMESTAMPTZ", 1, format="%Y-%m-%dT%H:%M", required=True, key_position=1),
    Column("value", "value", "INTEGER", 2),
)


def test_dates_of_a_workbook_may_be_dates_or_text_and_empty_rows_are_none(settings: Settings) -> None:
    made = contract("excel_files", Mode.DAY, columns=HOURLY, cadence=Cadence.MONTHLY, zone="UTC",
                    partition_column="observed_at", null_markers=("NaN",))  # fmt: skip
    content = workbook(
        (datetime(2023, 3, 1, 7), 302.0),
        ("2023-03-01T08:00", "NaN"),
        (None, None),
        ("2023-03-01T09:00", float("nan")),
        (None, 5),
        ("2023-03-01T10:00", 1.5),
        (None, None),
    )
    admitted = run(deliver(settings, made, {DAY: content}, Window(DAY, date(2023, 3, 31))), settings)
    assert rows(admitted.staged, "_record, observed_at, value") == [
        (1, datetime(2023, 3, 1, 7, tzinfo=UTC), 302),
        (2, datetime(2023, 3, 1, 8, tzinfo=UTC), None),
        (4, datetime(2023, 3, 1, 9, tzinfo=UTC), None),
    ]
    assert sorted(quarantined(settings, admitted).values()) == [["cast:value"], ["missing:observed_at"]]
    assert len(admitted.days) == 31


@pytest.mark.parametrize(
    ("connector", "name", "content"),
    [("excel_files", "book.xlsx", b"no workbook"), ("postgres", "rows.parquet", b"PAR1 no parquet")],
)
def test_a_file_of_another_kind_holds_the_delivery(
    connector: str, name: str, content: bytes, settings: Settings
) -> None:
    made = contract(connector, columns=HOURLY, cursor="observed_at")
    with pytest.raises(DeliveryDamaged):
        run(by_hand(settings, made, Window(DAY, DAY), {name: (content, 1)}), settings)


# ---- account, quarantine, suites -------------------------------------------------------------------------------------


def test_another_second_count_stops_everything(settings: Settings) -> None:
    landed = deliver(settings, contract(), {DAY: csv(line(1), line(2))})
    off_by_one = (dataclasses.replace(landed.files[0], records=3),)
    with pytest.raises(Unaccounted, match="2 records, the second count says 3"):
        run(dataclasses.replace(landed, files=off_by_one, delivered=3), settings)
    assert not (settings.staging / "dep" / "thing").exists()


def test_no_message_quotes_what_the_database_says(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise duckdb.ConversionException("Could not convert string '13800001111' to INT32")

    monkeypatch.setattr("lake.admission.compare", fail)
    with pytest.raises(Exception, match="ConversionException") as caught:
        run(deliver(settings, contract(), {DAY: csv(line(1))}), settings)
    assert "13800001111" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_quarantine_is_shown_masked(settings: Settings) -> None:
    landed = deliver(settings, contract(), {DAY: csv(line(1), "2,03/01/2023 09:00:00 AM,t,Zoë 7,c,n")})
    run(landed, settings)
    (record,) = quarantine.show(settings, "queens.dep.thing", DAY)
    assert (record.file, record.record, record.reasons) == ("drop_20230301.csv", 2, ("cast:cost",))
    assert record.cells["cost"] == "xxx 9"
    assert record.as_dict()["day"] == "2023-03-01"
    (revealed,) = quarantine.show(settings, "queens.dep.thing", delivery=landed.delivery, reveal=True)
    assert revealed.cells["cost"] == "Zoë 7"
    assert quarantine.show(settings, "queens.dep.thing", NEXT) == []
    assert quarantine.reasons(settings, "queens.dep.thing") == {"cast:cost": 1}
    path = quarantine_file(settings, run(landed, settings))
    assert path.stat().st_mode & 0o077 == 0


GOOD_ENTRY = """\
- id: cost_positive
  type: expect_column_values_to_be_between
  kwargs: {column: cost, min_value: 0}
  severity: error
  owner: Dep
  reason: A cost below nothing is a slip.
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("owner: Dep", "oner: Dep"), r"thing\.yaml:5: unknown key 'oner'"),
        (("  owner: Dep\n", ""), r"thing\.yaml:1: owner is missing"),
        (("  reason: A cost below nothing is a slip.\n", "  reason:\n"), "reason is missing"),
        (("severity: error", "severity: fatal"), r"thing\.yaml:4: severity is one of critical, error, warning"),
        (("values_to_be_between", "values_to_be_btween"), r"thing\.yaml:2: unknown type"),
        (("min_value: 0", "minimum: 0"), r"thing\.yaml:3: .*takes no 'minimum'"),
        (("column: cost", "column: price"), "column 'price' is not one the lake keeps"),
        (("column: cost", "column: note"), "column 'note' is not one the lake keeps"),
        (("column: cost", "column: title"), "needs a number or a time"),
        (("min_value: 0", "min_value: 0, mostly: 0.9"), "mostly has no meaning with severity error"),
        ((", min_value: 0", ""), "give min_value, max_value or both"),
        (("expect_column_values_to_be_between", "expect_column_mean_to_be_between"), "cannot say which rows fail"),
        (("id: cost_positive", "id: Cost!"), "an id is snake_case"),
        (("- id", "* id"), r"thing\.yaml:1: not YAML"),
        ((GOOD_ENTRY, GOOD_ENTRY * 2), r"thing\.yaml:7: id 'cost_positive' is used in line 1 too"),
        ((GOOD_ENTRY, "a: b"), "a suite is a list"),
        (
            ("type: expect_column_values_to_be_between\n  kwargs: {column: cost, min_value: 0}",
             "type: expect_column_values_to_match_regex\n  kwargs: {column: title, regex: '(?=a)'}"),
            "regex is not one RE2 takes",
        ),
        (
            ("type: expect_column_values_to_be_between\n  kwargs: {column: cost, min_value: 0}",
             "type: expect_compound_columns_to_be_unique\n  kwargs: {column_list: [cost]}"),
            "is of two columns or more",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_suite_is_named_with_file_line_and_remedy(
    change: tuple[str, str], told: str, settings: Settings, tmp_path: Path
) -> None:
    elsewhere = dataclasses.replace(settings, root=tmp_path)
    path = tmp_path / "expectations" / "queens" / "dep" / "thing.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD_ENTRY)
    assert read_suite(contract(), elsewhere).expectations[0].kwargs == {"column": "cost", "min_value": 0}
    path.write_text(GOOD_ENTRY.replace(*change))
    with pytest.raises(ContractError, match=told):
        read_suite(contract(), elsewhere)


def test_a_dataset_without_a_suite_is_not_admitted(settings: Settings) -> None:
    with pytest.raises(ContractError, match="there is no suite"):
        read_suite(contract(), settings)


def test_every_suite_of_the_city_is_without_mistakes(settings: Settings) -> None:
    contracts = load_contracts(settings)
    assert len(contracts) >= 5
    assert {made.dataset: check_suite(made, settings) for made in contracts} == {made.dataset: [] for made in contracts}
    for made in contracts:
        assert all(e.reason_zh for e in read_suite(made, settings).expectations)
