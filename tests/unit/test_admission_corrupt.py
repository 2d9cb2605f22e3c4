"""Nothing lost: whatever bytes a department sends, every physical record is in exactly one place."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from admission_deliveries import HEADER, contract, deliver, quarantined, rows, run, totals, unchanged

from lake.settings import Settings

FILES_A_DELIVERY = 30
DELIVERIES = 8
FIRST = date(2023, 1, 1)

BAD_BYTES = (b"\xff", b"\x80", b"\xc3\x28", b"\xed\xa0\x80", b"\x00", b"\x1a", b"\r", b"\x1f")


def good(number: int, chance: random.Random) -> bytes:
    title = chance.choice(["plain", '"with, comma"', '"a ""quoted"" word"', "", "汉字", "'", "tab\there"])
    return f"{number},01/01/2023 0{chance.randint(1, 9)}:00:00 PM,{title},{chance.randint(0, 999)}.5,c,n".encode()


def broken(line: bytes, chance: random.Random) -> bytes:
    """One line spoilt in one of the ways files are spoilt; never a second line."""
    cut = chance.randrange(1, len(line))
    match chance.randrange(9):
        case 0:
            return line[:cut] + chance.choice(BAD_BYTES) + line[cut:]
        case 1:
            return b"\x00" * chance.randint(1, 5) + line
        case 2:
            return line.rsplit(b",", 1)[0]
        case 3:
            return line + b",extra"
        case 4:
            return line.replace(b",c,", b',"c,')
        case 5:
            return HEADER.encode()
        case 6:
            return chance.choice([b"", b"   ", b"\t", b"\r"])
        case 7:
            return b"not a number" + line
        case _:
            return line.replace(b",c,", b',c"c,')


def spoilt_file(first_id: int, chance: random.Random) -> tuple[bytes, dict[int, int]]:
    """(bytes, record number to id of the lines nobody touched)."""
    lines: list[bytes] = []
    intact: dict[int, int] = {}
    for number in range(first_id, first_id + chance.randint(0, 12)):
        line = good(number, chance)
        if chance.random() < 0.3:
            lines.append(broken(line, chance))
        else:
            lines.append(line)
            intact[len(lines)] = number
            if chance.random() < 0.1:
                lines.append(line)  # twice
    end = chance.choice([b"\n", b"\r\n"])
    body = b"".join(line + end for line in lines)
    if lines and chance.random() < 0.3:  # the transfer broke off
        cut = chance.randrange(1, len(lines[-1]) + len(end) + 1)
        body = body[:-cut]
        intact.pop(len(lines), None)
    if chance.random() < 0.3:  # and pure noise, which may make and join lines
        noisy = bytearray(body)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(noisy) + 1)
            noisy[at : at + chance.randint(0, 2)] = chance.choice([b"\n", b'"', b",", b"\x00", b"\xff", b"7", b"\n\n"])
        body, intact = bytes(noisy), {}
    return HEADER.encode() + end + body, intact


def lines_of(content: bytes) -> int:
    """The count nobody else makes: line ends, and what stands behind the last one."""
    body = content.split(b"\n", 1)[1]
    return body.count(b"\n") + (1 if body and not body.endswith(b"\n") else 0)


@pytest.mark.parametrize("seed", range(DELIVERIES))
def test_every_record_of_a_corrupt_file_is_in_exactly_one_place(seed: int, settings: Settings) -> None:
    chance = random.Random(seed)
    made = contract()
    files, intact_of, expected = {}, {}, []
    for number in range(FILES_A_DELIVERY):
        day = FIRST + timedelta(days=number)
        content, intact = spoilt_file(1000 * number, chance)
        name = made.source.arguments["pattern"].format(day=day)
        files[day] = content
        intact_of |= {(name, record): key for record, key in intact.items()}
        expected += [(name, record) for record in range(1, lines_of(content) + 1)]

    admitted = run(deliver(settings, made, files), settings, accept_anyway="corrupt on purpose")

    accepted = {(file, record): key for file, record, key in rows(admitted.staged, "_file, _record, id")}
    held_back = quarantined(settings, admitted)
    found = Counter([*accepted, *held_back, *unchanged(settings, admitted)])
    assert found == Counter(expected)
    assert all(held_back.values())
    assert totals(admitted)[0] == len(expected)
    # A bad line affects no other: who was not touched is in, with its own content under its own address.
    assert {address: accepted.get(address) for address in intact_of} == intact_of


def test_there_are_at_least_200_corrupt_files() -> None:
    assert FILES_A_DELIVERY * DELIVERIES >= 200
