"""A few spoilt files of every format in every run; ``make fuzz`` goes on for an hour."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_formats import FORMATS, fuzz, judge


@pytest.mark.parametrize("name", FORMATS)
def test_the_unspoilt_file_is_read(name: str, tmp_path: Path) -> None:
    assert judge(FORMATS[name], FORMATS[name].packed(FORMATS[name].inside()), tmp_path) == "accounted"


@pytest.mark.parametrize("name", FORMATS)
def test_a_spoilt_file_is_refused_or_every_record_is_in_one_place(name: str) -> None:
    ends = fuzz(name, 7, 12)
    assert sum(ends.values()) >= 10


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_many_spoilt_files(name: str) -> None:
    assert sum(fuzz(name, 11, 400).values()) >= 300
