"""PDF by Typst, in this process. The document reaches the layout as JSON only; no text is spliced into Typst source."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from lake.briefs.compose import Document
from lake.briefs.fonts import font_folder
from lake.errors import BriefRefused

LAYOUT = Path("briefs") / "layout" / "brief.typ"
TIGHTEST = 2
_PAGE = re.compile(rb"/Type\s*/Page\b")


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

    def print(self, document: Document, charts: dict[str, str], day: datetime, pages_max: int) -> bytes:
        """The brief as PDF, set as tight as `pages_max` asks.

        Args:
            document: what to print.
            charts: SVG by chart id.
            day: creation time written into the file; the clock is not asked.
            pages_max: pages the brief may have.

        Raises:
            BriefRefused: Typst warns (a missing glyph or font, say), or the brief is too long however tight.
        """
        import typst

        stamp = int(day.timestamp())
        for tightness in range(TIGHTEST + 1):
            data = json.dumps({**asdict(document), "charts": charts, "tightness": tightness}, ensure_ascii=False)
            try:
                pdf, warnings = self._compiler.compile_with_warnings(
                    format="pdf", sys_inputs={"data": data}, timestamp=stamp
                )
            except typst.TypstError as error:
                raise BriefRefused(
                    f"Typst cannot lay the brief out: {error.message}", remedy=f"mend {LAYOUT}"
                ) from error
            if warnings:
                raise BriefRefused(f"the PDF's layout warns: {warnings[0].message}", remedy=f"mend {LAYOUT}")
            if len(_PAGE.findall(pdf)) <= pages_max:
                return bytes(pdf)
        raise BriefRefused(
            f"{document.title}{document.subtitle} does not fit on {pages_max} pages",
            remedy="take out a chart or a paragraph, or raise pages_max in the definition",
        )

    def picture(self, svg: str, ppi: float = 200) -> bytes:
        """A chart as PNG, for Word."""
        return bytes(self._plate.compile(format="png", ppi=ppi, sys_inputs={"svg": svg}))
