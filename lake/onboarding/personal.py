"""Columns that tell something about a person: found by the form of their values and by their names.

What is told is a column, a kind and shares; never a value. A finding is a proposal for a person to confirm: forms
prove little (an order number may pass for a bank card), and names prove less (a street's name is nobody's).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import duckdb

from lake.contracts.model import Treatment
from lake.onboarding.profile import ColumnProfile

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方"
    "白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲"
)
_MOST = 0.6
"""From this share of the values on, the form is the column's."""
_STREETS = 0.3
_SOME = 0.02
_FREE_TEXT_LENGTH = 24


@dataclass(frozen=True)
class Personal:
    """What a column seems to tell about people.

    Attributes:
        kind: phone, id_card, bank_card, plate, email, person_name, address, free_text, birth_date, account.
        classification: L3 sensitive, L4 highly sensitive.
        treatment: what is proposed.
        purpose: of the key, where it is hashed.
        evidence: shares and words, no value.
        is_sure: the values themselves have the form.
    """

    kind: str
    classification: str
    treatment: Treatment
    purpose: str | None
    evidence: str
    is_sure: bool


_TREATED: dict[str, tuple[str, Treatment, str | None]] = {
    # A hash still tells who called twice; what nobody counts by is not kept at all.
    "id_card": ("L4", Treatment.HMAC, "id_card"),
    "bank_card": ("L4", Treatment.DROP, None),
    "phone": ("L3", Treatment.HMAC, "phone"),
    "plate": ("L3", Treatment.HMAC, "plate"),
    "email": ("L3", Treatment.HMAC, "email"),
    "account": ("L3", Treatment.HMAC, "account"),
    "person_name": ("L3", Treatment.HMAC, "person"),
    "address": ("L3", Treatment.HMAC, "address"),
    "birth_date": ("L3", Treatment.DROP, None),
    "free_text": ("L3", Treatment.DROP, None),
}

_BY_NAME: tuple[tuple[str, str], ...] = (
    # First match counts. English by words between underscores, Chinese anywhere in the header.
    ("id_card", r"\b(id card|idcard|identity|id no|id number|ssn|passport|document no|sfzh|zjhm)\b|身份证|证件号"),
    ("bank_card", r"\b(bank card|bank account|iban|card no|card number)\b|银行卡|银行账"),
    (
        "phone",
        r"\b(phones?|telephone|tel|mobile|cell|fax|lxdh|sjhm|caller no|contact number)\b|电话|手机|联系方式|来电号码",
    ),
    ("email", r"\b(e ?mail|mail)\b|邮箱|电子邮件"),
    ("plate", r"\b(plate|plate no|licen[cs]e plate|hphm)\b|车牌|号牌"),
    ("birth_date", r"\b(birth|birthday|birth date|dob|date of birth)\b|出生|(?:^|[^发产])生日"),
    ("account", r"\b(account|account no|wechat|openid|user id|login)\b|微信|账号|帐号"),
    (
        "person_name",
        r"\b((first|last|sur|fore|full|person|contact|caller|applicant|owner|customer|patient|staff|handler|operator)"
        r"( ?name)?|legal person|person in charge|creator|reviewer|xm)\b"
        r"|姓名|联系人|来电人|诉求人|投诉人|举报人|当事人|申请人|负责人|经办人|操作人|法定代表|法人代表|业主|户主|患者|创建人|审核人",
    ),
    ("address", r"\b(addr(ess)?\d?|incident address|home address|residence|human address)\b|地址|住址|户籍地|位置描述"),
    (
        "free_text",
        r"\b(remarks?|notes?|comments?|narrative|free text|appeal text|resolution description|text|content|details?)\b"
        r"|内容|备注|描述|说明|意见|详情|事由|诉求内容|正文",
    ),
)
_NOT_BY_NUMBER = ("person_name", "free_text")
"""Kinds that a column is by its name, however few its values are."""
_OF_DIGITS = ("phone", "id_card", "bank_card", "account")
"""Kinds whose values may all be numbers."""
_NOT_A_PERSONS = re.compile(
    r"\b(agency|department|unit|institution|company|station|street|road|district|community|city|borough|county|region|"
    r"type|category|status|event|project|brand|school|hospital|facility|park|vehicle|point|property|src|level|code|"
    r"cross|landmark|bridge|highway|segment|direction|flag|is|has|n|count|number of)\b"
    r"|单位|部门|机构|企业|站点|街道|类型|类别|状态|等级|是否"
)


def find_personal(duck: duckdb.DuckDBPyConnection, table: str, column: ColumnProfile) -> Personal | None:
    """What a column seems to tell about people; None where it tells nothing.

    Args:
        duck: connection with the column's values.
        table: their table, of (v, n).
        column: the column's profile.
    """
    named = _by_name(column)
    if not column.present:
        return _made(named, "by its name; the sample has no value", is_sure=False) if named else None
    shares = _shares(duck, table)
    return _by_form(column, named, shares) or _by_words(column, named, shares)


def _by_form(column: ColumnProfile, named: str | None, shares: dict[str, float]) -> Personal | None:
    """What the form of the values says."""
    for kind in ("id_card", "email", "plate", "phone", "bank_card"):
        if shares[kind] >= _MOST and not (kind in ("phone", "bank_card") and _is_numbering(column, named, kind)):
            return _made(kind, f"{shares[kind]:.0%} of the values have the form{_also(named, kind)}", is_sure=True)
    within = max(shares["phone_within"], shares["id_card_within"], shares["email"])
    if within > 0 and column.mean_length >= _FREE_TEXT_LENGTH / 2 and column.type == "VARCHAR":
        return _made("free_text", f"telephone, identity numbers or mail in {within:.2%} of the texts", is_sure=True)
    return None


def _by_words(column: ColumnProfile, named: str | None, shares: dict[str, float]) -> Personal | None:
    """What names and looser forms say; a list of a few words that come again and again names no person.

    Not so where the name speaks of people or remarks: ten clerks, or one remark a hundred times, are short lists too.
    """
    found, evidence, is_sure = named, "by its name", False
    is_text, is_list, office = column.type == "VARCHAR", looks_like_a_list(column), _is_an_office(column)
    differ = column.present < 20 * column.distinct
    house = max(shares["address_zh"], shares["address_en"])
    if named == "birth_date":
        pass
    elif shares["point"] > _MOST:
        found = None  # where something is, as two numbers in one text
    elif (is_list and (office or named not in _NOT_BY_NUMBER)) or not (is_text or named in _OF_DIGITS):
        found = None
    elif shares["name_zh"] >= _MOST and (named == "person_name" or (differ and not office)):
        found, is_sure = "person_name", named == "person_name"
        evidence = f"{shares['name_zh']:.0%} of the values have the form{_also(named, found)}"
    elif house >= _STREETS and (named == "address" or not office):
        found, is_sure = "address", True
        evidence = f"{house:.0%} of the values have a street and a number{_also(named, found)}"
    elif named and office and named in ("person_name", "account"):
        found = None
    elif not named and differ and column.mean_length >= _FREE_TEXT_LENGTH and shares["spaced"] > _SOME:
        found, evidence = "free_text", f"{column.mean_length:.0f} characters in the mean, hardly two texts alike"
    return _made(found, evidence, is_sure=is_sure) if found else None


def looks_like_a_list(column: ColumnProfile) -> bool:
    """Whether the values are few and come again and again: a code list, whatever the column is called."""
    return 0 < column.distinct <= 40 and column.present >= 20 * column.distinct


def _by_name(column: ColumnProfile) -> str | None:
    words = column.name.replace("_", " ")
    source = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.named.source_name)
    source = re.sub(r"[^0-9a-zA-Z\u3400-\u9fff]+", " ", source).lower()
    for kind, pattern in _BY_NAME:
        if any(re.search(pattern, text) for text in (words, source, column.named.title_zh)):
            return kind
    return None


def _is_an_office(column: ColumnProfile) -> bool:
    words = column.name.replace("_", " ")
    return bool(_NOT_A_PERSONS.search(words) or _NOT_A_PERSONS.search(column.named.source_name))


def _is_numbering(column: ColumnProfile, named: str | None, kind: str) -> bool:
    """Numbers that only happen to have the form: those that stand close together, one for each record."""
    if named == kind or column.low is None or column.high is None or column.type != "BIGINT":
        return False
    return int(column.high) - int(column.low) < 50 * column.distinct


def _made(kind: str, evidence: str, *, is_sure: bool) -> Personal:
    classification, treatment, purpose = _TREATED[kind]
    return Personal(kind, classification, treatment, purpose, evidence, is_sure)


def _also(named: str | None, kind: str) -> str:
    return ", and the name says so" if named == kind else ""


def _shares(duck: duckdb.DuckDBPyConnection, table: str) -> dict[str, float]:
    """Share of the values that have each form."""
    phone = (
        r"(?:\+?86[- ]?)?1[3-9]\d{9}|0\d{2,3}[- ]?[2-9]\d{6,7}|\(?[2-9]\d{2}\)?[-. ]\d{3}[-. ]\d{4}"
        r"|\+\d{1,3}[- ]\d{4,14}"
    )
    plate = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][ ·]?[A-Z0-9]{5,6}[挂学警港澳]?"
    id_card = r"[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
    streets = "STREET|ST|AVENUE|AVE|ROAD|RD|BOULEVARD|BLVD|DRIVE|DR|LANE|LN|PLACE|PL|COURT|CT|PARKWAY|PKWY|WAY|TERRACE"
    german = "straße|strasse|weg|platz|allee|gasse|ring"
    zh_streets, zh_houses = "路|街|巷|弄|道|村|小区|花园|公寓|苑|里", "号|栋|幢|室|单元|弄|楼|座|层"
    tests = {
        "phone": f"regexp_full_match(t, '{phone}')",
        "email": r"regexp_full_match(t, '[\w.+-]+@[\w-]+(\.[\w-]+)+')",
        "plate": f"regexp_full_match(t, '{plate}')",
        "id_card": f"CASE WHEN regexp_full_match(t, '{id_card}') THEN {_id_card_checks('t')} ELSE false END",
        "bank_card": rf"CASE WHEN regexp_full_match(t, '[3-6]\d{{15,18}}') THEN {_luhn_checks('t')} ELSE false END",
        "name_zh": f"regexp_full_match(t, '[{_SURNAMES}][\\x{{4e00}}-\\x{{9fff}}·]{{1,3}}')",
        "address_zh": rf"regexp_matches(t, '({zh_streets}).*\d+.*({zh_houses})')",
        "address_en": rf"regexp_matches(upper(t), '^\d+[A-Z]?(-\d+)? .*\b({streets})\b') "
        rf"OR regexp_matches(t, '(?i)({german}) \d+\s?[a-z]?$')",
        "phone_within": r"regexp_matches(t, '(^|\D)1[3-9]\d{9}(\D|$)') AND NOT regexp_full_match(t, '\d+')",
        "id_card_within": r"regexp_matches(t, '(^|\D)[1-9]\d{5}(19|20)\d{9}[\dXx](\D|$)') "
        r"AND NOT regexp_full_match(t, '\d+[Xx]?')",
        "point": r"regexp_full_match(t, '[(\[]?\s*-?\d{1,3}\.\d+\s*[,; ]\s*-?\d{1,3}\.\d+\s*[)\]]?')",
        "spaced": r"regexp_matches(t, '[ ,，。；、]')",
    }
    measures = ", ".join(f"coalesce(sum(n) FILTER (WHERE {test}), 0) / sum(n)" for test in tests.values())
    row: Any = duck.execute(f"SELECT {measures} FROM (SELECT trim(v) AS t, n FROM {table})").fetchone()
    return {kind: float(share or 0) for kind, share in zip(tests, row, strict=True)}


def _id_card_checks(text: str) -> str:
    """GB 11643: the last place is a check digit over the first seventeen."""
    weights = "[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]"
    total = f"list_sum(list_transform(range(1, 18), lambda i: CAST({text}[i] AS INTEGER) * {weights}[i]))"
    return f"'10X98765432'[CAST({total} % 11 AS INTEGER) + 1] = upper({text}[18])"


def _luhn_checks(text: str) -> str:
    digit = f"CAST({text}[length({text}) + 1 - i] AS INTEGER)"
    doubled = f"CASE WHEN i % 2 = 1 THEN {digit} WHEN {digit} > 4 THEN {digit} * 2 - 9 ELSE {digit} * 2 END"
    return f"list_sum(list_transform(range(1, length({text}) + 1), lambda i: {doubled})) % 10 = 0"
