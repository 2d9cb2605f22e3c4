"""What people mistype at night is told in one line, with what to write instead, and never by a stack of calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lake.cli import app
from lake.errors import CitybrainError


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("dataset show queens.dot.street_defec", "queens.dot.street_defect"),
        ("load queens.dot.street_defec --from 2023-04-03", "queens.dot.street_defect"),
        ("quarantine show queens.dot.street_defec", "queens.dot.street_defect"),
        ("ledger show queens.dot.street_defec", "queens.dot.street_defect"),
        ("reconcile queens.dot.street_defec", "queens.dot.street_defect"),
        ("load queens.dot.street_defect --from 2023-13-01", "2023-04-03"),
        ("load queens.dot.street_defect --from 2023-04-03 --to 2023-04-01", "is before the first"),
        ("load queens.dot.street_defect --from 2023-04-03", "CITYBRAIN_CONN_DOT_DROP"),
        ("contract check contracts/queens/none.yaml", "does not exist"),
        ("contract draft drop_2 --dataset queens.a.b", "CITYBRAIN_CONN_DROP_2"),
        ("contract draft not/there.csv --dataset queens.a.b", "correct the path"),
    ],
)
def test_a_typical_mistake_says_its_remedy(
    command: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("CITYBRAIN_CITY", "queens")
    monkeypatch.delenv("CITYBRAIN_CONN_DOT_DROP", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    done = CliRunner().invoke(app, command.split())

    assert isinstance(done.exception, SystemExit | CitybrainError), done.exception
    text = str(done.exception) if isinstance(done.exception, CitybrainError) else done.stderr
    assert told in text
