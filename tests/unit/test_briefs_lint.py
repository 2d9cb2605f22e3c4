"""No digit, direction or cause may stand in a template; each planted one is found, and ours have none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from test_briefs_prose import GOLDEN_TEMPLATE

from lake.briefs.definition import definition_of, definitions
from lake.briefs.lint import lint, lint_nodes
from lake.briefs.template import parse, render
from lake.errors import ContractError
from lake.settings import PROJECT_ROOT

BRIEFS = PROJECT_ROOT / "briefs"


def test_our_briefs_say_nothing_of_their_own() -> None:
    assert {definition.id for definition in definitions(BRIEFS)} >= {"B01", "B02"}
    assert lint(BRIEFS) == []


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("本月{n:appeals}起上月13起", "number"),
        ("近３０日", "number"),
        ("前十类", "number"),
        ("三成来自此类", "number"),
        ("翻了两倍", "number"),
        ("来源①", "number"),
        ("环比上升{pct:appeals}", "direction"),
        ("环比{pct:appeals}，高于均值", "direction"),
        ("同比减少", "direction"),
        ("与上期持平", "direction"),
        ("由降雨导致", "cause"),
        ("因降雨", "cause"),
        ("受天气影响", "cause"),
        ("{n:nothing}", "slot"),
        ("{invented}", "slot"),
        ("{n}", "slot"),
        ("{n:appeals", "syntax"),
        ("{?n:appeals}开头", "syntax"),
    ],
)
def test_a_planted_word_is_found_wherever_it_stands(tmp_path: Path, planted: str, kind: str) -> None:
    shutil.copytree(BRIEFS / "B01_daily", tmp_path / "B01_daily")
    file = tmp_path / "B01_daily" / "definition.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    cases = next(section for section in content["sections"] if section["id"] == "cases")
    places = [
        (cases, "title"),
        (cases["paragraphs"][0], 0),
        (content["sections"][0]["points"][0]["clauses"], 1),
        (content["figures"][0], "title"),
        (content["series"][0]["legend"], 1),
        (content["notes"][0], 0),
    ]
    for holder, place in places:
        kept, holder[place] = holder[place], planted
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        found = lint(tmp_path)
        assert kind in {finding.kind for finding in found}, place
        assert all(finding.file == file for finding in found)
        holder[place] = kept


def test_the_golden_weekly_says_nothing_of_its_own() -> None:
    assert lint_nodes(parse(GOLDEN_TEMPLATE)) == []


def test_words_around_slots_and_between_entries_are_looked_at_too() -> None:
    nodes = parse("{?known:appeals}比上月多13件{/}{*topics}{.name}{|}，其中第2位{/}")
    assert {piece for _, piece in lint_nodes(nodes)} >= {"1", "3", "2"}


def test_a_clause_without_its_number_is_not_written() -> None:
    slots = {"n": lambda name: {"a": "5件"}.get(name), "known": lambda name: "x" if name == "a" else None}
    entries = [{"name": "甲"}, {"name": "乙"}]

    def fill(text: str) -> str | None:
        return render(parse(text), slots, lambda ranking: entries if ranking == "topics" else [])

    assert fill("受理{n:a}") == "受理5件"
    assert fill("受理{n:b}") is None
    assert fill("受理{n:a}{?known:b}，其中{n:b}{/}") == "受理5件"
    assert fill("{*topics}{.name}{|}、{/}") == "甲、乙"
    assert fill("{*none}{.name}{/}") is None


def test_a_definition_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    shutil.copytree(BRIEFS / "B01_daily", tmp_path / "B01_daily")
    file = tmp_path / "B01_daily" / "definition.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("pages_max: 2", "pages_max: 2\npage_limit: 3"), encoding="utf-8"
    )
    with pytest.raises(ContractError, match=r"B01_daily/definition\.yaml: page_limit"):
        definition_of(tmp_path, "B01")
    with pytest.raises(ContractError, match="no brief 'B99'"):
        definition_of(BRIEFS, "B99")


def test_layouts_hold_no_words() -> None:
    for file in (BRIEFS / "layout").iterdir():
        assert not [sign for sign in file.read_text(encoding="utf-8") if "㐀" <= sign <= "鿿" and sign != "号"], (
            file.name
        )
