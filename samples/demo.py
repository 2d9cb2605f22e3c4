"""The main job on this machine: departments stood in for, a real Airflow, the lake, the marts, the briefs.

``python -m samples.demo [--keep]``: the demo city, one county and sixty days; ``--city queens``: the real data of
Queens. A second run asks for the same runs again and changes nothing.

Exit status: 0 all went as it should, 1 a run failed (its message was printed), 2 wrong arguments, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from lake.errors import CitybrainError
from lake.settings import PROJECT_ROOT, Settings
from samples.airflow_standalone import AirflowStopped, Finished, Run, Standalone
from samples.plans import Ask, Departments, Plan, linlan, queens

PATIENCE_SECONDS = 1200.0
COUNTY = "990113"
"""The county of the demo city that is shown by default: its old centre."""

console = Console(highlight=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo and give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m samples.demo", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--city", default="linlan", choices=["linlan", "queens"], help="default: linlan, the demo city")
    parser.add_argument("--keep", action="store_true", help="leave Airflow and the departments running until Ctrl-C")
    of_linlan = parser.add_argument_group("the demo city")
    of_linlan.add_argument("--seed", type=int, default=1, help="another seed is another city (default: 1)")
    of_linlan.add_argument(
        "--scale", type=float, default=0.02, help="share of the people, whole townships (default: 0.02)"
    )
    of_linlan.add_argument("--county", default=COUNTY, help=f"one county-level unit (default: {COUNTY}), or 'all'")
    of_linlan.add_argument("--days", type=int, default=60, help="days of history (default: 60)")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    settings = Settings.from_environment({**os.environ, "CITYBRAIN_CITY": given.city})
    began = time.monotonic()
    county = None if given.county == "all" else given.county
    plan = (
        queens()
        if given.city == "queens"
        else linlan(seed=given.seed, scale=given.scale, county=county, days=given.days)
    )
    try:
        with contextlib.ExitStack() as running:
            demo = Demo(plan, settings, running)
            demo.start()
            went_well = demo.run()
            console.print(f"\n{'done' if went_well else '[red]not all went well[/red]'} after {_seconds(began)}")
            demo.say_what_next()
            if given.keep:
                demo.wait_for_ctrl_c()
    except KeyboardInterrupt:
        console.print("\ninterrupted; everything is stopped")
        return 130
    except (AirflowStopped, CitybrainError, RuntimeError) as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        return 1
    return 0 if went_well else 1


class Demo:
    """The demo of one home.

    Args:
        plan: what is done.
        settings: the city's home.
        running: takes what must be stopped at the end.
    """

    def __init__(self, plan: Plan, settings: Settings, running: contextlib.ExitStack) -> None:
        self._plan, self._settings, self._running = plan, settings, running
        self._issues: dict[str, str] = {}
        self._departments: Departments
        self._airflow: Standalone

    def start(self) -> None:
        """Make the home, start the departments, start Airflow."""
        began = time.monotonic()
        with console.status("making the home, starting the departments"), ThreadPoolExecutor(2) as side:
            stand_in, home = side.submit(self._start_departments), side.submit(self._make_home)
            self._departments = stand_in.result()
            home.result()
        console.print(f"departments deliver up to {self._plan.history_until}: {self._plan.said} ({_seconds(began)})")
        began = time.monotonic()
        with console.status("starting Airflow"):
            self._airflow = self._running.enter_context(
                Standalone(self._settings.home / "airflow", self._settings.root, self._environment())
            )
            asked = [*self._plan.history(self._settings), *self._plan.night(self._settings)]
            self._airflow.start(["marts", "briefs", *sorted({ask.dag_id for ask in asked})])
        console.print(f"Airflow is up at {self._airflow.address} ({_seconds(began)})")

    def run(self) -> bool:
        """Everything in order; gives whether all went as it should."""
        plan, airflow, key = self._plan, self._airflow, str(self._plan.today)
        console.print(f"\n[bold]History[/bold] {plan.first_day} .. {plan.history_until}")
        went_well = self._ask(plan.history(self._settings))

        console.print(f"\n[bold]The day {key}[/bold]: the departments' clock moves on, yesterday's night run follows")
        self._departments.advance(plan.today)
        went_well &= self._ask(plan.night(self._settings))

        console.print("\n[bold]Marts and briefs[/bold]")
        before = {run.run_id for run in airflow.runs("briefs", key)}
        went_well &= self._follow([airflow.trigger("marts", key=key)])
        if not went_well:
            return False
        # The daily brief follows the published marts by itself; the weekly one of the week before is asked for.
        went_well = self._follow([self._started_by_the_marts(key, before)])
        return went_well & self._follow([airflow.trigger(ask.dag_id, conf=ask.conf) for ask in plan.briefs])

    def say_what_next(self) -> None:
        """Where the results are, and what to try."""
        for brief, period in sorted(self._issues.items()):
            for folder in self._newest_issue(brief, period):
                console.print(f"\n[bold]{brief} {period}[/bold]")
                for name in ("brief.pdf", "brief.docx", "brief.html"):
                    console.print(f"  {_shown(folder / name)}")
        marts = self._settings.published / "current" / "marts.duckdb"
        if marts.exists():
            console.print(f"\n[bold]Marts[/bold]\n  {_shown(marts)}")
        citybrain = _shown(Path(sys.executable).parent / "citybrain")
        if self._settings.city != Settings.from_environment({}).city:
            citybrain = f"CITYBRAIN_CITY={self._settings.city} {citybrain}"
        if self._settings.home != Settings.from_environment({"CITYBRAIN_CITY": self._settings.city}).home:
            citybrain = f"CITYBRAIN_HOME={self._settings.home} {citybrain}"
        console.print("\n[bold]Try next[/bold]")
        console.print(f"  {citybrain} reconcile")
        console.print(f'  {citybrain} marts query "{self._plan.query}"')
        for brief, period in sorted(self._issues.items())[:1]:
            for folder in self._newest_issue(brief, period):
                console.print(f"  {citybrain} brief verify {_shown(folder)}")

    def wait_for_ctrl_c(self) -> None:
        """Keep everything running."""
        console.print(f"\nAirflow stays at {self._airflow.address} (no password, this machine only). Ctrl-C stops it.")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        console.print("stopping")

    def _start_departments(self) -> Departments:
        # One home of departments to a home of the lake: a year of the city is not mixed with two months of it.
        home = self._settings.root / "var" / "departments" / self._settings.home.name
        return self._running.enter_context(self._plan.start(home))

    def _make_home(self) -> None:
        from lake.upkeep import make_ready

        make_ready(self._settings)

    def _environment(self) -> dict[str, str]:
        return {
            "CITYBRAIN_CITY": self._settings.city,
            "CITYBRAIN_HOME": str(self._settings.home),
            "CITYBRAIN_ROOT": str(self._settings.root),
            "CITYBRAIN_SCHEDULE": "manual",
            **{f"CITYBRAIN_CONN_{name.upper()}": uri for name, uri in self._departments.connections.items()},
        }

    def _ask(self, asked: list[Ask]) -> bool:
        """Ask for runs side by side and follow them; gives whether all did as they should."""
        with self._airflow.still("sources"):
            runs = [(self._airflow.trigger(ask.dag_id, key=ask.key, conf=ask.conf), ask) for ask in asked]
        return self._follow([run for run, _ in runs], {run.run_id for run, ask in runs if ask.is_late})

    def _follow(self, runs: Iterable[Run], expected_late: Iterable[str] = ()) -> bool:
        """Print a line for each run as it finishes; gives whether all did as they should."""
        waiting = list(runs)
        went_well = True
        with console.status("running " + ", ".join(sorted({run.title for run in waiting}))):
            for finished in self._airflow.wait_for(waiting, seconds=PATIENCE_SECONDS):
                went_well &= self._tell(finished, is_late_expected=finished.run.run_id in set(expected_late))
        return went_well

    def _tell(self, finished: Finished, *, is_late_expected: bool) -> bool:
        title = f"{finished.run.title} ({finished.seconds:.1f} s)"
        if finished.state == "success":
            console.print(f"[green]✓[/green] {title}")
            for result in finished.results.values():
                for line in _lines(result):
                    console.print(f"    {escape(line)}")
                self._remember_issues(result)
            return True
        messages = list(finished.errors.values())
        if is_late_expected and messages and all("late:" in message for message in messages):
            console.print(f"[yellow]○[/yellow] {title}: late, as it should be: the department stopped delivering")
        else:
            console.print(f"[red]✗[/red] {title}")
            is_late_expected = False
        for message in messages:
            console.print(f"    {escape(message)}")
        return is_late_expected

    def _remember_issues(self, result: Any) -> None:
        for name, value in result.items() if isinstance(result, dict) else ():
            if isinstance(value, dict) and value.get("period"):
                self._issues[name] = value["period"]

    def _started_by_the_marts(self, key: str, before: set[str]) -> Run:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for run in self._airflow.runs("briefs", key):
                if run.run_id not in before:
                    return run
            time.sleep(0.25)
        raise AirflowStopped("the published marts did not start the briefs within 60 s")

    def _newest_issue(self, brief: str, period: str) -> Iterator[Path]:
        """The newest issue for the whole city, when there is one."""
        from lake.contracts.city import load_city

        folder = self._settings.issues / brief / period / load_city(self._settings).code
        yield from sorted(folder.glob("issue-*"), key=lambda path: int(path.name.removeprefix("issue-")))[-1:]


def _lines(result: Any) -> Iterator[str]:
    """What a task gave back, for people."""
    if not isinstance(result, dict):
        return
    if "build_id" in result:
        missing = "; without " + ", ".join(result["outstanding"]) if result.get("outstanding") else ""
        yield f"build {result['build_id']}: {_words(result['outcome'])}{missing}"
        return
    for name, counts in result.items():
        if "delivered" in counts:
            parts = ", ".join(f"{part} {counts[part]:,}" for part in ("accepted", "quarantined", "unchanged"))
            missing = f"; {counts['missing_days']} missing at the source" if counts["missing_days"] else ""
            yield f"{name}: {_words(counts['outcome'])}; delivered {counts['delivered']:,} = {parts}{missing}"
        elif "issues" in counts:
            new = f"{counts['new']} new" if counts["new"] else "nothing new"
            yield f"{name} {counts['period']}: {counts['issues']} issues, {new}"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"


def _shown(path: Path) -> str:
    """Relative to the project where it lies below it, since that is where people stand."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(PROJECT_ROOT))
    return str(path)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
