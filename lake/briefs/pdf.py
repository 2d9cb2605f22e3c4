"""PDF by Typst, in this process. The document reaches the layout as JSON only; no text is spliced into Typst source."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake.briefs.compose import Document
from lake.briefs.fonts import font_folder
from lake.errors import BriefRefused

LAYOUT = Path("briefs") / "layout" / "brief.typ"


class PdfPress:
    """One compiler for many briefs; the fonts are read once. No font of the system, no package from the network.

    Args:
        root: the project.
    """

    def __init__(self, root: Path) -> None:
        import typst

        layout = root / LAYOUT
        self._fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(font_folder())]
        )
        self._compiler: Any = typst.Compiler(
            input=str(layout), root=str(layout.parent), font_paths=self._fonts, ignore_system_fonts=True
        )
        plate = layout.with_name("plate.typ")
        self._plate: Any = typst.Compiler(
            input=str(plate), root=str(plate.parent), font_paths=self._fonts, ignore_system_fonts=True
        )

    def print(self, document: Document, charts: dict[str, str], day: datetime) -> bytes:
        """The brief as PDF. `day` is the creation time written into the file; the clock is not asked.

        Raises:
            BriefRefused: Typst refuses, or warns (a missing glyph or font, say).
        """
        data = json.dumps({**asdict(document), "charts": charts}, ensure_ascii=False)
        stamp = int(day.replace(tzinfo=day.tzinfo or UTC).timestamp())
        pdf, warnings = self._compiler.compile_with_warnings(format="pdf", sys_inputs={"data": data}, timestamp=stamp)
        if warnings:
            raise BriefRefused(f"the PDF's layout warns: {warnings[0].message}", remedy=f"mend {LAYOUT}")
        return bytes(pdf)

    def picture(self, svg: str, ppi: float = 200) -> bytes:
        """A chart as PNG, for Word."""
        return bytes(self._plate.compile(format="png", ppi=ppi, sys_inputs={"svg": svg}))
