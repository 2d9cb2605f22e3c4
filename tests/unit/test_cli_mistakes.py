"""What people mistype at night is told in one line, with what to write instead, and never by a stack of calls."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lake.cli import app, main
from lake.errors import CitybrainError, StorageShut


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
        ("marts build --as-of 2019-01-01", "nothing of that day or before"),
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


def test_a_home_that_is_shut_to_us_is_told_with_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shut = tmp_path / "upkeep.lock"

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system", str(shut))

    monkeypatch.setenv("CITYBRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("CITYBRAIN_CITY", "queens")
    monkeypatch.setattr("sys.argv", ["citybrain", "setup"])
    monkeypatch.setattr("lake.upkeep.make_ready", refuse)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == StorageShut.exit_code
    told = capsys.readouterr().err
    assert f"{shut} is shut to us" in told and "docs/runbooks/storage.md" in told
