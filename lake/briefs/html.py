"""HTML by Jinja: one self-contained page, every text escaped, charts inline."""

from __future__ import annotations

import re
from pathlib import Path

from lake.briefs.compose import Document

LAYOUT = Path("briefs") / "layout" / "brief.html"
_ID = re.compile(r'\b(id="|url\(#|href="#)')


class HtmlPress:
    """Makes the page of a brief.

    Args:
        root: the project.
    """

    def __init__(self, root: Path) -> None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup

        def drawing(svg: str) -> Markup:
            # The renderer's own output, its texts escaped by it; nothing a department sent is markup in it.
            return Markup(svg)  # noqa: S704

        environment = Environment(
            loader=FileSystemLoader(root / LAYOUT.parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["drawing"] = drawing
        self._page = environment.get_template(LAYOUT.name)

    def print(self, document: Document, charts: dict[str, str]) -> bytes:
        """The brief as HTML."""
        apart = {name: _ID.sub(rf"\g<1>{name}-", svg) for name, svg in charts.items()}
        return self._page.render(document=document, charts=apart).encode()
