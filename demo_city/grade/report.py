"""The grade for people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from demo_city.grade.dirt import Grade
from demo_city.grade.indicators import IndicatorLine
from demo_city.grade.linkage import Linkage
from lake.cli.console import out, print_table

MOST_WRONGLY = 0.001
"""Share of good rows that may be caught wrongly."""
FINDINGS_SHOWN = 20


def missed(grade: Grade) -> int:
    """Catchable dirt that was not caught."""
    return sum(line.missed for line in grade.patterns)


def wrongly(grade: Grade) -> int:
    """Good rows that were held back or warned of."""
    return sum(line.wrongly for line in grade.patterns)


def wrongly_share(grade: Grade) -> float:
    """The same as a share of the good rows."""
    return wrongly(grade) / grade.good_rows if grade.good_rows else 0.0


def is_well(grade: Grade) -> bool:
    """Nothing catchable missed, no account that does not fit, next to nothing caught wrongly, everything loaded."""
    return not (missed(grade) or grade.findings or grade.not_loaded or wrongly_share(grade) > MOST_WRONGLY)


def show(grade: Grade) -> None:
    """Print the table."""
    print_table(
        f"Dirt of the demo city (seed {grade.seed}, scale {grade.scale:g}) in build {grade.build_id}",
        ["source", "dataset", "pattern", "caught by", "rule", "planted", "catchable", "caught", "missed",
         "wrongly", ""],
        [
            (line.source, line.dataset.partition(".")[2], line.pattern, line.caught_by, line.rule or "", line.planted,
             line.catchable, line.caught, line.missed, line.wrongly, line.note)
            for line in grade.patterns
            if line.planted or line.wrongly or line.missed
        ],
    )  # fmt: skip
    for finding in grade.findings[:FINDINGS_SHOWN]:
        out.print(f"[red]does not fit[/red] {finding}")
    if len(grade.findings) > FINDINGS_SHOWN:
        out.print(f"[red]does not fit[/red] … and {len(grade.findings) - FINDINGS_SHOWN} more, see the JSON")
    if grade.not_loaded:
        out.print(f"[red]never loaded[/red] {', '.join(grade.not_loaded)}")
    out.print(
        f"catchable {sum(line.catchable for line in grade.patterns)}, missed {missed(grade)}, wrongly caught "
        f"{wrongly(grade)} of {grade.good_rows} good rows ({wrongly_share(grade):.4%}): "
        + ("[green]well[/green]" if is_well(grade) else "[red]not well[/red]")
    )


def show_indicators(lines: Sequence[IndicatorLine]) -> None:
    """Print the table of the indicators, and a line of all of them."""
    print_table(
        "Indicators, all windows and divisions",
        ["indicator", "part", "variant", "values", "right", "cautious", "incomplete", "wrong", "not knowable",
         "missing", "e.g."],
        [
            (line.indicator_id, line.part, line.variant, line.values, line.right, line.cautious, line.incomplete,
             line.wrong, line.wrong_unrecoverable, line.missing,
             " ".join(map(str, line.examples[0])) if line.examples else "")
            for line in lines
        ],
    )  # fmt: skip
    values = sum(line.values for line in lines)
    if values:
        shares = {
            name: sum(getattr(line, name) for line in lines) / values
            for name in ("right", "cautious", "incomplete", "wrong", "missing")
        }
        out.print(f"{values} values: " + ", ".join(f"{name} {share:.2%}" for name, share in shares.items()))


def show_linkage(linkage: Linkage | None) -> None:
    """Print how well records of enterprises were linked, by method."""
    if linkage is None:
        return
    print_table(
        "Records of two registers that are one enterprise",
        ["method", "found", "right"],
        [(method, found, right) for method, (found, right) in linkage.found.items()],
    )
    out.print(
        f"{linkage.true_n} true pairs, {linkage.found_n} found: precision {_share(linkage.precision)}, "
        f"recall {_share(linkage.recall)}"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def write_json(grade: Grade, indicators: Sequence[IndicatorLine], path: Path, linkage: Linkage | None = None) -> None:
    """Everything, for scripts."""
    content = asdict(grade) | {
        "indicators": [asdict(line) for line in indicators],
        "linkage": linkage
        and asdict(linkage) | {"found_n": linkage.found_n, "precision": linkage.precision, "recall": linkage.recall},
        "missed": missed(grade),
        "wrongly": wrongly(grade),
        "wrongly_share": wrongly_share(grade),
        "is_well": is_well(grade),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
