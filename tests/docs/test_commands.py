"""Documents are kept honest: every command they print runs, every path and link they name is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lake.settings import PROJECT_ROOT, Settings

DOCUMENTS = sorted(
    [PROJECT_ROOT / "README.md", PROJECT_ROOT / "dags" / "README.md", *(PROJECT_ROOT / "docs").rglob("*.md")]
)
_FENCE = re.compile(r"^ *```bash\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)\)")


def commands() -> list[tuple[str, str]]:
    """Every line of every bash fence, with the document it is from."""
    return [
        (str(path.relative_to(PROJECT_ROOT)), line.split("#")[0].strip())
        for path in DOCUMENTS
        for block in _FENCE.findall(path.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if line.split("#")[0].strip()
    ]


def test_there_are_commands_to_test() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize("command", sorted({command for _, command in commands() if command.startswith("citybrain ")}))
def test_a_printed_command_runs(command: str, queens: Settings) -> None:
    from lake.cli import app

    words = shlex.split(command.replace("var/queens", str(queens.home)))
    if words[1:3] == ["marts", "rollback"]:
        words.append("--help")  # the shared lake has one build only
    done = CliRunner().invoke(app, words[1:], env=dict(queens.environment), catch_exceptions=False)
    assert done.exit_code == 0, f"{command}\n{done.output[-4000:]}"
    assert done.stdout.strip(), f"{command} says nothing"


@pytest.mark.parametrize("command", sorted({command for _, command in commands() if command.startswith("make ")}))
def test_a_printed_make_target_exists(command: str) -> None:
    target = command.split()[1]
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(target)}:.*## ", makefile, re.MULTILINE), f"make help does not list {target!r}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    links = [link for link in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


def test_every_command_explains_itself_with_an_example() -> None:
    from typer.main import get_command

    from lake.cli import app

    silent = []
    stack = [(["citybrain"], get_command(app))]
    while stack:
        path, command = stack.pop()
        children = getattr(command, "commands", None)
        if children:
            stack += [([*path, name], child) for name, child in children.items()]
        elif "Example: citybrain" not in (command.help or ""):
            silent.append(" ".join(path))
    assert silent == []
