"""What ties the fault tests together: no boundary without a kill, and the disk full where the other tests do not go."""

from __future__ import annotations

import ast
import re
import signal
from pathlib import Path

import briefs_city
import pytest
from forge import Forge
from town import DEFECT, MONDAY, TUESDAY, WINDOW, Town, defects, state

from lake.backup import create
from lake.errors import ContractViolation
from lake.load import load
from lake.settings import PROJECT_ROOT, Settings

LOAD = (DEFECT, str(MONDAY), str(TUESDAY))
NO_B = {
    "id": "no_b", "type": "expect_column_values_to_not_be_in_set", "severity": "error", "owner": "Roads",
    "reason": "b is none", "kwargs": {"column": "title", "value_set": ["b"]},
}  # fmt: skip


def boundaries() -> set[str]:
    """Every name the product calls `boundary` with."""
    return {
        str(call.args[0].value)  # type: ignore[attr-defined] - a literal, or the test fails here
        for path in (PROJECT_ROOT / "lake").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "boundary"
    }


def killed() -> set[str]:
    """Every text among the parameters and in the body of a test that kills at a boundary."""
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lists = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for function in tree.body:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_") and _kills(function):
                found |= _texts(function, lists)
    return found


def _kills(function: ast.FunctionDef) -> bool:
    """Whether it hands a boundary to the forge, or to the one function of these tests that does."""
    return any(
        isinstance(node, ast.Call)
        and (any(word.arg == "die_at" for word in node.keywords) or getattr(node.func, "id", "") == "corrected")
        for node in ast.walk(function)
    )


def _texts(node: ast.AST, lists: dict[str, ast.expr]) -> set[str]:
    texts: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            texts.add(each.value)
        elif isinstance(each, ast.Name) and each.id in lists:
            texts |= _texts(lists[each.id], {})
    return texts


def test_every_boundary_is_one_that_a_test_kills_at() -> None:
    assert len(boundaries()) > 20
    assert boundaries() - killed() == set()


def test_a_load_killed_while_it_holds_a_delivery_back_is_held_once(town: Town, forge: Forge) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a")))
    load(DEFECT, WINDOW, town.settings)
    town.deliver("defect_20230306.csv", "Nummer,Titel\n1,renamed\n")
    town.remember()

    def held() -> dict[str, object]:
        with pytest.raises(ContractViolation):
            load(DEFECT, WINDOW, town.settings)
        return state(town.settings)

    expected = held()
    town.restore()
    assert forge.run("load", town.environment, *LOAD, die_at="hold.written").signal == signal.SIGKILL
    assert held() == expected
    assert (expected["unaccounted"], expected["rebuilt alike"]) == ([], True)


@pytest.mark.parametrize("moment", ["commit.before"])
def test_a_replay_on_a_full_disk_says_so_and_goes_on_with_room(town: Town, forge: Forge, moment: str) -> None:
    """Its quarantine is written anew, its rows taken out: what is half done is done with room."""
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b"), (3, "c")))
    load(DEFECT, WINDOW, town.settings)
    town.write_suite(DEFECT, NO_B)
    ended = forge.run("replay_full", town.environment, *LOAD, moment)
    assert ended.error == "", ended
    told = ended.result
    assert told["error"] == "StorageFull" or not told["is_disk"], told
    assert told["sound"]
    assert told["rows"][DEFECT] == 2


@pytest.mark.parametrize("moment", ["backup.object"])
def test_a_backup_on_a_full_disk_is_none_and_the_next_is_whole(
    town: Town, forge: Forge, tmp_path: Path, moment: str
) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a")))
    load(DEFECT, WINDOW, town.settings)
    create(tmp_path / "store", town.settings)
    town.deliver("defect_20230307.csv", defects(*((n, "a") for n in range(500))))
    load(DEFECT, WINDOW, town.settings)
    ended = forge.run("back_up_full", town.environment, str(tmp_path / "store"), moment)
    assert ended.error == "", ended
    assert ended.result["error"] == "StorageFull" or not ended.result["is_disk"], ended.result
    assert (ended.result["backups"], ended.result["damage"]) == ([1, 2], [])


def test_briefs_and_answers_on_a_full_disk_are_there_whole_or_not_at_all(
    settings: Settings, forge: Forge, tmp_path: Path
) -> None:
    briefs_city.publish(settings)
    environment = {"CITYBRAIN_HOME": str(settings.home), "CITYBRAIN_ROOT": str(PROJECT_ROOT)}
    (tmp_path / "out").mkdir()
    answered = forge.run("export_full", environment, str(tmp_path / "out"))
    assert (answered.error, answered.result["left"]) == ("", [[], ["answer.csv"]]), answered
    issued = forge.run("issue_full", environment, "B01", "2023-04-03", "401", "")
    assert (issued.error, [len(names) for names in issued.result["issues"]]) == ("", [0, 1]), issued
    assert issued.result["error"] == "StorageFull" or not issued.result["is_disk"], issued.result


@pytest.mark.parametrize("page", ["faults", "security"])
def test_every_test_a_page_calls_as_a_witness_is_there(page: str) -> None:
    text = (PROJECT_ROOT / "docs" / "explanation" / f"{page}.md").read_text(encoding="utf-8")
    witnesses = set(re.findall(r"`(tests/\S+\.py)::(\w+)`", text))
    assert len(witnesses) > 15
    assert [w for w in witnesses if f"def {w[1]}(" not in (PROJECT_ROOT / w[0]).read_text(encoding="utf-8")] == []


def test_the_page_names_every_boundary() -> None:
    text = (PROJECT_ROOT / "docs" / "explanation" / "faults.md").read_text(encoding="utf-8")
    assert [name for name in sorted(boundaries()) if f"`{name}`" not in text] == []
