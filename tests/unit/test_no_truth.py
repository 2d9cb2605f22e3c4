"""The lake and all that it reads know nothing of the demo city: what it is graded by must not be what it looks at.

Imports are import-linter's matter; here it is names in any text: paths, SQL, YAML, comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("lake", "dbt_project", "dags", "plugins", "briefs")
FORBIDDEN = re.compile(r"demo[_-]city|truth[/\\]|truth\.duckdb", re.IGNORECASE)
BUILT = {"__pycache__", "target", "logs", "dbt_packages"}


def naming(root: Path) -> list[str]:
    """Files below the rooms that name the demo city or its truth, with the line."""
    return [
        f"{path.relative_to(root)}:{number}"
        for room in ROOMS
        for path in texts(root / room)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]


def texts(room: Path) -> Iterator[Path]:
    for path in sorted(room.rglob("*")):
        if path.is_file() and not BUILT & set(path.parts) and path.suffix not in {".ttf", ".otf", ".png", ".woff2"}:
            yield path


def test_nothing_of_the_lake_names_the_demo_city() -> None:
    assert all(any(True for _ in texts(ROOT / room)) for room in ROOMS)
    assert naming(ROOT) == []


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("lake", "from demo_city.world import World"),
        ("lake", 'TRUTH = home / "truth/answers.parquet"'),
        ("dbt_project", "select * from read_parquet('../demo_city/truth/hotline.parquet')"),
        ("briefs", "records: SELECT * FROM read_parquet('var/linlan/truth.duckdb')"),
        ("dags", "# see demo-city for the answers"),
    ],
)
def test_a_name_is_found_wherever_it_stands(tmp_path: Path, room: str, line: str) -> None:
    for each in ROOMS:
        (tmp_path / each).mkdir()
    (tmp_path / room / "deep").mkdir()
    (tmp_path / room / "deep" / "file.txt").write_text(f"fine\n{line}\n", encoding="utf-8")
    assert naming(tmp_path) == [f"{room}/deep/file.txt:2"]
