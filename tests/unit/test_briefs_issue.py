"""Issues of a small published city: the same numbers in all formats, once, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from html import unescape
from io import BytesIO
from xml.etree import ElementTree

import pypdfium2
import pytest
from briefs_city import AS_OF, publish

from lake import briefs
from lake.briefs import issuing
from lake.briefs.compose import check_numbers, numbers_in, numbers_of
from lake.briefs.definition import definitions
from lake.errors import BriefRefused, ContractError
from lake.settings import PROJECT_ROOT, Settings

SCOPES = ["4", "407"]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[briefs.Issued]]:
    """Both briefs for the city and a district; tests that only read share them."""
    home = tmp_path_factory.mktemp("briefs") / "home"
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(home), "CITYBRAIN_ROOT": str(PROJECT_ROOT)})
    settings.make_home()
    publish(settings)
    yield [each for brief in ("B01", "B02") for each in briefs.issue(brief, AS_OF, settings, scopes=SCOPES)]


def figures(issue: briefs.Issued) -> dict:  # type: ignore[type-arg]
    return json.loads((issue.folder / "figures.json").read_text(encoding="utf-8"))


def word_text(content: bytes) -> str:
    tag = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    root = ElementTree.fromstring(zipfile.ZipFile(BytesIO(content)).read("word/document.xml"))
    return "\n".join("".join(text.text or "" for text in line.iter(f"{tag}t")) for line in root.iter(f"{tag}p"))


def texts_of(issue: briefs.Issued) -> dict[str, str]:
    """What a reader sees in each format."""
    pdf = pypdfium2.PdfDocument(issue.folder / "brief.pdf")
    # A line may end inside a number's unit but never inside a number; page numbers are not figures.
    pages = "\n".join(page.get_textpage().get_text_range() for page in pdf)
    html = (issue.folder / "brief.html").read_text(encoding="utf-8")
    body = re.sub(r"<(style|title).*?</\1>", "", html, flags=re.S)
    drawn = " ".join(unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", body))
    return {
        "pdf": re.sub(r"— ?\d+ ?—", "", pages),
        "word": word_text((issue.folder / "brief.docx").read_bytes()),
        "html": unescape(re.sub(r"<[^>]+>", "\n", body)),
        "chart": drawn,
    }


def test_every_format_prints_the_numbers_of_the_figure_set_and_no_other(issued: list[briefs.Issued]) -> None:
    assert len(issued) == 4
    for issue in issued:
        figure_set = figures(issue)
        allowed = numbers_of(figure_set)
        texts = texts_of(issue)
        for name, text in texts.items():
            strange = set(numbers_in(text)) - allowed
            assert not strange, f"{issue.folder}: {name} prints {strange}"
        headlines = [each for each in figure_set["figures"] if each["headline"]]
        assert len(headlines) >= 3
        for name in ("pdf", "word", "html"):
            printed = re.sub(r"\s", "", texts[name])
            for each in headlines:
                assert f"{each['text']}{each['unit']}" in printed, f"{name} lacks {each['id']} of {issue.folder}"
        assert numbers_in(texts["chart"])


def test_a_number_that_no_figure_has_stops_the_brief(issued: list[briefs.Issued]) -> None:
    figure_set = figures(issued[0])
    check_numbers(["受理69件"], figure_set)
    with pytest.raises(BriefRefused, match="the number 70001"):
        check_numbers(["受理70,001件"], figure_set)


def test_pages_and_charts_keep_their_limits(issued: list[briefs.Issued]) -> None:
    limits = {definition.id: definition.pages_max for definition in definitions(PROJECT_ROOT / "briefs")}
    assert limits["B01"] == 2
    for issue in issued:
        assert len(pypdfium2.PdfDocument(issue.folder / "brief.pdf")) <= limits[issue.brief]
        charts = (issue.folder / "brief.html").read_text(encoding="utf-8").count("<figure>")
        assert 1 <= charts <= (2 if issue.brief == "B01" else 6)


def test_pdf_holds_our_two_fonts_and_html_nothing_from_elsewhere(issued: list[briefs.Issued]) -> None:
    for issue in issued:
        fonts = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([\w-]+)", (issue.folder / "brief.pdf").read_bytes()))
        assert fonts <= {b"NotoSerifCJKsc-Regular", b"NotoSansCJKsc-Regular", b"NotoSerifCJKsc-Regular-Identity-H",
                         b"NotoSansCJKsc-Regular-Identity-H"}, fonts  # fmt: skip
        html = (issue.folder / "brief.html").read_text(encoding="utf-8")
        addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"'#][^"']*)|url\(([^)#]+)\)|@import""", html)
        assert addresses == [] and "<script" not in html
        assert set(re.findall(r"https?://[^\s\"'<]+", html)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_word_is_laid_out_as_the_standard_says(issued: list[briefs.Issued]) -> None:
    archive = zipfile.ZipFile(issued[0].folder / "brief.docx")
    document = archive.read("word/document.xml").decode()
    for font in ("方正小标宋简体", "仿宋_GB2312", "黑体"):
        assert f'w:eastAsia="{font}"' in document
    margins = dict(re.findall(r'w:(top|right|bottom|left)="(\d+)"', re.search(r"<w:pgMar[^>]*>", document)[0]))  # type: ignore[index]
    in_mm = {side: round(int(twips) * 25.4 / 1440) for side, twips in margins.items()}
    assert in_mm == {"top": 37, "right": 26, "bottom": 35, "left": 28}
    pitches = re.findall(r"<w:spacing[^>]*>", document)
    assert sum('w:line="580"' in pitch and 'w:lineRule="exact"' in pitch for pitch in pitches) > 10  # 28.99 pt
    footers = "".join(archive.read(name).decode() for name in archive.namelist() if "footer" in name)
    assert "PAGE" in footers and "— " in footers


def test_late_and_absent_sources_are_said_and_never_zero(issued: list[briefs.Issued]) -> None:
    daily = next(issue for issue in issued if issue.brief == "B01" and issue.scope == "4")
    figure_set, text = figures(daily), re.sub(r"\s", "", texts_of(daily)["html"])
    rain = next(each for each in figure_set["figures"] if each["id"] == "rain")
    assert rain["value"] is None and rain["text"] == "未更新（上次2022年10月19日）"
    assert "气象数据未更新（上次2022年10月19日）" in text and "降水量0" not in text
    latest = next(each for each in figure_set["figures"] if each["id"] == "crashes")
    assert latest["window"]["label"] == "3月31日" and "当日事故数据未更新（上次3月31日）" in text
    assert text.count("预警线索") == 1 and "尚未接入本报：突发事件与伤亡、预警线索" in text
    weekly = next(issue for issue in issued if issue.brief == "B02" and issue.scope == "4")
    page = re.sub(r"\s", "", texts_of(weekly)["html"])
    assert page.count("派发工单") == page.count("按时办结率") == page.count("回访满意度") == 1
    assert "数据截至4月3日24时" in page


def test_the_manifest_names_every_byte(issued: list[briefs.Issued]) -> None:
    for issue in issued:
        manifest = json.loads((issue.folder / "manifest.json").read_text(encoding="utf-8"))
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in issue.folder.iterdir()}
        del found["manifest.json"]
        assert manifest["files"] == found and len(found) == 4
        assert manifest["figure_set_sha256"] == found["figures.json"]
        assert (manifest["brief"], manifest["scope"], manifest["issue_no"]) == (issue.brief, issue.scope, 1)


def test_issuing_again_writes_nothing_and_a_new_day_counts_on(settings: Settings) -> None:
    publish(settings)
    (first,) = briefs.issue("B01", date(2023, 4, 2), settings, scopes=["407"])
    before = sorted(settings.issues.rglob("*"))
    (again,) = briefs.issue("B01", date(2023, 4, 2), settings, scopes=["407"])
    assert (first.is_new, again.is_new, again.folder) == (True, False, first.folder)
    assert sorted(settings.issues.rglob("*")) == before
    (second,) = briefs.issue("B01", AS_OF, settings, scopes=["407"])
    assert (second.issue_no, second.period, second.is_new) == (2, "2023-04-03", True)
    (other,) = briefs.issue("B01", AS_OF, settings, scopes=["4"])
    assert other.issue_no == 1
    # A later build that changes nothing of the period is no reason for another issue.
    publish(settings, name="2023-04-03-later")
    (still,) = briefs.issue("B01", AS_OF, settings, scopes=["407"])
    assert not still.is_new


def test_a_number_that_moved_is_said_in_the_next_issue(settings: Settings) -> None:
    publish(settings, as_of=date(2023, 4, 2))
    (first,) = briefs.issue("B01", date(2023, 4, 2), settings, scopes=["4"])
    was = next(each for each in figures(first)["figures"] if each["id"] == "appeals")
    moved = (
        "UPDATE overview.city_daily SET appeals_n = appeals_n + 9 "
        "WHERE division_code = '4' AND day_on = DATE '2023-04-02'"
    )
    publish(settings, tweak=moved)
    (second,) = briefs.issue("B01", AS_OF, settings, scopes=["4"])
    changed = {each["figure"]: each for each in figures(second)["changed"]}
    assert set(changed) == {"appeals"} and changed["appeals"]["now"] == was["value"] + 9
    assert changed["appeals"]["text"] in re.sub(r"\s", "", texts_of(second)["pdf"])
    # The period's own re-issue is a correction: a new number, the same words.
    (again,) = briefs.issue("B01", date(2023, 4, 2), settings, scopes=["4"])
    assert again.is_new and again.issue_no == 3 and again.period == first.period
    # Less than one per cent is not worth a note.
    slightly = "UPDATE overview.city_daily SET defects_n = defects_n + 0 WHERE division_code = '4'"
    publish(settings, name="third", tweak=slightly + ";" + moved)
    (third,) = briefs.issue("B01", AS_OF, settings, scopes=["4"])
    assert not third.is_new


def test_without_weather_and_without_bands_the_briefs_still_come_out(settings: Settings) -> None:
    publish(
        settings,
        tweak="UPDATE overview.city_daily SET appeals_expected_n = NULL, appeals_sigma = NULL,"
        " defects_expected_n = NULL, defects_sigma = NULL, crashes_expected_n = NULL, crashes_sigma = NULL;"
        " DELETE FROM appeals.hotline_performance WHERE starts_on < DATE '2023-03-13';"
        " DELETE FROM about.freshness WHERE dataset LIKE '%weather%';"
        " UPDATE core.dim_admin_division SET geometry_geojson = NULL",
    )
    daily, weekly = (briefs.issue(brief, AS_OF, settings, scopes=["4"])[0] for brief in ("B01", "B02"))
    appeals = next(each for each in figures(daily)["figures"] if each["id"] == "appeals")
    assert appeals["band"] is None and appeals["judgement"] == "" and appeals["comparison"][0]["verb"] == "上升"
    assert "天气" not in texts_of(daily)["html"]
    assert "同星期正常范围" not in texts_of(daily)["chart"]
    assert texts_of(weekly)["chart"].count("每平方公里") == 0  # no shapes, no map


def test_a_year_that_is_known_in_part_is_summed_and_compared_by_nobody(settings: Settings) -> None:
    def to_date(name: str, unknown: str) -> dict:  # type: ignore[type-arg]
        gone = f"UPDATE overview.city_daily SET crashes_n = NULL WHERE day_on = DATE '{unknown}'"
        publish(settings, name=name, tweak=gone)
        (issue,) = briefs.issue("B01", AS_OF, settings, scopes=["4"])
        return next(each for each in figures(issue)["figures"] if each["id"] == "crashes_to_date")

    of_last_year = to_date("gap-before", "2022-02-10")
    assert of_last_year["value"] is not None and of_last_year["comparison"] == []
    of_this_year = to_date("gap-now", "2023-02-10")
    assert of_this_year["value"] is None and "本期数据不全" in of_this_year["text"]


def test_a_holiday_stands_in_for_the_window_before(settings: Settings) -> None:
    publish(settings, as_of=date(2022, 12, 26))
    (issue,) = briefs.issue("B01", date(2022, 12, 25), settings, scopes=["4"])
    appeals = next(each for each in figures(issue)["figures"] if each["id"] == "appeals")
    year = next(each for each in appeals["comparison"] if each["basis"] == "同比")
    assert year["window"]["first"] == "2021-12-25"  # the same day of the same holiday, not the same weekday
    text = re.sub(r"\s", "", texts_of(issue)["word"])
    assert "受圣诞节假期影响，环比不列，" + year["text"] in text
    assert "受圣诞节假期影响的环比以同比代替。" in text


def test_held_and_warned_data_reach_the_note(settings: Settings) -> None:
    publish(
        settings,
        tweak="UPDATE about.freshness SET state = 'held', last_day_on = DATE '2023-04-01' WHERE dataset LIKE '%defect';"
        "INSERT INTO about.warnings VALUES"
        " ('queens.nyc311.service_request', DATE '2023-04-03', 'in_city', 'latitude', 12, '坐标在区外')",
    )
    (issue,) = briefs.issue("B01", AS_OF, settings, scopes=["4"])
    text = re.sub(r"\s", "", texts_of(issue)["pdf"])
    assert "SCOUT巡查未更新（上次4月1日）" in text and "暂扣待核：道路病害" in text
    assert "311热线“坐标在区外”12条" in text


def test_a_brief_is_refused_with_a_remedy(settings: Settings) -> None:
    with pytest.raises(BriefRefused, match=r"no published marts.*Remedy: run `citybrain marts build"):
        briefs.issue("B01", AS_OF, settings)
    publish(
        settings, tweak="DELETE FROM overview.city_daily WHERE division_code = '403' AND day_on = DATE '2023-04-03'"
    )
    with pytest.raises(BriefRefused, match="as of 2023-04-03, before the day asked for"):
        briefs.issue("B01", date(2023, 4, 4), settings)
    with pytest.raises(BriefRefused, match="no division '499'"):
        briefs.issue("B01", AS_OF, settings, scopes=["499"])
    with pytest.raises(BriefRefused, match="figure appeals of scope 403 has no row"):
        briefs.issue("B01", AS_OF, settings, scopes=["403"])
    with pytest.raises(ContractError, match="no brief 'B77'"):
        briefs.issue("B77", AS_OF, settings)
    assert not list(settings.issues.glob("B*"))
    assert briefs.brief_ids(settings)[:2] == ["B01", "B02"]


def test_an_issue_appears_whole_or_not_at_all(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die_at(name: str) -> None:
        def boundary(here: str) -> None:
            if here == name:
                raise Killed

        monkeypatch.setattr(issuing, "boundary", boundary)

    publish(settings)
    die_at("issue.rendered")
    with pytest.raises(Killed):
        briefs.issue("B01", AS_OF, settings, scopes=["407"])
    assert not list(settings.issues.glob("B*"))
    die_at("issue.renamed")
    with pytest.raises(Killed):
        briefs.issue("B01", AS_OF, settings, scopes=["407"])
    (folder,) = settings.issues.glob("B01/*/407/*")
    assert (folder / "manifest.json").exists()
    die_at("nowhere")
    (issue,) = briefs.issue("B01", AS_OF, settings, scopes=["407"])
    assert (issue.is_new, issue.folder) == (False, folder)
    assert not list((settings.issues / ".incoming").rglob("*.pdf")), "what the killed one left is gone"


def test_text_from_departments_cannot_become_markup(settings: Settings) -> None:
    sly = """</text><script>alert(1)</script>#{read("/etc/passwd")} *粗* $x$ {{ 7 }}"""
    publish(
        settings, tweak=f"UPDATE appeals.hotline_topic_week SET category_name_zh = $${sly}$$ WHERE category_key = 'c1'"
    )
    (issue,) = briefs.issue("B02", AS_OF, settings, scopes=["407"])
    html = (issue.folder / "brief.html").read_text(encoding="utf-8")
    assert "<script" not in html and "&lt;script&gt;" in html
    pdf = re.sub(r"\s", "", texts_of(issue)["pdf"])
    assert '#{read("/etc/passwd")}*粗*$x$' in pdf and "root:" not in pdf
