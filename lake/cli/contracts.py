"""`citybrain contract`: is what we wrote down about the departments' data well written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lake.cli.console import JsonFlag, err, out, parse_day, print_json, print_table, say, settings

app = typer.Typer(no_args_is_help=True, help="Contracts: draft them from a source, check what is written.")


@app.command("check")
def check_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, dir_okay=False, help="contract files; all of the city when none is given"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Explain every mistake of contracts and suites with file, line and remedy. Exit status 2 when there is one.

    Connector arguments are checked against the connector they go to; no source is touched.

    Example: citybrain contract check
    """
    from lake.admission.suites import check_suite, suite_path
    from lake.connectors import check_arguments
    from lake.contracts import examine, line_of
    from lake.watch.rules import check_rules

    home = settings()
    examined = examine(home, paths)
    mistakes = [m.__dict__ | {"file": str(m.file)} for m in (*examined.mistakes, *check_rules(home))]
    for contract in (version for versions in examined.versions.values() for version in versions):
        mistakes += [
            {
                "file": contract.path,
                "line": line_of(contract, "arguments"),
                "message": text,
                "remedy": "correct the contract's arguments",
            }
            for text in check_arguments(contract)
        ]
        mistakes += [
            {"file": str(suite_path(contract, home)), "line": None, "message": text, "remedy": "correct the suite"}
            for text in check_suite(contract, home)
        ]
    if as_json:
        print_json(mistakes)
    elif mistakes:
        print_table(
            f"{len(mistakes)} mistakes",
            ["file", "line", "mistake", "remedy"],
            [(m["file"], m["line"], m["message"], m["remedy"]) for m in mistakes],
        )
    else:
        out.print("all contracts and suites are well written")
    if mistakes:
        raise typer.Exit(2)


@app.command("draft")
def draft_command(
    source: Annotated[str, typer.Argument(help="connection id, file or folder")],
    *,
    dataset: Annotated[str, typer.Option(help="id of the dataset to be: city.department.name")],
    table: Annotated[str | None, typer.Option(help="table or view of a database, schema.table")] = None,
    pattern: Annotated[str | None, typer.Option(help="files of a folder, such as 'roads_{day:%Y%m%d}.csv'")] = None,
    connector: Annotated[str, typer.Option(help="where names do not tell: csv_files, json_files, postgres …")] = "",
    connection: Annotated[str, typer.Option(help="connection id the contract is to name")] = "",
    argument: Annotated[
        list[str] | None, typer.Option("--set", help="argument of the connector, name=value; may be repeated")
    ] = None,
    zone: Annotated[str, typer.Option(help="IANA zone of times; default: the city's")] = "",
    first: Annotated[str | None, typer.Option("--from", help="first day, where the source cannot say it")] = None,
    last: Annotated[str | None, typer.Option("--to", help="last day")] = None,
    encoding: Annotated[str, typer.Option(help="utf-8, gb18030, latin-1; default: by the bytes")] = "",
    header: Annotated[bool | None, typer.Option("--header/--no-header", help="whether text files name columns")] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="column that tells nothing about people, whatever it looks like")
    ] = None,
    key: Annotated[str, typer.Option(help="columns that name a record, with commas between them")] = "",
    into: Annotated[Path | None, typer.Option(help="project to write to; default: this one")] = None,
    force: Annotated[bool, typer.Option("--force", help="write over a draft that is there")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Look at a source and write contract, suite and staging model, and what a person has to decide.

    The source is only read, a bounded part of it by the connector that will load it. No value of a column that seems
    personal is printed or written.

    Example: citybrain contract draft samples/queens/311.csv.zip --dataset queens.hotline.case --into var/queens/draft
    """
    from lake.onboarding import Asked, draft

    arguments = _arguments(argument or [])
    arguments |= {name: value for name, value in (("table", table), ("pattern", pattern)) if value}
    asked = Asked(
        dataset, source, connection, connector, arguments, zone,
        parse_day(first) if first else None, parse_day(last) if last else None, encoding, header, tuple(keep or ()),
        tuple(name.strip() for name in key.split(",") if name.strip()),
    )  # fmt: skip
    home = settings()
    drafted = draft(asked, home, root=into.resolve() if into else None, force=force, say=say)
    decisions = drafted.verdict.decisions
    if as_json:
        print_json(
            {
                "dataset": dataset,
                "files": [str(path) for path in drafted.files],
                "records": drafted.sample.records,
                "decisions": [decision.__dict__ for decision in decisions],
                "mistakes": [mistake.__dict__ for mistake in drafted.mistakes],
            }
        )
    else:
        print_table("Written", ["file", "lines"], [(path, text.count("\n")) for path, text in drafted.files.items()])
        print_table(
            f"To decide, {sum(d.is_open for d in decisions)} open",
            ["", "about", "decide", "seen", "assumed", "to change it"],
            [("open" if d.is_open else "", d.about, d.question, d.evidence, d.assumed, d.change) for d in decisions],
        )
        out.print(f"kept in {drafted.decisions_file}", highlight=False)
        named = drafted.verdict.versions[-1].source.connection
        if home.find_connection(named) is None:
            where = Path(source).resolve()
            address = (where if where.is_dir() else where.parent).as_uri()
            out.print(f"to load it: CITYBRAIN_CONN_{named.upper()}={address}", highlight=False, markup=False)
        for mistake in drafted.mistakes:
            err.print(str(mistake), highlight=False, markup=False)
    if drafted.mistakes:
        raise typer.Exit(2)


def _arguments(given: list[str]) -> dict[str, Any]:
    """``name=value`` pairs; a value that is JSON is what it says, else a text."""
    import json

    found: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not name=value", param_hint="--set")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@app.command("diff")
def diff_command(
    dataset: Annotated[str, typer.Argument(help="dataset id, such as queens.dot.street_defect")],
    delivery: Annotated[str | None, typer.Option(help="a held delivery; default: the newest, else the source")] = None,
    as_json: JsonFlag = False,
) -> None:
    """What the source changed about its columns: compatible, needs decision, breaking; and the version to write.

    Example: citybrain contract diff queens.dot.street_defect
    """
    from lake.change import look

    seen = look(dataset, settings(), delivery)
    against = f"delivery {seen.delivery}" if seen.delivery else "the source"
    if as_json:
        print_json(
            {
                "dataset": dataset, "contract": seen.contract.version, "delivery": seen.delivery, "day": seen.day,
                "version": seen.version, "changes": [change.__dict__ for change in seen.changes],
            }
        )  # fmt: skip
        return
    if seen.changed is None:
        out.print(f"{against} has the columns of contract {seen.contract.version}")
        return
    if not seen.changes:
        out.print(
            f"hardly a column of contract {seen.contract.version} is in {against}: look at it before anything else"
        )
        return
    print_table(
        f"{dataset}: contract {seen.contract.version} against {against}, from {seen.day} on",
        ["weight", "what", "column", "contract", "source", f"in version {seen.version}"],
        [(c.weight.value, c.kind.value, c.column, c.before, c.after, c.then) for c in seen.changes],
    )
    err.print(f"when the department means it: citybrain contract evolve {dataset}", highlight=False)


@app.command("evolve")
def evolve_command(
    dataset: Annotated[str, typer.Argument(help="dataset id, such as queens.dot.street_defect")],
    delivery: Annotated[str | None, typer.Option(help="a held delivery; default: the newest, else the source")] = None,
    since: Annotated[str | None, typer.Option("--from", help="first day of the new columns, YYYY-MM-DD")] = None,
) -> None:
    """Write the contract's next version for what `contract diff` shows; the present one stays beside it for old days.

    Example: citybrain contract evolve queens.dot.street_defect
    """
    from lake.change import evolve

    written = evolve(dataset, settings(), delivery, parse_day(since) if since else None)
    out.print(f"{written.path}: version {written.version}, valid from {written.valid_from}", highlight=False)
    out.print(f"{written.kept}: the version before, for the days before", highlight=False)
    for text in written.uncertain:
        err.print(f"to decide: {text}", highlight=False)
