"""Alerts: what is wrong is told once, then to the next level, then as a reminder, and once more when it is over.

What was told stands in ``<home>/watch/alerts-<month>.jsonl``, one line an event, and from there in the ledger: a
restart repeats nothing. A message is written down when it has gone out, so one that could not be sent is sent next
time, and one whose process died in between may come twice. All that is told at once goes out as one message a level.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lake.contracts import load_contracts
from lake.contracts.city import load_city
from lake.contracts.model import key_text
from lake.errors import CitybrainError, PartitionHeld, SourceLate
from lake.ledger import HELD, RECOVERED, SILENCED, TOLD, Event, Ledger, alert_events
from lake.settings import Settings
from lake.watch.freshness import LATE, OVERDUE, Freshness, freshness
from lake.watch.rules import Level, Rules, load_rules
from lake.watch.ways import Message, Way, ways

FAILED = "failed"
ARRIVALS = (LATE, OVERDUE, HELD)
KINDS_ZH = {
    LATE: "迟报", OVERDUE: "逾期未报", HELD: "扣留待决", FAILED: "任务失败",
    "empty": "空报", "low": "数量偏少", "high": "数量偏多",
}  # fmt: skip
"""Kind of a problem in Chinese; the key is its English name."""


@dataclass(frozen=True)
class Problem:
    """Something somebody has to know of.

    Attributes:
        key: the same problem has the same key as long as it lasts.
        kind: one of `KINDS_ZH`.
        what: dataset id, or the task that failed.
        since: from when its hours count.
        text, text_zh: what is wrong, without any cell's value.
        remedy: what to do.
        command: what to run; may be empty.
        dataset, department: where it belongs; None when to none.
        lasts: whether every look finds it again until it is over; one that does not is told once.
        title_zh: of the dataset.
        runbook: page of ``docs/runbooks/``.
    """

    key: str
    kind: str
    what: str
    since: datetime
    text: str
    text_zh: str
    remedy: str
    command: str = ""
    dataset: str | None = None
    department: str | None = None
    lasts: bool = True
    title_zh: str = ""
    runbook: str | None = None


@dataclass(frozen=True)
class Told:
    """What a look came to.

    Attributes:
        problems: all that are there, silenced ones included.
        messages: way, level (or ``recovered``), recipients and keys of every message that went out.
        failed: ways that did not work, with the reason.
        silenced: datasets nobody is told about now.
    """

    problems: tuple[Problem, ...]
    messages: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = ()
    failed: tuple[str, ...] = ()
    silenced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Silence:
    """A dataset nobody is told about, until when, and why."""

    dataset: str
    until: datetime
    because: str
    by: str


def look(settings: Settings, now: datetime) -> tuple[list[Freshness], list[Problem]]:
    """Freshness of every dataset, and what of it has to be told."""
    found = freshness(load_contracts(settings), Ledger(settings).partitions(), now)
    return found, problems_of(found, settings)


def watch(settings: Settings, now: datetime) -> Told:
    """Look, tell whoever has to be told by now, and tell of what is over."""
    _, problems = look(settings, now)
    return tell(settings, problems, now, is_whole=True)


def problems_of(found: Iterable[Freshness], settings: Settings) -> list[Problem]:
    """What of the datasets' freshness has to be told."""
    contracts = {contract.dataset: contract for contract in load_contracts(settings)}
    problems = []
    for each in found:
        here: dict[str, Any] = {
            "what": each.dataset,
            "dataset": each.dataset,
            "department": each.department,
            "title_zh": each.title_zh,
        }
        day = key_text(contracts[each.dataset], each.expected)
        due = f"{each.due:%Y-%m-%d %H:%M}"
        load = f"citybrain load {each.dataset} --from {each.expected}"
        if each.state in (LATE, OVERDUE):
            problems.append(
                Problem(
                    key=f"late|{each.dataset}|{each.expected}",
                    kind=each.state,
                    since=each.due,
                    text=f"data of {day} was due at {due} and is not in; the last day in is {each.newest or 'none'}",
                    text_zh=f"{day} 的数据应于 {due} 到达，至今未到；最近一日为 {each.newest or '无'}",
                    remedy="read the message of its last load; ask the department; when it is there, load it",
                    runbook=SourceLate.runbook,
                    command=load,
                    **here,
                )
            )
        elif each.state == HELD:
            problems.append(
                Problem(
                    key=f"held|{each.dataset}|{each.held_days[-1]}",
                    kind=HELD,
                    since=each.due,
                    text=f"data of {each.held_days[-1]} came and was held back: a check failed or its layout changed",
                    text_zh=f"{each.held_days[-1]} 的数据已到，但未通过检查或结构有变，暂扣未入库",
                    remedy="see what failed, then accept it with a reason, replay it, or have it delivered again",
                    runbook=PartitionHeld.runbook,
                    command=f"citybrain quarantine show {each.dataset}",
                    **here,
                )
            )
        if each.volume in ("empty", "low", "high"):
            problems.append(
                Problem(
                    key=f"volume|{each.dataset}|{each.newest}",
                    kind=each.volume,
                    since=datetime.fromisoformat(each.at),
                    text=f"{each.newest} has {each.records} records; usual on such a day are {each.usual:g}",
                    text_zh=f"{each.newest} 仅有记录 {each.records} 条，同类日期中位数为 {each.usual:g} 条"
                    if each.volume != "high"
                    else f"{each.newest} 有记录 {each.records} 条，同类日期中位数为 {each.usual:g} 条",
                    remedy="ask the department whether the day is whole; loading it again takes a correction in",
                    runbook="unusual-day",
                    command=f"citybrain dataset show {each.dataset}",
                    **here,
                )
            )
    return problems


def failure(what: str, key: str, error: BaseException | None, now: datetime) -> Problem:
    """A task that failed for good, as a problem that is told once; a failure with another cause is another one."""
    known = error if isinstance(error, CitybrainError) else None
    if known is not None:
        text, remedy = known.cause, known.remedy
    else:
        # The text of a foreign error may quote a value of a department's data.
        text = f"{type(error).__name__}" if error is not None else "the task was killed"
        remedy = "see its log"
    dataset = known.dataset if known else None
    digest = hashlib.sha256(f"{what}|{key}|{text}".encode()).hexdigest()[:12]
    return Problem(
        key=f"failed|{what}|{digest}",
        kind=FAILED,
        what=f"{dataset} {known.day or key} ({what})" if known and dataset else f"{what} {key}",
        since=now,
        text=text,
        text_zh="任务失败，未入库的数据不会丢失" if dataset else "任务失败",
        remedy=remedy,
        runbook=known.runbook if known else None,
        dataset=dataset,
        department=dataset.split(".")[1] if dataset and dataset.count(".") == 2 else None,
        lasts=False,
    )


def tell(
    settings: Settings, problems: Sequence[Problem], now: datetime, *, is_whole: bool, by: Sequence[Way] | None = None
) -> Told:
    """Tell of problems whoever has not been told and has to be by now.

    Args:
        settings: the home, its connections and its rules.
        problems: what is wrong.
        now: aware.
        is_whole: these are all the problems that last, so that those told before and not among them are over.
        by: the ways; None = those that are configured.
    """
    from filelock import FileLock

    room = settings.home / "watch"
    room.mkdir(parents=True, exist_ok=True)
    found, sent, failed = (list(ways(settings)) if by is None else by), [], []
    with FileLock(room / ".lock", timeout=120):
        ledger = Ledger(settings)
        ledger.record(alert_events(settings))  # what a killed one wrote down and did not get into the ledger
        history = _History(ledger.events(kind=TOLD), ledger.events(kind=RECOVERED))
        quiet = {silence.dataset for silence in silences(settings, now)}
        rules, city = load_rules(settings), load_city(settings)
        is_quiet = rules.quiet_hours is not None and rules.quiet_hours.hold(now.astimezone(ZoneInfo(city.zone)))
        heard = [problem for problem in problems if problem.dataset not in quiet]
        for way in found:
            due = _due(heard, way.name, rules, history, now, is_quiet=is_quiet)
            if is_whole:
                due += _over(problems, way.name, history)
            for note in due:
                message = _message(note, settings.city, now, city.zone)
                try:
                    if message is not None:
                        way.send(message)
                except Exception as error:  # one way that fails hinders no other
                    failed.append(f"{way.name}: {error if isinstance(error, CitybrainError) else type(error).__name__}")
                    continue
                _write_down(settings, note, way.name, now)
                if message is not None:
                    sent.append((way.name, note.level, note.to, tuple(problem.key for problem in note.problems)))
        ledger.record(alert_events(settings))
    return Told(tuple(problems), tuple(sent), tuple(dict.fromkeys(failed)), tuple(sorted(quiet)))


def keep_silent(settings: Settings, silence: Silence, now: datetime) -> None:
    """Tell nobody about a dataset until then; a time that has passed ends a silence.

    Raises:
        CitybrainError: there is no such dataset, or no reason.
    """
    known = [contract.dataset for contract in load_contracts(settings)]
    if silence.dataset not in known:
        raise CitybrainError(f"no dataset {silence.dataset!r}", remedy="see `citybrain dataset list`")
    if not silence.because.strip():
        raise CitybrainError("a silence without a reason", remedy='say `--because "…"`: somebody will ask')
    _append(
        settings,
        {
            "kind": SILENCED, "subject": silence.dataset, "dataset": silence.dataset,
            "at": now.astimezone(UTC).isoformat(), "until": silence.until.astimezone(UTC).isoformat(),
            "because": silence.because, "by": silence.by,
        },
    )  # fmt: skip
    Ledger(settings).record(alert_events(settings))


def silences(settings: Settings, now: datetime) -> list[Silence]:
    """Those that hold now; of a dataset's the newest counts."""
    newest = {str(event.dataset): event.payload for event in Ledger(settings).events(kind=SILENCED)}
    found = [
        Silence(dataset, datetime.fromisoformat(said["until"]), said["because"], said["by"])
        for dataset, said in sorted(newest.items())
    ]
    return [silence for silence in found if silence.until > now]


def told_levels(settings: Settings) -> dict[str, list[str]]:
    """Problem → levels that were told of it by any way and not yet that it is over."""
    ledger = Ledger(settings)
    history = _History(ledger.events(kind=TOLD), ledger.events(kind=RECOVERED))
    found: dict[str, list[str]] = {}
    for (_, key), levels in history.told.items():
        found[key] = list(dict.fromkeys([*found.get(key, []), *levels]))
    return found


def level_of(problem: Problem, rules: Rules, now: datetime) -> Level:
    """The highest level that is due for a problem by its age."""
    return [level for level in rules.levels if level.after_hours <= _hours(problem, now)][-1]


@dataclass(frozen=True)
class _Note:
    """One message to be: a level, its recipients, what it is about."""

    level: str
    to: tuple[str, ...]
    problems: tuple[Problem, ...]
    is_over: bool = False
    is_said: bool = True


@dataclass
class _Last:
    """What one level was told of one problem: when last, and whom."""

    at: datetime
    to: tuple[str, ...]
    problem: dict[str, Any] = field(default_factory=dict)


class _History:
    """Per way and problem, the levels that know of it; a problem that was told to be over is forgotten."""

    def __init__(self, told: Sequence[Event], recovered: Sequence[Event]) -> None:
        self.told: dict[tuple[str, str], dict[str, _Last]] = {}
        for event in sorted([*told, *recovered], key=lambda event: event.at):
            said = event.payload
            for problem in said["problems"]:
                key = (said["way"], problem["key"])
                if event.kind == RECOVERED:
                    self.told.pop(key, None)
                else:
                    last = _Last(datetime.fromisoformat(event.at), tuple(said["to"]), problem)
                    self.told.setdefault(key, {})[said["level"]] = last


def _due(
    problems: Sequence[Problem], way: str, rules: Rules, history: _History, now: datetime, *, is_quiet: bool
) -> list[_Note]:
    remind = timedelta(hours=rules.remind_after_hours)
    notes: dict[tuple[str, tuple[str, ...]], list[Problem]] = {}
    for level in rules.levels:
        if is_quiet and not level.in_quiet_hours:
            continue
        for problem in problems:
            # A day's size is a question for whoever keeps the lake, and a task's failure is their work.
            is_for_all = problem.kind in ARRIVALS
            if level.after_hours > _hours(problem, now) or (level is not rules.levels[0] and not is_for_all):
                continue
            last = history.told.get((way, problem.key), {}).get(level.name)
            if last is None or (problem.lasts and is_for_all and now - last.at >= remind):
                to = rules.addresses(level, problem.department or "")
                if to or not level.to:  # a department without contacts: this level has nobody to tell
                    notes.setdefault((level.name, to), []).append(problem)
    return [_Note(level, to, tuple(about)) for (level, to), about in notes.items()]


def _over(problems: Sequence[Problem], way: str, history: _History) -> list[_Note]:
    """Notes for what is over: to everybody who was told of it, unless the same dataset has another problem now."""
    present, troubled = {problem.key for problem in problems}, {problem.dataset for problem in problems}
    notes: dict[tuple[tuple[str, ...], bool], dict[str, Problem]] = {}
    for (told_by, key), levels in history.told.items():
        known = next(iter(levels.values())).problem
        if told_by != way or key in present or not known["lasts"]:
            continue
        over = Problem(**{**known, "since": datetime.fromisoformat(known["since"])})
        is_said = over.kind in ARRIVALS and over.dataset not in troubled
        for last in levels.values():
            notes.setdefault((last.to, is_said), {})[key] = over
    return [
        _Note("recovered", to, tuple(about.values()), is_over=True, is_said=is_said)
        for (to, is_said), about in notes.items()
    ]


def _message(note: _Note, city: str, now: datetime, zone: str) -> Message | None:
    if not note.is_said:
        return None
    kinds = [problem.kind for problem in note.problems]
    if note.is_over:
        subject = f"[citybrain] {city}: {len(kinds)} recovered · 已恢复 {len(kinds)} 项"
    else:
        counted = {kind: kinds.count(kind) for kind in KINDS_ZH if kind in kinds}
        english = ", ".join(f"{n} {kind}" for kind, n in counted.items())
        chinese = "，".join(f"{KINDS_ZH[kind]} {n} 项" for kind, n in counted.items())
        where = f" {note.problems[0].what}" if len(kinds) == 1 else ""
        subject = f"[citybrain] {city}: {english}{where} · {chinese}"
    lines = [f"{now.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone} · {note.level}", ""]
    for problem in note.problems:
        lines += _paragraph(problem, note.is_over, now)
    about = {
        "city": city,
        "level": note.level,
        "at": now.isoformat(),
        "recovered" if note.is_over else "problems": [_plain(problem) for problem in note.problems],
    }
    return Message(subject, "\n".join(lines), note.to, about)


def _paragraph(problem: Problem, is_over: bool, now: datetime) -> list[str]:
    title = f"{problem.what} {problem.title_zh}".rstrip()
    if is_over:
        return [f"✓ {title}", "  已到达，恢复正常。", f"  It is in; it had been {problem.kind}.", ""]
    hours = _hours(problem, now)
    age = f" {hours:.1f} h" if problem.kind in ARRIVALS else ""
    return [
        f"■ {KINDS_ZH[problem.kind]} {problem.kind}{age} · {title}",
        f"  {problem.text_zh}。",
        f"  {problem.text[:1].upper()}{problem.text[1:]}.",
        f"  Remedy: {problem.remedy}.",
        *([f"  Run: {problem.command}"] if problem.command else []),
        *([f"  Runbook: docs/runbooks/{problem.runbook}.md"] if problem.runbook else []),
        "",
    ]


def _hours(problem: Problem, now: datetime) -> float:
    return max(0.0, (now.astimezone(UTC) - problem.since.astimezone(UTC)) / timedelta(hours=1))


def _plain(problem: Problem) -> dict[str, Any]:
    return asdict(problem) | {"since": problem.since.isoformat()}


def _write_down(settings: Settings, note: _Note, way: str, now: datetime) -> None:
    keys = ",".join(sorted(problem.key for problem in note.problems))
    subject = hashlib.sha256(f"{way}|{note.level}|{note.to}|{keys}".encode()).hexdigest()[:16]
    _append(
        settings,
        {
            "kind": RECOVERED if note.is_over else TOLD,
            "subject": f"{way}/{note.level}/{subject}",
            "dataset": None,
            "at": now.astimezone(UTC).isoformat(),
            "way": way,
            "level": note.level,
            "to": list(note.to),
            "problems": [_plain(problem) for problem in note.problems],
        },
    )


def _append(settings: Settings, content: dict[str, Any]) -> None:
    """Add a line, on the disk before it counts; the half line of a killed process is closed off first."""
    path = settings.home / "watch" / f"alerts-{content['at'][:7]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if file.tell() and _last_byte(file) != b"\n":
            file.write(b"\n")
        file.write(json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    last: bytes = file.read(1)
    return last
