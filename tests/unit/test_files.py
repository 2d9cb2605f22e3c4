"""Which files belong to which day, what lies beside them, and what becomes of their names."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.connectors import check_arguments, open_connector
from lake.connectors.controls import digest_in, number_in
from lake.connectors.patterns import DayPattern, day_of
from lake.connectors.shelf import landed_name
from lake.connectors.transports import Place
from lake.connectors.transports.ftp import Way as Ftp
from lake.contracts.model import Cadence, Contract, Source, Window
from lake.errors import ContractError, DeliveryDamaged, SourceLate, SourceUnavailable
from lake.landing import Landed, land
from lake.settings import Settings
from tests.thing import THING

DAY = date(2023, 3, 27)
TODAY = Window(DAY, DAY)
CONTENT = b"id,note\n1,a\n2,b\n"
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def contract(pattern: str = "{day:%Y%m%d}.csv", cadence: Cadence = Cadence.DAILY, **arguments: object) -> Contract:
    return dataclasses.replace(
        THING,
        cadence=cadence,
        source=Source("csv_files", "drop", {"pattern": pattern, **arguments}),
    )


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def lake(settings: Settings, drop: Path) -> Settings:
    return dataclasses.replace(settings, environment={"CITYBRAIN_CONN_DROP": drop.as_uri()})


def lay(drop: Path, **contents: bytes | str) -> None:
    """Files by name; ``__`` is a folder, ``_`` a dot."""
    for name, content in contents.items():
        path = drop / name.removeprefix("f").replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def nothing_landed(lake: Settings) -> bool:
    return not [path for room in (lake.landing, lake.staging) for path in room.rglob("*") if path.is_file()]


def days_of(landed: Landed) -> list[str]:
    return [f"{file.day:%m%d} {file.name}" for file in landed.files]


# ---- what lies beside a file -----------------------------------------------------------------------------------------


def test_a_day_without_its_marker_is_late(lake: Settings, drop: Path) -> None:
    lay(drop, f20230327_csv=CONTENT, f20230328_csv=CONTENT, f20230328_ok="")
    window = Window(DAY, DAY + timedelta(days=1))
    for marker in ("{day:%Y%m%d}.ok", "{stem}.ok"):
        landed = land(contract(marker=marker), window, lake)
        assert (days_of(landed), landed.missing_days) == (["0328 20230328.csv"], (DAY,))
    with pytest.raises(SourceLate, match=r"20230327\.csv in the drop folder yet, or not its marker"):
        land(contract(marker="{stem}.ok"), TODAY, lake)
    lay(drop, done__20230327="")
    assert land(contract(marker="done/{day:%Y%m%d}"), TODAY, lake).delivered == 2


def test_a_day_with_one_file_unmarked_is_late_altogether(lake: Settings, drop: Path) -> None:
    lay(drop, in__20230327_1_csv=CONTENT, in__20230327_2_csv=CONTENT)
    lay(drop, in__20230327_1_csv_done="", in__20230328_1_csv=CONTENT, in__20230328_1_csv_done="")
    # The markers themselves are covered by the pattern; they are no data.
    promised = contract("in/{day:%Y%m%d}*", marker="{name}.done")
    landed = land(promised, Window(DAY, DAY + timedelta(days=1)), lake)
    assert (days_of(landed), landed.missing_days) == (["0328 in__20230328.1.csv"], (DAY,))
    lay(drop, in__20230327_2_csv_done="")
    assert len(land(promised, TODAY, lake).files) == 2


@pytest.mark.parametrize(
    "control",
    [
        f"{MD5}\n", f"{SHA256}  20230327.csv\r\n", f"{SHA256.upper()} *./out/20230327.csv",
        f"MD5 (20230327.csv) = {MD5}",
        f"{'0' * 64}  20230326.csv\n{SHA256}  20230327.csv\n", f"\ufeff{MD5}", f"{MD5}  C:\\out\\20230327.csv",
    ],
)  # fmt: skip
def test_a_digest_that_fits_is_taken_in_every_spelling(lake: Settings, drop: Path, control: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        lay(drop, f20230327_csv=CONTENT, f20230327_csv_sum=control.encode(encoding))
        assert land(contract(checksum="{name}.sum"), TODAY, lake).delivered == 2


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (f"{SHA256[::-1]}  20230327.csv", "sha256 of 20230327.csv is not the one"),
        ("0" * 32, "md5 of 20230327.csv is not the one"),
        ("", "states no digest"),
        (f"{'0' * 64}  a.csv\n{'1' * 64}  b.csv\n", "states several digests"),
        ("0" * (1 << 21), "longer than 1 MB"),
    ],
)
def test_a_digest_that_does_not_fit_is_a_damaged_delivery(lake: Settings, drop: Path, control: str, words: str) -> None:
    lay(drop, f20230327_csv=CONTENT, f20230327_csv_sum=control)
    with pytest.raises(DeliveryDamaged, match=words) as damaged:
        land(contract(checksum="{name}.sum"), TODAY, lake)
    assert (damaged.value.day, nothing_landed(lake)) == (DAY, True)
    assert (drop / "20230327.csv").read_bytes() == CONTENT


def test_a_transfer_gone_wrong_once_is_made_again(lake: Settings, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lake.connectors import files

    lay(drop, f20230327_csv=CONTENT, f20230327_csv_md5=MD5)
    bytes_of, copies = files._bytes_of, []

    def flip_a_bit_once(transport: object, entry: object) -> object:
        for block in bytes_of(transport, entry):  # type: ignore[arg-type]
            is_data = block == CONTENT
            copies.extend([block] * is_data)
            yield block.replace(b"a", b"q") if is_data and len(copies) == 1 else block

    monkeypatch.setattr(files, "_bytes_of", flip_a_bit_once)
    landed = land(contract(checksum="{name}.md5"), TODAY, lake)
    assert len(copies) == 2
    assert landed.path(landed.files[0]).read_bytes() == CONTENT


def test_the_number_of_records_a_department_states_is_held_against_ours(lake: Settings, drop: Path) -> None:
    lay(drop, f20230327_csv=CONTENT, f20230327_cnt="rows: 2\n")
    landed = land(contract(record_count="{stem}.cnt"), TODAY, lake)
    assert (landed.delivered, landed.control_total) == (2, 2)
    lay(drop, f20230327_cnt="20230327|bytes=17|rows=3")
    for arguments, words in (
        ({}, "control file 20230327.cnt holds several numbers"),
        ({"record_count_at": r"rows=(\d+)"}, "states 3 records, 2 were counted"),
        ({"record_count_at": r"lines=(\d+)"}, "has no number where record_count_at looks"),
    ):
        with pytest.raises(DeliveryDamaged, match=words):
            land(contract(record_count="{stem}.cnt", **arguments), Window(DAY, DAY + timedelta(days=1)), lake)
    (drop / "20230327.cnt").unlink()
    with pytest.raises(SourceLate, match="or not its record_count"):
        land(contract(record_count="{stem}.cnt"), TODAY, lake)


def test_control_files_are_read_as_they_come() -> None:
    assert number_in("条数：12".encode("gb18030"), None) == 12
    assert number_in(b"12\n12", None) == 12
    with pytest.raises(ValueError, match="holds no number"):
        number_in(b"1.5 -3 a7", None)
    assert digest_in(b"a" * 40, "x")[0] == "sha1"


def test_a_file_that_was_just_written_is_left_alone(lake: Settings, drop: Path) -> None:
    lay(drop, f20230327_csv=CONTENT)
    with pytest.raises(SourceUnavailable, match="still being written"):
        land(contract(stable_for_s=60), TODAY, lake)
    assert nothing_landed(lake)
    an_hour_ago = time.time() - 3600
    os.utime(drop / "20230327.csv", (an_hour_ago, an_hour_ago))
    assert land(contract(stable_for_s=60), TODAY, lake).delivered == 2


# ---- days and names --------------------------------------------------------------------------------------------------


@given(
    st.dates(date(1970, 1, 1), date(2199, 12, 31)),
    st.sampled_from(
        ["{day:%Y%m%d}", "a{day:%y%j}b", "{day:%d.%-m.%Y}", "{day:%F}", "x*{day:%Y-%m-%d}?.csv", "{day:%b %d %Y}",
         "{day:%G-W%V-%u}", "{day:%Y年%m月%d日}", "{day:%Y%m%d}_{day:%Y%m%d}.csv"]
    ),
)  # fmt: skip
def test_a_name_gives_its_day_back(day: date, pattern: str) -> None:
    made = DayPattern(pattern)
    if "%y" in pattern and not 1970 <= day.year <= 2068:
        return
    name = made.path(day).replace("*", "_any_").replace("?", "1")
    assert made.parts(day)[0].matches(name)
    assert day_of(made.read(0, name) or {}) == day


_PATHS = st.lists(
    st.text(st.sampled_from("_ab.é %*/\\!#\udcff数"), min_size=1, max_size=8).filter(
        lambda part: "/" not in part and part not in (".", "..")
    ),
    min_size=2,
    max_size=2,
).map("/".join)


@given(_PATHS, _PATHS)
def test_names_in_a_delivery_are_one_to_one(path: str, other: str) -> None:
    name = landed_name(path)
    assert (name == landed_name(other)) == (path == other)
    assert not set(name) & set("/*?[]{}!#\\") and not name.startswith(".") and name.encode()


def test_a_name_too_long_for_a_file_system_is_shortened() -> None:
    long = ["数" * 85 + f"/{n}" + "据" * 84 + ".csv.gz" for n in range(2)]
    assert all(len(landed_name(path).encode()) <= 255 and landed_name(path).endswith(".csv.gz") for path in long)
    assert len({landed_name(path) for path in long}) == 2


@pytest.mark.parametrize(
    ("promised", "problem"),
    [
        (contract("{day:%c}.csv"), "says nothing about a day"),
        (contract("a//{day:%Y%m%d}"), "leaves its folder, or has an empty part"),
        (contract("{day:%Y%m}.csv"), "need names that tell one from the next"),
        (contract("{day:%Y}.csv", cadence=Cadence.MONTHLY), "need names that tell one from the next"),
        (contract(marker="done"), "argument marker: Value error, names neither a file nor a day"),
        (contract(marker="../{name}"), "leaves its folder"),
        (contract(checksum="{name.__class__}"), "nothing but {name}, {stem} and {day:"),
        (contract(record_count="{name}.c", record_count_at="x"), "has no group"),
        (contract(record_count="{name}.c", record_count_at="("), "not a regular expression"),
        (contract(stable_for_s=-1), "argument stable_for_s"),
    ],
)
def test_arguments_that_make_no_sense_are_told(promised: Contract, problem: str) -> None:
    assert any(problem in sentence for sentence in check_arguments(promised)), check_arguments(promised)


def test_a_file_of_two_days_is_nobodys(lake: Settings, drop: Path) -> None:
    lay(drop, f27_28_csv=CONTENT)
    with pytest.raises(ContractError, match="gives one file to several days"):
        land(contract("*{day:%d}*.csv"), Window(DAY, DAY + timedelta(days=1)), lake)


def test_a_description_tells_what_else_lies_there(lake: Settings, drop: Path) -> None:
    lay(drop, f20230327_csv=CONTENT, f20230330_csv=CONTENT, readme_txt="x")
    said = open_connector(contract(), lake).describe(contract())
    assert (said.first_day, said.last_day) == (DAY, date(2023, 3, 30))
    assert said.notes == (
        "2 files of 2 days lie there; 4 days are between first and last",
        "1 files there are not covered by the pattern, readme.txt for one",
    )
    with pytest.raises(SourceLate, match="no file like"):
        open_connector(contract("y{day:%Y%m%d}"), lake).describe(contract("y{day:%Y%m%d}"))


def test_lists_of_old_servers_are_read() -> None:
    server = Ftp(Place.of("ftp://h/out?encoding=gb18030", "drop"), 1)
    lines = {
        "-rw-r--r--   1 ftp      ftp          1234 Mar 27 10:30 a b.csv": ("a b.csv", "file", 1234),
        "-rw-rw-rw-   1 user     group          12 Mar  7  2023  lead.csv": (" lead.csv", "file", 12),
        "-rw-r--r--+  1 1001 88 5 Mar 27 10:30 x.csv": ("x.csv", "file", 5),
        "drwxr-xr-x   2 ftp      ftp          4096 Mar 27 10:30 2023": ("2023", "folder", 4096),
        "lrwxrwxrwx   1 ftp      ftp             9 Mar 27 10:30 l.csv -> ../s.csv": ("l.csv", "link", None),
        "03-27-23  10:30AM       <DIR>          2023": ("2023", "folder", None),
        "03-27-2023  22:30                 1234 a b.csv": ("a b.csv", "file", 1234),
    }
    for line, expected in lines.items():
        entry = server._of_line(line)
        assert entry and (entry.path, entry.kind, entry.size) == expected, line
    assert server._of_line("total 12") is None
    gb = b"-rw-r--r-- 1 f f 1 Mar 27 10:30 " + "道路.csv".encode("gb18030")
    assert (entry := server._of_line(gb.decode("latin-1"))) and entry.path == "道路.csv"
