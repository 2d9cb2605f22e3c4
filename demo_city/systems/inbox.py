"""The inbox of every department: takes leads and work orders, which are answered days later through S32's tables.

It takes JSON by ``POST /inbox/<department>`` (the department's bearer token) or as a file ``*.json`` or ``*.jsonl`` in
the folder ``inbox`` of the department's SFTP account: an object, a list of objects, or an object a line, each as in
`SCHEMA` (``GET /inbox``). What comes while the clock stands at the end of a day is read on the next; files are taken
when the clock moves, and lie in ``inbox/taken`` then, or in ``inbox/refused`` beside a text that says why. A number
that was taken before is not taken again.

A lead becomes a row of ``linlan.command.lead`` (channel 收件箱) that is signed for, verified and closed as the days go
by; what is found of it follows the truth of the city with the departments' noise, and depends on seed and number alone.
A work order becomes an instruction with its steps.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from demo_city.departments.command_leads import MODELS, SUBJECTS
from demo_city.systems.sftp import INBOX

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A lead or a work order for a department of the demo city",
    "type": "object",
    "additionalProperties": False,
    "required": ["lead_id", "model_id", "subject", "township", "severity"],
    "properties": {
        "kind": {"enum": ["lead", "work_order"], "description": "left out: a lead"},
        "lead_id": {"type": "string", "pattern": "^[0-9A-Za-z._:-]{1,60}$", "description": "the sender's number"},
        "model_id": {"enum": [model.id for model in MODELS], "description": "warning model, G01 to W130"},
        "subject": {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", "no"],
            "properties": {
                "kind": {"enum": list(SUBJECTS)},
                "no": {"type": "string", "minLength": 1, "maxLength": 40,
                       "description": "number under which departments know it: grid_id, building_no, credit code …"},
            },
        },
        "township": {"type": "string", "pattern": "^[0-9]{9}$"},
        "severity": {"enum": ["R", "O", "Y", "B"], "description": "red, orange, yellow, blue"},
        "due": {"type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "by when"},
        "title": {"type": "string", "maxLength": 200},
        "evidence": {"description": "whatever the sender adds; not read"},
    },
}  # fmt: skip
MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Taken:
    """What became of a delivery.

    Attributes:
        accepted: how many were new.
        known: how many had been taken before.
    """

    accepted: int
    known: int


class Inbox:
    """What the inboxes of one home have taken, in the order it came.

    Args:
        file: keeps it, a JSON object a line.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._busy = threading.Lock()
        self._numbers = {(one["kind"], one["lead_id"]) for one in received(file)}

    def take(self, department: str, body: bytes, on: date) -> Taken:
        """Take a delivery whole, or nothing of it.

        Args:
            department: whose inbox.
            body: the JSON.
            on: day on which it is read.

        Raises:
            ValueError: it is not what the schema says; tells which object and what is wrong.
        """
        items = _parsed(body)
        lines, known = [], 0
        with self._busy:
            numbers = set(self._numbers)
            for item in items:
                number = (item.get("kind", "lead"), item["lead_id"])
                if number in numbers:
                    known += 1
                    continue
                numbers.add(number)
                lines.append(
                    {
                        "department": department,
                        "on": str(on),
                        "kind": number[0],
                        "lead_id": item["lead_id"],
                        "model_id": item["model_id"],
                        "subject_kind": item["subject"]["kind"],
                        "subject_no": item["subject"]["no"],
                        "township": item["township"],
                        "severity": item["severity"],
                        "due": item.get("due"),
                    }
                )
            if lines:
                with self._file.open("a") as file:
                    file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
                    file.flush()
                    os.fsync(file.fileno())
            self._numbers = numbers
        return Taken(len(lines), known)

    def collect(self, folder: Path, on: date) -> Taken:
        """Take the files that lie in the SFTP inboxes below `folder`; one that is still being written is left alone."""
        accepted = known = 0
        for path in sorted(folder.glob(f"*/{INBOX}/*.json*")):
            if path.name.startswith(".") or path.suffix not in (".json", ".jsonl") or path.is_symlink():
                continue
            try:
                if path.stat().st_size > MOST_BYTES:
                    raise ValueError(f"more than {MOST_BYTES} bytes")
                taken = self.take(path.parent.parent.name, path.read_bytes(), on)
            except ValueError as error:
                refused = path.parent / "refused"
                _move(path, refused)
                (refused / f"{path.name}.why.txt").write_text(f"{error}\n")
                continue
            _move(path, path.parent / "taken")
            accepted, known = accepted + taken.accepted, known + taken.known
        return Taken(accepted, known)


def received(file: Path) -> list[dict[str, Any]]:
    """What a home's inboxes have taken; days as dates. A last line that a kill cut off is none."""
    made = []
    with contextlib.suppress(FileNotFoundError), file.open() as lines:
        for line in lines:
            if line.endswith("\n"):
                item = json.loads(line)
                made.append({**item, "on": date.fromisoformat(item["on"])})
    return made


def _parsed(body: bytes) -> list[dict[str, Any]]:
    if len(body) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    try:
        text = body.decode("utf-8-sig")
        try:
            content = json.loads(text)
        except json.JSONDecodeError:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"no JSON: {error}") from error
    items = content if isinstance(content, list) else [content]
    validator = Draft202012Validator(SCHEMA)
    for number, item in enumerate(items, 1):
        for error in validator.iter_errors(item):
            where = ".".join(str(part) for part in error.path) or "the object"
            raise ValueError(f"object {number}: {where} does not fit ({error.validator})")
        if item.get("due"):
            try:
                date.fromisoformat(item["due"])
            except ValueError:
                raise ValueError(f"object {number}: due is no day") from None
    return items


def _move(path: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    path.replace(folder / path.name)
