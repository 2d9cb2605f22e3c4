"""Record linkage and what it stands on: weights by hand, determinism, credit codes, addresses."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pytest

from lake.methods import linkage

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "dbt_project" / "seeds" / "std"
PRIOR = 0.5 / 10_000
FREQUENCY = {"tf_name": 1 / 5_000, "tf_legal_rep": 1 / 6_000, "tf_address": 1 / 4_000, "tf_industry": 1 / 30,
             "tf_division": 1 / 8}  # fmt: skip


def given() -> linkage.Parameters:
    with (SEEDS / "link_comparison.csv").open(encoding="utf-8") as file:
        return linkage.parameters(list(csv.DictReader(file)), prior=PRIOR, name_similarity=0.6)


def record(unique_id: str, source: str, *, is_known: bool, **values: Any) -> dict[str, Any]:
    blank = dict.fromkeys(("name", "legal_rep", "address", "industry", "division", "county"))
    row = {"unique_id": unique_id, "is_known": is_known, "source_datasets": source} | blank | values
    return row | {name: share if row[name.removeprefix("tf_")] else None for name, share in FREQUENCY.items()}


def table(*rows: dict[str, Any]) -> pa.Table:
    text = ("unique_id", "source_datasets", "name", "legal_rep", "address", "industry", "division", "county")
    schema = [(name, pa.string()) for name in text] + [("is_known", pa.bool_())]
    return pa.Table.from_pylist(list(rows), pa.schema(schema + [(name, pa.float64()) for name in FREQUENCY]))


FIRM = {"legal_rep": "a1", "industry": "C26", "division": "990112003", "county": "990112"}
KNOWN = record("91990112BBXPLTYN14", "market.subject", is_known=True, address="s", **FIRM)
OPEN = record("open-1", "emergency.enterprise", is_known=False, name="蓝潮化工有限公司", address="e", **FIRM)


def test_a_weight_is_that_of_fellegi_and_sunter() -> None:
    """M = log2(λ/(1-λ)) + Σ log2(m/u): Fellegi, Sunter, JASA 64 (1969), as Splink's documentation writes it.

    Worked by hand: representative, industry and township agree, addresses do not, one has no name. Where values agree
    their frequency stands for u.
    """
    (pair,) = linkage.score(table(KNOWN, OPEN), given()).to_pylist()
    weight = (
        math.log2(PRIOR / (1 - PRIOR))
        + math.log2(0.96 * 6_000)
        + math.log2(0.97 * 30)
        + math.log2(0.95 * 8)
        + math.log2(0.60 / 0.9995)
    )
    assert pair["match_weight"] == pytest.approx(weight, abs=1e-8)
    assert pair["match_probability"] == pytest.approx(2**weight / (1 + 2**weight), abs=1e-8)
    assert (pair["open_id"], pair["other_id"], pair["is_other_known"]) == ("open-1", "91990112BBXPLTYN14", True)


def test_names_that_are_close_count_less_than_equal_ones() -> None:
    names = {"equal": "临澜望洲蓝潮化工有限公司", "close": "临澜望洲兰潮化工有限公司", "other": "海湾纺织厂"}
    weights = {}
    for kind, name in names.items():
        known = record("k", "fire.inspection", is_known=True, name=name, **FIRM)
        open_ = record("o", "emergency.enterprise", is_known=False, name=names["equal"], **FIRM)
        weights[kind] = linkage.score(table(known, open_), given()).to_pylist()[0]["match_weight"]
    assert weights["equal"] > weights["close"] > weights["other"]
    assert weights["close"] - weights["other"] == pytest.approx(math.log2(0.04 / 0.002) - math.log2(0.02 / 0.9976))


def test_a_firm_that_moved_within_its_county_is_still_likely() -> None:
    moved = record("k", "fire.inspection", is_known=True, **(FIRM | {"division": "990112001"}))
    gone = record("g", "fire.inspection", is_known=True, **(FIRM | {"division": "990113001", "county": "990113"}))
    rows = linkage.score(table(moved, gone, OPEN), given()).to_pylist()
    weight = {pair["other_id"]: pair["match_weight"] for pair in rows}
    assert weight["k"] - weight["g"] == pytest.approx(math.log2(0.03 / 0.12) - math.log2(0.02 / 0.86))


def test_two_known_records_and_two_of_one_register_make_no_pair() -> None:
    again = record("open-2", "emergency.enterprise", is_known=False, address="f", **FIRM)
    other = record("91990112U000000000", "fire.inspection", is_known=True, address="g", **FIRM)
    pairs = linkage.score(table(KNOWN, OPEN, again, other), given()).to_pylist()
    assert {(pair["open_id"], pair["other_id"]) for pair in pairs} == {
        (open_id, known["unique_id"]) for open_id in ("open-1", "open-2") for known in (KNOWN, other)
    }


def test_same_records_give_the_same_pairs_in_whatever_order() -> None:
    rows = [KNOWN, OPEN, record("91990112U000000000", "fire.inspection", is_known=True, **FIRM)]
    rows += [record(f"n{i}", "power.meter_day", is_known=i % 3 > 0, address=f"e{i % 5}", **FIRM) for i in range(40)]
    first = linkage.score(table(*rows), given())
    assert first.equals(linkage.score(table(*reversed(rows)), given())) and first.num_rows > 40


def test_nothing_to_compare_gives_no_pairs() -> None:
    for rows in ((), (KNOWN,), (KNOWN, record("x", "fire.alarm", is_known=True))):
        assert linkage.score(table(*rows), given()).equals(linkage.PAIRS.empty_table())


def test_a_comparison_without_levels_is_refused() -> None:
    with pytest.raises(ValueError, match="no levels for the comparisons name, legal_rep"):
        linkage.parameters([], prior=0.1, name_similarity=0.9)


def asked(column: str, text: str, call: str) -> list[tuple[Any, ...]]:
    """Rows of a macro over one typed text."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for seed in ("std_uscc_place", "std_uscc_character", "std_address_level", "std_address_spelling"):
            days = ", types = {'valid_to': 'DATE'}" if seed == "std_address_level" else ""
            connection.execute(f"CREATE TABLE {seed}_seed AS FROM read_csv('{SEEDS / seed}.csv'{days})")
        connection.execute(f"CREATE TABLE said AS SELECT $1::VARCHAR AS {column}", [text])
        return connection.execute(macro(call)).fetchall()


def macro(call: str) -> str:
    """SQL of a macro of the project as dbt would write it, over tables that have the names of the seeds."""
    text = (ROOT / "dbt_project" / "macros" / "entities.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    found: str = environment.from_string(text + "{{ " + call + " }}").render(
        ref=lambda name: f"{name}_seed", as_of=lambda: "DATE '2026-07-01'"
    )
    return found


@pytest.mark.parametrize(
    ("typed", "code", "is_corrected"),
    [
        ("91350100M000100Y43", "91350100M000100Y43", False),  # the example of GB 32100-2015
        ("9135O100MOOO1OOY43", "91350100M000100Y43", True),
        (" 91350100m000100y43", "91350100M000100Y43", True),
        ("9I350I00M000I00Y43", "91350100M000100Y43", True),
        ("91350100M000100Y44", None, False),
        ("91350100M00010Y43", None, False),
        ("91350100M000100Y43X", None, False),
        ("测试", None, False),
    ],
)
def test_credit_codes_are_checked_and_letters_read_as_numbers(typed: str, code: str | None, is_corrected: bool) -> None:
    rows = asked("uscc_stated", typed, "credit_codes('said', 'uscc_stated')")
    assert rows == ([] if code is None else [(typed, code, is_corrected)])


LEVELS = ("province", "city", "county", "township", "village", "road", "door", "estate", "building", "unit", "floor",
          "room")  # fmt: skip


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("江苏省临澜市澜中区澜桥街道人民路12号澜庭花园3幢2单元501室",
         ("江苏省", "临澜市", "澜中区", "澜桥街道", None, "人民路", "12号", "澜庭花园", "3幢", "2单元", None, "501室")),
        ("临澜市如海县圩角镇盐仓村16号", (None, "临澜市", "如海县", "圩角镇", "盐仓村", None, "16号")),
        ("临澜市 澜中区澜桥街道人民路12号 澜庭花园3号楼2单元501",
         (None, "临澜市", "澜中区", "澜桥街道", None, "人民路", "12号", "澜庭花园", "3幢", "2单元", None, "501室")),
        ("澜桥街道棉乡社区建设街7-1号", (None, None, None, "澜桥街道", "棉乡社区", "建设街", "7-1号")),
        ("3栋2-501室", (None,) * 8 + ("3幢", "2单元", None, "501室")),
        ("3-2-501", (None,) * 8 + ("3幢", "2单元", None, "501室")),
        ("1单元501", (None,) * 9 + ("1单元", None, "501室")),
        ("1-1001室", (None,) * 9 + ("1单元", None, "1001室")),
        ("12单元3层301室", (None,) * 9 + ("12单元", "3层", "301室")),
        ("1001室", (None,) * 11 + ("1001室",)),
        ("不知道", ()),
    ],
)  # fmt: skip
def test_addresses_are_taken_apart_level_by_level(address: str, parts: tuple[str | None, ...]) -> None:
    rows = asked("room_text", address, "address_levels('said', 'room_text')")
    found = {level_id: part for _, _, level_id, part in rows}
    assert found == {level: part for level, part in zip(LEVELS, parts, strict=False) if part}
