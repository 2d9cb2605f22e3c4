"""A full disk at each step: a clear error, nothing half done, and with room again the same end as ever."""

from __future__ import annotations

import pytest
from forge import Forge
from town import DEFECT, MONDAY, TUESDAY, WINDOW, Town, defects, state

from lake.load import load

BAD = "".join(f"{n},bad,1.50 EUR,555-0{n},n\n" for n in range(3000, 3400))
LOAD = (DEFECT, str(MONDAY), str(TUESDAY))


@pytest.mark.parametrize(
    "moment",
    ["", "land.fetched", "land.renamed", "lake.admission.quarantine.write", "admit.recorded", "commit.files_moved",
     "commit.before", "commit.done", "ledger.before"],
)  # fmt: skip
def test_a_load_on_a_full_disk_says_so_and_goes_on_with_room(town: Town, forge: Forge, moment: str) -> None:
    town.deliver("defect_20230306.csv", defects((1, "a"), (2, "b")))
    load(DEFECT, WINDOW, town.settings)
    town.deliver("defect_20230306.csv", defects((1, "c"), *((n, "new") for n in range(10, 2000))) + BAD)
    town.remember()
    load(DEFECT, WINDOW, town.settings)
    expected = state(town.settings)
    town.restore()
    ended = forge.run("run_full", town.environment, *LOAD, moment)
    assert ended.error == "", ended
    told = ended.result
    assert told["error"] == "StorageFull" or not told["is_disk"], told
    assert told["error"] != ""
    assert "dataset=town.road.defect" in told["message"]
    assert "Remedy: " in told["message"]
    assert told["sound"]
    assert told["rows"][DEFECT] == len(expected[DEFECT]) == 1993
    assert told["files"] == dict(expected["files"])
