"""Word by python-docx, laid out as GB/T 9704-2012 wants: margins, line pitch, the official typefaces by name."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

from lake.briefs.compose import Block, Document, Table

TITLE_FONT, BODY_FONT, HEADING_FONT, SUBTITLE_FONT, DIGIT_FONT = (
    "方正小标宋简体",
    "仿宋_GB2312",
    "黑体",
    "楷体_GB2312",
    "宋体",
)
RED = "C00000"
_BODY_PT, _SMALL_PT, _NOTE_PT, _TITLE_PT = 16, 12, 10.5, 22
_PITCH_PT = 28.99
_TEXT_WIDTH_MM = 156


def print_word(document: Document, pictures: dict[str, bytes], day: datetime) -> bytes:
    """The brief as .docx; `pictures` are its charts as PNG. `day` is the creation time written into the file."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN

    file = docx.Document()
    _page(file)
    properties = file.core_properties
    properties.title, properties.author = f"{document.title}{document.subtitle}", document.editor
    properties.created = properties.modified = day
    _line(file, document.title, TITLE_FONT, _TITLE_PT, align=ALIGN.CENTER, colour=RED, pitch=36)
    if document.subtitle:
        _line(file, document.subtitle, SUBTITLE_FONT, _BODY_PT, align=ALIGN.CENTER)
    _line(file, document.issue, BODY_FONT, 14, align=ALIGN.CENTER)
    head = _line(file, f"{document.editor}\t{document.period}\t{document.cutoff}", BODY_FONT, _SMALL_PT)
    _tabs(head)
    _rule(head, "bottom", RED, 12)
    for section in document.sections:
        heading = _line(file, section.heading, HEADING_FONT, _BODY_PT, indent=True)
        heading.paragraph_format.keep_with_next = True
        for block in section.blocks:
            _block(file, block, pictures)
    for number, note in enumerate(document.notes):
        line = _line(file, note, BODY_FONT, _NOTE_PT, pitch=16)
        if number == 0:
            _rule(line, "top", "808080", 4)
    _page_numbers(file)
    out = BytesIO()
    file.save(out)
    return out.getvalue()


def _block(file: Any, block: Block, pictures: dict[str, bytes]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.shared import Mm, Pt

    if block.table:
        _line(file, block.table.title, HEADING_FONT, _SMALL_PT, align=ALIGN.CENTER, pitch=22)
        _table(file, block.table)
    elif block.chart:
        caption = _line(file, block.title, HEADING_FONT, _SMALL_PT, align=ALIGN.CENTER, pitch=22)
        caption.paragraph_format.keep_with_next = True
        holder = file.add_paragraph()
        holder.paragraph_format.space_after = Pt(6)
        picture = holder.add_run().add_picture(BytesIO(pictures[block.chart]), width=Mm(_TEXT_WIDTH_MM))
        picture._inline.docPr.set("descr", block.title)
    for text in block.texts:
        _line(file, text, BODY_FONT, _BODY_PT, indent=True, align=ALIGN.JUSTIFY)


def _page(file: Any) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    section = file.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(35 - 7 - 5)
    file.settings.odd_and_even_pages_header_footer = True
    normal = file.styles["Normal"]
    normal.font.name, normal.font.size = BODY_FONT, Pt(_BODY_PT)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), BODY_FONT)


def _line(
    file: Any,
    text: str,
    font: str,
    size: float,
    *,
    align: Any = None,
    colour: str | None = None,
    indent: bool = False,
    pitch: float = _PITCH_PT,
) -> Any:
    from docx.enum.text import WD_LINE_SPACING
    from docx.shared import Pt, RGBColor

    paragraph = file.add_paragraph()
    layout = paragraph.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(pitch)
    if align is not None:
        paragraph.alignment = align
    if indent:
        layout.first_line_indent = Pt(2 * size)
    run = paragraph.add_run(text)
    _set_font(run, font, size)
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    return paragraph


def _set_font(run: Any, font: str, size: float) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    run.font.name, run.font.size = font, Pt(size)
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)


def _table(file: Any, table: Table) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN

    grid = file.add_table(rows=0, cols=len(table.headings))
    grid.style = "Table Grid"
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    for number, row in enumerate([table.headings, *table.rows]):
        # One look-up of the row's cells: python-docx walks the whole table for each `table.cell`.
        for cell, text, is_number in zip(grid.add_row().cells, row, table.numeric, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = 0
            paragraph.alignment = ALIGN.RIGHT if is_number else ALIGN.LEFT
            _set_font(paragraph.add_run(text), HEADING_FONT if number == 0 else BODY_FONT, _SMALL_PT)
    header = grid.rows[0]._tr.get_or_add_trPr()
    header.append(_element("w:tblHeader", val="true"))


def _tabs(paragraph: Any) -> None:
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Mm

    stops = paragraph.paragraph_format.tab_stops
    stops.add_tab_stop(Mm(_TEXT_WIDTH_MM / 2), WD_TAB_ALIGNMENT.CENTER)
    stops.add_tab_stop(Mm(_TEXT_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)


def _rule(paragraph: Any, side: str, colour: str, eighths: int) -> None:
    borders = _element("w:pBdr")
    borders.append(_element(f"w:{side}", val="single", sz=str(eighths), space="4", color=colour))
    paragraph._p.get_or_add_pPr().append(borders)


def _page_numbers(file: Any) -> None:
    """``— 1 —`` in 4号 Song digits, odd pages right, even pages left, one character in."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.shared import Pt

    section = file.sections[0]
    for footer, align in ((section.footer, ALIGN.RIGHT), (section.even_page_footer, ALIGN.LEFT)):
        paragraph = footer.paragraphs[0]
        paragraph.alignment = align
        paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Pt(14)
        for piece in ("— ", "begin", "PAGE", "end", " —"):
            run = paragraph.add_run(piece if "—" in piece else "")
            _set_font(run, DIGIT_FONT, 14)
            if piece in ("begin", "end"):
                run._r.append(_element("w:fldChar", fldCharType=piece))
            elif piece == "PAGE":
                code = _element("w:instrText")
                code.text = piece
                run._r.append(code)


def _element(tag: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element
