"""Derived is derived, for everything made of the demo city, over 60 builds. The eight of every day are in
test_linlan_whole, which has a lake of the city already."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from linlan_lake import UNTIL, Story, loaded
from marts_lake import CARRIED, build_unchecked, carried, differences, elsewhere


@pytest.mark.long
def test_sixty_days_one_by_one_equal_one_from_scratch(tmp_path: Path) -> None:
    with loaded(tmp_path, days=75) as made:
        story = Story(made.settings, tmp_path / "builds", first=UNTIL - timedelta(days=60))
        settings, lake = story.settings, story.lake
        build_unchecked(settings, lake, story.told_to, *CARRIED)
        while story.told_to < UNTIL:
            build_unchecked(settings, lake, story.next_day(), *CARRIED)
        story.finish()
        last = build_unchecked(settings, lake, UNTIL)
        assert carried(last)
        assert differences(last, build_unchecked(elsewhere(settings, tmp_path / "scratch"), lake, UNTIL)) == {}
