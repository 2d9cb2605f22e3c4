"""What people open: the issued brief in a browser, and what it says about a source that stopped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.settings import Settings


def issue(queens: Settings, brief: str) -> Path:
    return next(queens.issues.glob(f"{brief}/*/4/issue-1"))


def test_a_source_that_stopped_is_said_with_its_last_day_and_never_as_zero(queens: Settings) -> None:
    text = (issue(queens, "B01") / "brief.html").read_text(encoding="utf-8")
    assert "气象数据未更新（上次2022年10月19日）" in text.replace(" ", "")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A real Chromium without a screen. `make test` installs it where it may; CI must have it."""
    from selenium import webdriver

    chromium, driver_file = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_file is None:
        missing = "NOT RUN: no browser here; apt-get install chromium chromium-driver"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
                     "--disable-component-update", "--disable-sync", "--window-size=900,1400"):  # fmt: skip
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_file))
    yield driver
    driver.quit()


@pytest.mark.parametrize("brief", ["B01", "B02"])
def test_a_brief_opens_in_a_browser_whole_and_without_asking_the_network(
    browser: object, queens: Settings, brief: str
) -> None:
    folder = issue(queens, brief)
    browser.get((folder / "brief.html").as_uri())  # type: ignore[attr-defined]
    body = browser.find_element("tag name", "body").text  # type: ignore[attr-defined]
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))["figures"]
    assert len(figures) > 5
    assert figures[0]["text"] in body
    assert "数据截至" in body
    charts = browser.execute_script(  # type: ignore[attr-defined]
        "return [...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)"
    )
    assert charts and all(width > 200 for width in charts)
    asked = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")  # type: ignore[attr-defined]
    assert [name for name in asked if not name.startswith("data:")] == []
    wide = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")  # type: ignore[attr-defined]
    assert wide <= 0
