"""`citybrain alert`: tell who has to be told, keep silent with a reason, see what is open."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from lake.cli.console import JsonFlag, err, out, print_json, print_table, settings
from lake.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Alerts: check, list, silence, test.")

At = Annotated[
    str | None, typer.Option(help="instant, YYYY-MM-DDTHH:MM in the city's zone or with its own offset; default: now")
]


@app.command("check")
def check_command(at: At = None, as_json: JsonFlag = False) -> None:
    """Look at every dataset and tell whoever has to be told by now, once. Exit status 1 when a way does not work.

    Who that is stands in contracts/<city>/care.yaml; the ways are the connections citybrain_smtp and citybrain_webhook.

    Example: citybrain alert check
    """
    from lake.watch import alerts

    home = settings()
    told = alerts.watch(home, instant(at, home))
    if as_json:
        print_json({"problems": [p.key for p in told.problems], "messages": told.messages, "failed": told.failed})
    else:
        out.print(f"{len(told.problems)} problems, {len(told.messages)} messages sent")
        for way, level, to, keys in told.messages:
            out.print(f"  {way} to {', '.join(to) or 'its own recipients'} ({level}): {len(keys)}", highlight=False)
    for failed in told.failed:
        err.print(f"did not go out by {failed}", highlight=False)
    if told.failed:
        raise typer.Exit(1)


@app.command("list")
def list_command(at: At = None, as_json: JsonFlag = False) -> None:
    """What is wrong now, since when, who was told, and which datasets are silenced.

    Example: citybrain alert list
    """
    from lake.watch import alerts

    home = settings()
    now = instant(at, home)
    _, problems = alerts.look(home, now)
    told, quiet = alerts.told_levels(home), alerts.silences(home, now)
    rows = [
        {
            "problem": problem.kind, "what": problem.what, "since": f"{problem.since:%Y-%m-%d %H:%M}",
            "told": ", ".join(told.get(problem.key, [])), "text": problem.text, "run": problem.command,
        }
        for problem in problems
    ]  # fmt: skip
    if as_json:
        print_json({"problems": rows, "silences": [silence.__dict__ for silence in quiet]})
        return
    print_table(f"{len(rows)} problems", list(rows[0]) if rows else ["problem"], [list(row.values()) for row in rows])
    if quiet:
        print_table("Silenced", ["dataset", "until", "because", "by"], [list(s.__dict__.values()) for s in quiet])


@app.command("silence")
def silence_command(
    dataset: Annotated[str, typer.Argument(help="dataset id, such as queens.dot.street_defect")],
    until: Annotated[str, typer.Option(help="instant in the city's zone; one that has passed ends the silence")],
    because: Annotated[str, typer.Option(help="the reason, kept in the ledger")],
    by: Annotated[str, typer.Option(help="who says so; default: the login name")] = "",
) -> None:
    """Tell nobody about a dataset until then: its department moves house, its server is replaced.

    Example: citybrain alert silence queens.weather.hourly_weather --until 2030-01-01T08:00 --because "moves house"
    """
    from lake.watch import alerts

    home = settings()
    end = instant(until, home)
    alerts.keep_silent(home, alerts.Silence(dataset, end, because, by or getpass.getuser()), datetime.now(UTC))
    out.print(f"nobody is told about {dataset} until {end:%Y-%m-%d %H:%M %Z}", highlight=False)


@app.command("test")
def test_command() -> None:
    """Send a message by every way that is configured. Exit status 1 when one does not work.

    Example: citybrain alert test
    """
    from lake.errors import CitybrainError
    from lake.watch.ways import Message, ways

    home = settings()
    found = ways(home)
    if not found:
        out.print("nobody would be told: neither connection citybrain_smtp nor citybrain_webhook is configured")
        return
    message = Message(
        f"[citybrain] {home.city}: test · 测试", "这是一条测试消息，无需处理。\nThis is a test; nothing is wrong.", (),
        {"city": home.city, "level": "test", "problems": []},
    )  # fmt: skip
    is_bad = False
    for way in found:
        try:
            way.send(message)
            out.print(f"{way.name}: sent")
        except Exception as error:
            is_bad = True
            reason = str(error) if isinstance(error, CitybrainError) else type(error).__name__
            err.print(f"{way.name}: did not go out: {reason}", highlight=False)
    if is_bad:
        raise typer.Exit(1)


def instant(text: str | None, home: Settings) -> datetime:
    """An instant given on the command line; the clock's when none is."""
    from lake.contracts.city import load_city

    zone = ZoneInfo(load_city(home).zone)
    if text is None:
        return datetime.now(zone)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an instant like 2023-04-04T07:30") from error
    return at if at.tzinfo else at.replace(tzinfo=zone)
