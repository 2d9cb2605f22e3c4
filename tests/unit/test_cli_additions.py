"""Commands of other packages: listed without being loaded, and no harm when they are broken."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

from lake.cli import additions, app
from lake.errors import CitybrainError


def _added(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    entries = {name: EntryPoint(name, value, additions.GROUP) for name, value in values.items()}
    monkeypatch.setattr(additions, "_added", lambda: entries)


def test_the_list_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _added(monkeypatch, demo="demo_city.cli:app", absent="no_such_package:app")
    monkeypatch.delitem(sys.modules, "demo_city.cli", raising=False)

    said = CliRunner().invoke(app, ["--help"])

    assert said.exit_code == 0
    assert "demo" in said.output and "absent" in said.output
    assert "demo_city.cli" not in sys.modules


def test_an_added_command_is_loaded_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _added(monkeypatch, demo="demo_city.cli:app")

    said = CliRunner().invoke(app, ["demo", "serve", "--help"])

    assert said.exit_code == 0
    assert "--county" in said.output


def test_a_broken_package_breaks_its_own_command_only(monkeypatch: pytest.MonkeyPatch) -> None:
    _added(monkeypatch, demo="no_such_package:app", dataset="no_such_package:app")

    asked = CliRunner().invoke(app, ["demo", "serve"])
    own = CliRunner().invoke(app, ["dataset", "--help"])

    assert isinstance(asked.exception, CitybrainError)
    assert "no_such_package" in str(asked.exception)
    assert own.exit_code == 0, "a name of the lake's own cannot be taken"
