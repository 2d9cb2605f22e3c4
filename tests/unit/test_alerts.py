"""Who is told what, how often and by which way: against a real SMTP server and a real web server."""

from __future__ import annotations

import dataclasses
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.errors import CitybrainError, ContractError
from lake.ledger import Ledger
from lake.settings import Settings
from lake.watch import alerts
from lake.watch.alerts import Problem, Silence, keep_silent, silences, tell
from lake.watch.rules import check_rules, load_rules
from lake.watch.ways import Mail, Message, ways
from tests.servers.certificate import certificate_in
from tests.servers.mail import MailServer
from tests.servers.receiver import Receiver

NOON = datetime(2023, 4, 4, 16, 0, tzinfo=UTC)  # 12:00 in New York
DOT, NYPD = "queens.dot.street_defect", "queens.nypd.collision"
DUTY, CONTACT, HEAD = ["duty@city.example"], ["data@dot.example"], ["head.of.data@queens.example"]
RULES = """
levels:
  - {name: data_engineer, after_hours: 0, in_quiet_hours: true}
  - {name: department, after_hours: 4, to: [department]}
  - {name: head, after_hours: 24, to: [head.of.data@queens.example]}
departments: {dot: [data@dot.example]}
quiet_hours: {first: '22:00', last: '07:00'}
remind_after_hours: 24
"""


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def home(settings: Settings, tmp_path: Path, mail: MailServer) -> Settings:
    """Queens with rules of the test's own, and a mail server."""
    root = tmp_path / "root"
    shutil.copytree(settings.root / "contracts" / "queens", root / "contracts" / "queens")
    (root / "contracts" / "queens" / "care.yaml").write_text(RULES)
    return connected(dataclasses.replace(settings, root=root), CITYBRAIN_SMTP=plain(mail))


def plain(mail: MailServer) -> str:
    return f"smtp://127.0.0.1:{mail.port}/?from=lake@city.example&to=duty@city.example&tls=off"


def connected(settings: Settings, **uris: str) -> Settings:
    named = {f"CITYBRAIN_CONN_{name}": uri for name, uri in uris.items()}
    return dataclasses.replace(settings, environment={**settings.environment, **named})


def late(dataset: str = DOT, hours: float = 0.0, now: datetime = NOON, kind: str = "late") -> Problem:
    since = now - timedelta(hours=hours)
    return Problem(
        f"late|{dataset}|2023-04-03", kind, dataset, since, "data of 2023-04-03 is not in", "2023-04-03 的数据未到",
        "ask the department", f"citybrain load {dataset} --from 2023-04-03", dataset, dataset.split(".")[1],
    )  # fmt: skip


def watch(home: Settings, problems: list[Problem], now: datetime = NOON) -> alerts.Told:
    return tell(home, problems, now, is_whole=True)


def test_a_problem_is_told_once_with_cause_remedy_and_command(home: Settings, mail: MailServer) -> None:
    watch(home, [late()])
    (told,) = mail.mails
    assert told.to == DUTY
    assert told.subject == f"[citybrain] queens: 1 late {DOT} · 迟报 1 项"
    for line in ("2023-04-03 的数据未到。", "Data of 2023-04-03 is not in.", "Remedy: ask the department.",
                 f"Run: citybrain load {DOT} --from 2023-04-03", "2023-04-04 12:00 America/New_York"):  # fmt: skip
        assert line in told.text
    # A restart knows it, for it stands in the ledger; so does one that lost the ledger.
    watch(home, [late(hours=0.5)], NOON + timedelta(minutes=30))
    Ledger(home).rebuild()
    watch(home, [late(hours=1)], NOON + timedelta(hours=1))
    assert len(mail.mails) == 1


def test_forty_problems_are_one_mail(home: Settings, mail: MailServer) -> None:
    many = [dataclasses.replace(late(), key=f"late|{n}", what=f"queens.dot.n{n}") for n in range(40)]
    watch(home, many)
    (told,) = mail.mails
    assert told.subject == "[citybrain] queens: 40 late · 迟报 40 项"
    assert all(f"queens.dot.n{n}" in told.text for n in range(40))


def test_who_is_told_rises_with_the_hours(home: Settings, mail: MailServer) -> None:
    heard = {0.0: DUTY, 3.9: None, 4.0: CONTACT, 23.9: None}
    for hours, who in heard.items():
        mail.mails.clear()
        now = NOON - timedelta(hours=5) + timedelta(hours=hours)
        # Due at 7:00: by 22:00 the head would not be told yet, by 7:00 the next day they are.
        told = watch(home, [late(hours=hours, now=now)], now)
        assert [each.to for each in mail.mails] == ([who] if who else []), (hours, told)
    mail.mails.clear()
    now = NOON - timedelta(hours=5) + timedelta(hours=24)
    watch(home, [late(hours=24, now=now, kind="overdue")], now)
    # The head for the first time, the engineer as a reminder, the department only four hours later.
    assert [each.to for each in mail.mails] == [DUTY, HEAD]
    watch(home, [late(hours=28, now=now)], now + timedelta(hours=4))
    assert [each.to for each in mail.mails] == [DUTY, HEAD, CONTACT]


def test_a_department_without_contacts_and_a_days_size_stay_with_the_engineer(home: Settings, mail: MailServer) -> None:
    low = dataclasses.replace(late(hours=30), key="volume|x", kind="low")
    watch(home, [late(NYPD, hours=5), low])
    assert [each.to for each in mail.mails] == [DUTY]
    watch(home, [], NOON + timedelta(hours=1))
    assert [each.subject for each in mail.mails][1:] == ["[citybrain] queens: 1 recovered · 已恢复 1 项"]
    assert "collision" in mail.mails[1].text


def test_at_night_only_the_engineer_is_told_and_the_others_at_its_end(home: Settings, mail: MailServer) -> None:
    night, morning = (datetime(2023, 4, day, hour, tzinfo=UTC) for day, hour in ((4, 3), (4, 11)))
    watch(home, [late(hours=5, now=night)], night)  # 23:00
    assert [each.to for each in mail.mails] == [DUTY]
    watch(home, [late(hours=13, now=morning)], morning)  # 07:00
    assert [each.to for each in mail.mails] == [DUTY, CONTACT]


def test_all_who_were_told_hear_that_it_is_over(home: Settings, mail: MailServer) -> None:
    watch(home, [late(hours=5), late(NYPD, hours=5)])
    mail.mails.clear()
    watch(home, [late(NYPD, hours=6)], NOON + timedelta(hours=1))
    assert sorted(each.to for each in mail.mails) == [CONTACT, DUTY]
    assert {each.subject for each in mail.mails} == {"[citybrain] queens: 1 recovered · 已恢复 1 项"}
    assert all(DOT in each.text and NYPD not in each.text for each in mail.mails)
    watch(home, [late(NYPD, hours=7)], NOON + timedelta(hours=2))
    assert len(mail.mails) == 2
    # Late again is a new problem.
    watch(home, [late(NYPD, hours=8), late()], NOON + timedelta(hours=3))
    assert mail.mails[-1].subject == f"[citybrain] queens: 1 late {DOT} · 迟报 1 项"


def test_what_was_late_and_is_held_now_is_not_called_recovered(home: Settings, mail: MailServer) -> None:
    watch(home, [late()])
    held = dataclasses.replace(late(), key=f"held|{DOT}|2023-04-03", kind="held")
    watch(home, [held], NOON + timedelta(hours=1))
    assert [each.subject.split(": ")[1] for each in mail.mails] == [
        f"1 late {DOT} · 迟报 1 项",
        f"1 held {DOT} · 扣留待决 1 项",
    ]


def test_a_silence_holds_until_its_end(home: Settings, mail: MailServer) -> None:
    until = NOON + timedelta(hours=2)
    keep_silent(home, Silence(DOT, until, "the server is replaced", "wang"), NOON)
    assert watch(home, [late()]).silenced == (DOT,)
    assert mail.mails == []
    assert [(each.dataset, each.because) for each in silences(home, NOON)] == [(DOT, "the server is replaced")]
    watch(home, [late()], until)
    assert len(mail.mails) == 1
    (event,) = Ledger(home).events(kind="silenced")
    assert (event.dataset, event.payload["by"]) == (DOT, "wang")
    with pytest.raises(CitybrainError, match="without a reason"):
        keep_silent(home, Silence(DOT, until, " ", "wang"), NOON)
    with pytest.raises(CitybrainError, match="no dataset"):
        keep_silent(home, Silence("queens.dot.nothing", until, "x", "wang"), NOON)


def test_what_could_not_be_sent_is_sent_next_time(home: Settings, mail: MailServer) -> None:
    mail.refuses = True
    assert watch(home, [late()]).failed == ("mail: SMTPDataError",)
    mail.refuses = False
    watch(home, [late()], NOON + timedelta(minutes=30))
    assert len(mail.mails) == 1


def test_one_way_that_fails_hinders_no_other(home: Settings, mail: MailServer) -> None:
    with Receiver(status=500) as hook:
        both = connected(
            home, CITYBRAIN_SMTP=plain(mail), CITYBRAIN_WEBHOOK=f"{hook.url.replace('//', '//:s3cret@')}/in"
        )
        told = watch(both, [late()])
        assert len(mail.mails) == 1
        assert told.failed == ("webhook: the webhook answers 500. Remedy: check connection citybrain_webhook.",)
        hook.status = 200
        watch(both, [late()], NOON + timedelta(minutes=30))
    assert len(mail.mails) == 1
    (path, headers, body) = hook.posts[-1]
    assert (path, headers["Authorization"]) == ("/in", "Bearer s3cret")
    assert body["subject"].startswith("[citybrain] queens: 1 late")
    assert [(p["kind"], p["dataset"], p["remedy"]) for p in body["problems"]] == [("late", DOT, "ask the department")]


@pytest.mark.parametrize(
    ("robot", "shape"),
    [("wecom", ("text", "content")), ("dingtalk", ("text", "content")), ("feishu", ("content", "text"))],
)
def test_group_robots_get_their_own_shape(home: Settings, robot: str, shape: tuple[str, str]) -> None:
    with Receiver(status=200) as hook:
        (way,) = ways(
            connected(dataclasses.replace(home, environment={}), CITYBRAIN_WEBHOOK=f"{hook.url}/s?key=k#{robot}")
        )
        way.send(Message("主题", "正文", (), {}))
    ((path, _, body),) = hook.posts
    assert (path, body[shape[0]][shape[1]]) == ("/s?key=k", "主题\n\n正文")


def test_mail_over_tls_with_a_login(tmp_path: Path) -> None:
    made = certificate_in(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    message = Message("s", "t", ("a@city.example",), {})
    with MailServer(tls=context, user="lake", password="p/w%") as server:
        uri = f"smtp://lake:p%2Fw%25@127.0.0.1:{server.port}/?from=lake@city.example"
        Mail(f"{uri}&ca={made.authority}").send(message)
        assert (server.mails[0].to, server.mails[0].user) == (["a@city.example"], "lake")
        with pytest.raises(ssl.SSLCertVerificationError):  # an authority nobody named is not trusted
            Mail(uri).send(message)
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("smtp://lake:secret@mail.example/?from=a@b.c&tls=off", "in the clear"),
        ("smtp://mail.example/", "no mail server with a sender"),
        ("imap://mail.example/?from=a@b.c", "no mail server"),
    ],
)
def test_a_connection_that_makes_no_sense_is_told(uri: str, told: str) -> None:
    with pytest.raises(ContractError, match=told) as caught:
        Mail(uri)
    assert "secret" not in str(caught.value)


def test_half_a_line_of_a_killed_process_harms_nothing(home: Settings, mail: MailServer) -> None:
    watch(home, [late()])
    (path,) = (home.home / "watch").glob("alerts-*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"kind": "told", "subj')
    watch(home, [late(), late(NYPD)], NOON + timedelta(minutes=1))
    assert [each.subject for each in mail.mails][1:] == [f"[citybrain] queens: 1 late {NYPD} · 迟报 1 项"]
    kept = Ledger(home).events()
    Ledger(home).rebuild()
    assert Ledger(home).events() == kept


def test_without_a_connection_nobody_is_told(home: Settings) -> None:
    assert watch(dataclasses.replace(home, environment={}), [late()]).messages == ()


def test_rules_are_checked_with_line(home: Settings) -> None:
    path = home.root / "contracts" / "queens" / "care.yaml"
    path.write_text(RULES.replace("after_hours: 4,", "after_hours: 0,"))
    assert ["later than the one before" in mistake.message for mistake in check_rules(home)] == [True]
    path.write_text(RULES.replace("remind_after", "remmind_after"))
    assert [(mistake.line, mistake.message) for mistake in check_rules(home)] == [
        (8, "unknown key 'remmind_after_hours'")
    ]
    with pytest.raises(ContractError, match=r"care.yaml:8"):
        load_rules(home)
    path.unlink()
    assert [level.name for level in load_rules(home).levels] == ["data_engineer"]
