"""Grades the dirt: for every pattern how much was planted, could be caught, was caught, missed or caught wrongly.

Which rows the lake could see is told by its own account: of a table that is written over, a reader who comes late finds
the last versions only. The more days pass, the fewer versions of a day are left, each set within the one before; so the
number of a day's rows that the lake took in says which day it looked. Everything then is row by row for the quarantine
(by key, else by address), by day and rule for warnings, by partition for deliveries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from demo_city.grade.product import Day, Product, comparable_key
from demo_city.systems.deliveries import end_of, first_of, periods
from lake.contracts.model import Contract, Mode

FAR = date(9999, 12, 31)
DRIFTS = ("drift_added", "drift_renamed", "drift_dropped")
LATE_DAYS = 3
"""A row that comes late is written at most so many days after the time it bears."""
COMMITTED, HELD = "committed", "held"
NOT_GRADED = ("core", "never", "corrected")


@dataclass
class Graded:
    """One pattern of one dataset, or a rule that caught what no pattern says.

    Attributes:
        planted: rows (or deliveries) that are so, every version counted.
        catchable: those that could be seen in what was delivered to the lake.
        caught: as the pattern says they would be, or held back all the same.
        missed: catchable and not caught.
        wrongly: rows without this dirt that were caught by its rule.
        note: why there is no grade, or what is to be known of it.
    """

    source: str
    dataset: str
    pattern: str
    level: str
    caught_by: str
    rule: str | None
    planted: int = 0
    catchable: int = 0
    caught: int = 0
    missed: int = 0
    wrongly: int = 0
    note: str = ""


@dataclass
class Grade:
    """Everything graded.

    Attributes:
        build_id, as_of, seed, scale: of the lake's build and of the city.
        patterns: by dataset and pattern.
        good_rows: rows without any dirt that the lake saw.
        findings: where the lake's account contradicts what was written, or itself.
        not_loaded: datasets of which nothing was ever loaded.
    """

    build_id: str
    as_of: date
    seed: int
    scale: float
    patterns: list[Graded] = field(default_factory=list)
    good_rows: int = 0
    findings: list[str] = field(default_factory=list)
    not_loaded: list[str] = field(default_factory=list)


def grade_dirt(truth: Any, product: Product) -> Grade:
    """Compare a lake with the truth.

    Args:
        truth: connection of `demo_city.truth.read_truth`; tables of the comparison are made in it.
        product: read into the same connection.
    """
    seed, scale, first, last = truth.execute("SELECT seed, scale, first_on, last_on FROM city").fetchone()
    grade = Grade(product.build_id, product.as_of, seed, scale)
    for source, dataset, system, is_overwritten, every, rows_n in truth.execute(
        "SELECT source, dataset, system, is_overwritten, every, rows_n FROM dataset ORDER BY source, dataset"
    ).fetchall():
        if dataset not in product.contracts or not product.days.get(dataset):
            if rows_n:
                grade.not_loaded.append(dataset)
            continue
        _Comparison(
            truth, product, grade, source, dataset, system, bool(is_overwritten), every, first, min(last, product.as_of)
        ).run()
    return grade


class _Comparison:
    """One dataset."""

    def __init__(self, truth: Any, product: Product, grade: Grade, source: str, dataset: str, system: str,
                 is_overwritten: bool, every: str, first: date, last: date) -> None:  # fmt: skip
        self.sql, self.product, self.grade = truth, product, grade
        self.source, self.dataset, self.system, self.every = source, dataset, system, every
        self.contract: Contract = product.contracts[dataset]
        # A file of a quarter whose records are put into the days they bear is compared as a whole.
        self.is_by_period = every != "day" and self.contract.mode is Mode.DAY
        self.partition = f"date_trunc('{every}', day)::DATE" if self.is_by_period else "day"
        self.days = _together(product.days[dataset], every) if self.is_by_period else product.days[dataset]
        self.began, self.first, self.last = first, first_of(every, first), last
        self.is_overwritten = is_overwritten
        self.is_standing = is_overwritten and self.contract.mode is Mode.SNAPSHOT
        self.graded: dict[str, Graded] = {}
        self.extra: dict[str, Graded] = {}
        self.fates: dict[date, dict[str, date | None]] = defaultdict(dict)
        self.drifts: set[date] = set()
        self.late_on: dict[date, int] = {}
        self._kept_shares: dict[str, dict[date, dict[str, int]]] | None = None
        self._kept_dirty: dict[date, int] | None = None

    def run(self) -> None:
        self._declare()
        self._deliveries()
        visible = self._partitions()
        self._gather(visible)
        self._quarantine()
        self._warnings()
        self._not_graded()
        self._good_rows()
        self.grade.patterns += [*self.graded.values(), *self.extra.values()]

    def _declare(self) -> None:
        """A line for each pattern, with what was planted up to the build's day."""
        for pattern, level, caught_by, rule in self.sql.execute(
            "SELECT pattern, level, caught_by, rule FROM pattern WHERE dataset = ? ORDER BY level DESC, pattern",
            [self.dataset],
        ).fetchall():
            self.graded[pattern] = Graded(self.source, self.dataset, pattern, level, caught_by, rule)
        # Of these one cannot say by the day alone in which partition they are.
        self.late_on = dict(
            self.sql.execute(
                "SELECT day, count(DISTINCT row_no) FROM dirt WHERE dataset = ? AND caught_by = 'corrected' "
                "GROUP BY day",
                [self.dataset],
            ).fetchall()
        )
        for pattern, planted in self.sql.execute(
            "SELECT pattern, count(*) FROM dirt WHERE dataset = ? AND day <= ? GROUP BY pattern",
            [self.dataset, self.last],
        ).fetchall():
            self.graded[pattern].planted = planted

    def _deliveries(self) -> None:
        """Late, missing and double deliveries, and days of another layout: by the partitions' states."""
        found = self.sql.execute(
            "SELECT day, pattern, arrives_on FROM delivery_dirt WHERE dataset = ? ORDER BY day", [self.dataset]
        ).fetchall()
        self.drifts = {day for day, pattern, _ in found if pattern.startswith("drift")}
        for day, pattern, arrives in found:
            self.fates[day][pattern] = arrives
            if end_of(self.every, day) > self.last:
                continue
            line = self.graded.setdefault(
                pattern, Graded(self.source, self.dataset, pattern, "delivery", pattern, None)
            )
            line.planted += 1
            line.catchable += 1
            state = self.days[day].state if day in self.days else None
            has_rows = day in self.days and self.days[day].delivered > 0
            if pattern == "late":
                is_well = state is not None if arrives is not None and arrives <= self.last else state != COMMITTED
            elif pattern == "missing":
                is_well = state != COMMITTED or not has_rows
            elif pattern == "double":
                # That it is not counted twice is seen with the rows; a day of another layout is held both times.
                is_well = state == COMMITTED or (state == HELD and day in self.drifts)
            else:
                is_well = state == HELD or (pattern == "drift_added" and self._keeps_unknown_columns())
            line.caught += is_well
            line.missed += not is_well

    def _keeps_unknown_columns(self) -> bool:
        return str(self.contract.additional_columns) == "keep_in_landing"

    def _partitions(self) -> list[tuple[date, date]]:
        """Days that were loaded, each with the day on which the lake looked; accounts that do not fit are findings."""
        rows: dict[date, Counter[date]] = defaultdict(Counter)
        for day, replaced, n in self.sql.execute(
            "SELECT day, coalesce(replaced_on, ?), rows_n FROM written WHERE dataset = ?", [FAR, self.dataset]
        ).fetchall():
            rows[day][replaced] += n
        repeats: Counter[date] = Counter()
        for day, n in self.sql.execute(
            "SELECT day, count(DISTINCT row_no) FROM dirt WHERE dataset = ? AND caught_by = 'unchanged' GROUP BY day",
            [self.dataset],
        ).fetchall():
            repeats[day] = n
        there = []
        for day in self._due(rows):
            account = self.days.get(day)
            if account is not None and account.state == COMMITTED:
                there.append(day)
                continue
            excused = {"missing", "late", *DRIFTS} & set(self.fates.get(day, {}))
            if not excused and (account is not None or sum(rows[day].values())) and not self.is_standing:
                was = "held" if account is not None else "not there"
                self.grade.findings.append(f"{self.dataset} {day}: {was}, though it was delivered as promised")
        return self._looked(there, rows, repeats)

    def _due(self, rows: dict[date, Counter[date]]) -> list[date]:
        """Partitions that should be there or are."""
        if self.system == "files":
            from demo_city.days import Days

            due = set(periods(self.every, Days(self.began, self.last)))
        else:
            due = {day for day in rows if self.first <= day <= self.last}
        return sorted(due | {day for day in self.days if self.first <= day <= self.last})

    def _looked(
        self, there: list[date], rows: dict[date, Counter[date]], repeats: Counter[date]
    ) -> list[tuple[date, date]]:
        """Day whose end the lake saw of each partition.

        A lake begins with a history, all of it seen at the end of one day, and then looks every day. Which day that was
        is told by the rows it took in. What does not fit even so is a finding.
        """
        if not there:
            return []
        fresh = np.array([self.days[day].accepted + self.days[day].quarantined for day in there])
        repeated = np.array([repeats[day] for day in there])
        seen = np.array([[self._seen_of(rows, day, on) for on in there] for day in there]) if self.is_overwritten else (
            np.repeat([[sum(rows[day].values())] for day in there], len(there), axis=1)
        )  # fmt: skip
        number = np.arange(len(there))
        own = np.abs(seen[number, number] - repeated - fresh)
        costs = [
            np.abs(seen[: at + 1, at] - repeated[: at + 1] - fresh[: at + 1]).sum() + own[at + 1 :].sum()
            for at in number
        ]
        history = int(np.argmin(costs)) if self.is_overwritten and not self.is_standing else 0
        looked = np.maximum(number, history)
        self._accounts(there, fresh - (seen[number, looked] - repeated), repeated)
        return [(day, there[at]) for day, at in zip(there, looked, strict=True)]

    def _seen_of(self, rows: dict[date, Counter[date]], day: date, on: date) -> int:
        """Rows of a partition that a reader sees at the end of a day."""
        if self.is_standing:
            return sum(n for written, own in rows.items() if written <= day for end, n in own.items() if end > day)
        return sum(n for end, n in rows[day].items() if end > on)

    def _accounts(self, there: list[date], more: Any, repeated: Any) -> None:
        """Rows more or fewer than were written: repetitions taken in are missed; the rest are findings.

        A row that came late stands in the account of another day, up to three days off, where the lake puts a change
        into the day of its cursor: that is no contradiction.
        """
        line = next((one for one in self.graded.values() if one.caught_by == "unchanged" and one.level == "row"), None)
        more = more.copy()
        if self.contract.mode is Mode.CHANGES and self.late_on:
            _settle(there, more, self.late_on)
        if line is not None:
            taken_in = np.minimum(np.maximum(more, 0), repeated)
            line.catchable += int(repeated.sum())
            line.missed += int(taken_in.sum())
            line.caught += int(repeated.sum() - taken_in.sum())
            more -= taken_in
        for day, n in zip(there, more, strict=True):
            if n:
                what = f"{n} rows more" if n > 0 else f"{-n} rows fewer"
                self.grade.findings.append(f"{self.dataset} {day}: {what} than were written")

    def _gather(self, visible: list[tuple[date, date]]) -> None:
        """The dirty rows that the lake saw, in the table ``seen``: one row per row, partition and pattern."""
        import pyarrow as pa

        partitions = pa.table(
            {"day": pa.array([day for day, _ in visible], pa.date32()),
             "looked_on": pa.array([looked for _, looked in visible], pa.date32())}
        )  # fmt: skip
        of_day = "dirt.day <= partitions.day" if self.is_standing else "dirt.day = partitions.day"
        parts = [f"split_part(key, '|', {number})" for number in range(1, len(self.contract.key) + 1)]
        self.sql.register("partitions", partitions)
        self.sql.execute(
            f"""
            CREATE OR REPLACE TABLE seen AS
            SELECT partitions.day, dirt.day AS written_on, dirt.row_no, dirt.pattern, dirt.caught_by, dirt.rule,
                   {comparable_key(self.contract, parts)} AS key
            FROM dirt JOIN partitions ON {of_day}
            WHERE dirt.dataset = ?
              AND (dirt.replaced_on IS NULL OR dirt.replaced_on > partitions.looked_on)
            """,
            [self.dataset],
        )
        self.visible = visible

    def _quarantine(self) -> None:
        """Match held back records with dirty rows: by day and key, then by key, then by their place in the file."""
        ways = [
            ("rows.day = held.day AND rows.key = held.key", "day, key"),
            ("rows.key = held.key AND rows.key <> ''", "key"),
        ]
        if self.system == "files" and not self.is_overwritten:
            ways.append(("rows.day = held.day AND rows.row_no = held.record", "day, {number}"))
        self.sql.execute(
            """
            CREATE OR REPLACE TABLE rows AS
            SELECT row_number() OVER (ORDER BY day, written_on, row_no) AS row_id, day, written_on, row_no,
                   any_value(key) AS key, bool_or(caught_by = 'quarantine') AS is_meant
            FROM seen GROUP BY day, written_on, row_no
            """
        )
        self.sql.execute(
            f"""
            CREATE OR REPLACE TABLE back AS
            SELECT row_number() OVER (ORDER BY day, file, record) AS held_id, {self.partition} AS day, key, record,
                   reasons
            FROM held WHERE dataset = $dataset AND day BETWEEN $first AND $last
            """,
            {"dataset": self.dataset, "first": self.first, "last": self.last},
        )
        self.sql.execute("CREATE OR REPLACE TABLE matched (row_id BIGINT, held_id BIGINT)")
        for condition, within in ways:
            of_rows, of_held = (within.format(number=name) for name in ("row_no", "record"))
            self.sql.execute(
                f"""
                INSERT INTO matched
                SELECT rows.row_id, held.held_id FROM
                  (SELECT *, row_number() OVER (PARTITION BY {of_rows} ORDER BY NOT is_meant, row_id) AS nth FROM rows
                   WHERE row_id NOT IN (SELECT row_id FROM matched)) AS rows
                JOIN (SELECT *, row_number() OVER (PARTITION BY {of_held} ORDER BY held_id) AS nth FROM back
                      WHERE held_id NOT IN (SELECT held_id FROM matched)) AS held
                  ON {condition} AND rows.nth = held.nth
                """
            )
        for pattern, catchable, caught in self.sql.execute(
            """
            SELECT pattern, count(*), count(matched.row_id) FROM seen JOIN rows USING (day, written_on, row_no)
            LEFT JOIN matched USING (row_id) WHERE caught_by = 'quarantine' GROUP BY pattern
            """
        ).fetchall():
            line = self.graded[pattern]
            line.catchable, line.caught, line.missed = catchable, caught, catchable - caught
        for reason, n in self.sql.execute(
            "SELECT reasons[1], count(*) FROM back WHERE held_id NOT IN (SELECT held_id FROM matched) GROUP BY ALL"
        ).fetchall():
            self._wrongly(reason.removeprefix("rule:"), "quarantine", n)
        counted = self.sql.execute("SELECT day, count(*) FROM back GROUP BY day").fetchall()
        held = dict(counted)
        for day, _ in self.visible:
            account = self.days[day].quarantined
            if held.get(day, 0) < account:
                self.grade.findings.append(
                    f"{self.dataset} {day}: {account} records are said to be held back, the quarantine has "
                    f"{held.get(day, 0)}"
                )

    def _warnings(self) -> None:
        """Rows per day and rule, against what was told. A row that could not be typed never came before the rules."""
        found = self.sql.execute(
            f"""
            WITH untyped AS (
                SELECT rows.day, rows.written_on, rows.row_no FROM rows JOIN matched USING (row_id)
                JOIN back USING (held_id) WHERE len(list_filter(reasons, lambda r: NOT starts_with(r, 'rule:'))) > 0
                UNION SELECT day, written_on, row_no FROM seen WHERE caught_by = 'unchanged'),
            planted AS (
                SELECT day, rule, count(DISTINCT (written_on, row_no)) AS n FROM seen ANTI JOIN untyped
                USING (day, written_on, row_no) WHERE caught_by = 'warning' GROUP BY ALL),
            told_here AS (
                SELECT {self.partition} AS day, rule, sum(failed_n)::BIGINT AS failed_n FROM told
                WHERE dataset = $dataset AND day BETWEEN $first AND $last GROUP BY ALL)
            SELECT day, rule, coalesce(n, 0), coalesce(failed_n, 0) FROM planted FULL JOIN told_here USING (day, rule)
            ORDER BY day, rule
            """,
            {"dataset": self.dataset, "first": self.first, "last": self.last},
        ).fetchall()
        for rule in sorted({row[1] for row in found}):
            own = [row for row in found if row[1] == rule]
            more = np.array([told - planted for _, _, planted, told in own])
            if self.contract.mode is Mode.CHANGES and self.late_on:
                _settle([row[0] for row in own], more, self.late_on)
            for (day, _, planted, _), surplus in zip(own, more, strict=True):
                self._of_rule(rule, day, planted, planted + int(surplus))

    def _of_rule(self, rule: str, day: date, planted: int, told: int) -> None:
        shares = self._shares(rule).get(day, {}) if planted else {}
        missed = max(0, planted - told)
        for pattern, n in sorted(shares.items(), key=lambda share: -share[1]):
            line = self.graded[pattern]
            gone = min(n, missed)
            line.catchable += n
            line.caught += n - gone
            line.missed += gone
            missed -= gone
        if told > planted:
            surplus = told - planted
            if not any(line.rule == rule for line in self.graded.values()):
                # Counts do not say which rows: those that are dirty in another way may all be among them.
                surplus -= min(surplus, self._dirty_on().get(day, 0))
            if surplus:
                self._wrongly(rule, "warning", surplus)

    def _dirty_on(self) -> dict[date, int]:
        """Rows of each partition that are dirty in any way."""
        if self._kept_dirty is None:
            self._kept_dirty = dict(self.sql.execute("SELECT day, count(*) FROM rows GROUP BY day").fetchall())
        return self._kept_dirty

    def _shares(self, rule: str) -> dict[date, dict[str, int]]:
        """How the rows of a rule's day fall to its patterns; of a row with several the first counts."""
        if self._kept_shares is None:
            self._kept_shares = {}
            for name, day, pattern, n in self.sql.execute(
                """
                SELECT rule, day, pattern, count(*) FROM (
                    SELECT rule, day, written_on, row_no, min(pattern) AS pattern FROM seen
                    WHERE caught_by = 'warning' GROUP BY ALL) GROUP BY ALL
                """
            ).fetchall():
                self._kept_shares.setdefault(name, {}).setdefault(day, {})[pattern] = n
        return self._kept_shares.get(rule, {})

    def _wrongly(self, rule: str, caught_by: str, n: int) -> None:
        """Count what a rule caught that nothing planted explains, with the rule's pattern or on a line of its own."""
        for line in self.graded.values():
            if line.rule == rule and line.caught_by == caught_by:
                line.wrongly += n
                return
        line = self.extra.setdefault(
            f"{caught_by}:{rule}",
            Graded(self.source, self.dataset, "", "row", caught_by, rule, note="no pattern says so"),
        )
        line.wrongly += n

    def _not_graded(self) -> None:
        for line in self.graded.values():
            if line.caught_by in NOT_GRADED:
                line.note = "not graded here"

    def _good_rows(self) -> None:
        dirty = self.sql.execute("SELECT count(DISTINCT (day, written_on, row_no)) FROM seen").fetchone()[0]
        accounts = [self.days[day] for day, _ in self.visible]
        self.grade.good_rows += max(0, sum(account.accepted + account.quarantined for account in accounts) - dirty)


def _together(days: Mapping[date, Day], every: str) -> dict[date, Day]:
    """Accounts of the partitions of each period, summed; held when one of them is."""
    made: dict[date, list[Day]] = defaultdict(list)
    for day, account in days.items():
        made[first_of(every, day)].append(account)
    return {
        first: Day(
            HELD if any(one.state == HELD for one in own) else COMMITTED,
            sum(one.delivered for one in own),
            sum(one.accepted for one in own),
            sum(one.quarantined for one in own),
            sum(one.unchanged for one in own),
        )
        for first, own in made.items()
    }


def _settle(days: list[date], more: Any, late_on: Mapping[date, int]) -> None:
    """Set off what a day has too many against what days after it have too few; changes `more`.

    A row written late stands in the lake on the day of its change and in the truth on the day it was written. So many
    may be on their way at the end of a day as are written late in the days that follow; chains of them reach far.

    Args:
        days: in order.
        more: rows more than written, by day.
        late_on: rows written late, by the day they were written.
    """
    on_their_way = 0
    for at, day in enumerate(days):
        on_their_way += int(more[at])
        most = sum(late_on.get(day + timedelta(days=ahead), 0) for ahead in range(1, LATE_DAYS + 1))
        kept = min(max(on_their_way, 0), most)
        more[at] = on_their_way - kept
        on_their_way = kept
