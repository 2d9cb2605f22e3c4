"""The reference is what the program says of itself, and every page can be found by whoever needs it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lake import errors
from lake.settings import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_ANCHOR = re.compile(r"\]\(#([^)]+)\)")


def test_the_reference_is_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOCS / "reference" / "generate.py", tmp_path], check=True, capture_output=True)

    pages = {page.name: page.read_text("utf-8") for page in tmp_path.glob("*.md")}
    kept = {page.name: page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md")}
    assert [name for name in pages if pages[name] != kept.get(name)] == [], "run `make reference`"
    assert set(kept) - set(pages) == set()


def test_every_anchor_of_the_reference_is_a_heading_of_its_page() -> None:
    for page in (DOCS / "reference").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                    for line in text.splitlines() if line.startswith("#")}  # fmt: skip
        assert set(_ANCHOR.findall(text)) - headings == set(), page.name


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [PROJECT_ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        links = (link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link)
        ahead += [there for link in links if (there := (page.parent / link).resolve()).suffix == ".md"]
    assert {str(page.relative_to(DOCS)) for page in set(DOCS.rglob("*.md")) - seen} == set()


def test_every_runbook_is_named_by_an_error_an_alert_or_its_command() -> None:
    pages = {page.stem for page in (DOCS / "runbooks").glob("*.md")}
    of_errors = {kind.runbook for kind in _kinds(errors.CitybrainError) if kind.runbook}
    said = "".join((PROJECT_ROOT / "lake" / file).read_text("utf-8") for file in ("watch/alerts.py", "cli/backups.py"))
    assert of_errors - pages == set(), "errors name runbooks that are not there"
    assert {page for page in pages - of_errors if f"{page}.md" not in said and f'{page}"' not in said} == set()


def _kinds(kind: type[errors.CitybrainError]) -> Iterator[type[errors.CitybrainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)
