"""The ways a message takes: mail by SMTP, a webhook by HTTP. Both are connections; without one nobody is told by it.

``citybrain_smtp``
    ``smtp://user:password@host:587/?from=lake@city.example&to=duty@city.example,deputy@city.example``; TLS by STARTTLS
    and a certificate that is checked. ``smtps://`` begins with TLS. ``ca=/path`` names the authority; ``tls=off`` is
    for a relay on this host.
``citybrain_webhook``
    ``https://:token@host/path`` gets a POST of JSON with the token as bearer. With ``#wecom``, ``#dingtalk`` or
    ``#feishu`` at its end the body is what the group robots of these want.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from lake.connectors.http_client import hush
from lake.errors import CitybrainError, ContractError
from lake.settings import Settings

MAIL, WEBHOOK = "citybrain_smtp", "citybrain_webhook"
TIMEOUT_S = 20.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Message:
    """What is told.

    Attributes:
        subject: one line.
        text: lines.
        to: addresses; empty = those of the connection.
        about: the same for programs: level, problems, recovered.
    """

    subject: str
    text: str
    to: tuple[str, ...]
    about: dict[str, Any]


class Way(Protocol):
    """One way."""

    name: str

    def send(self, message: Message) -> None:
        """Send; any error means that it did not go out."""


def ways(settings: Settings) -> list[Way]:
    """The ways that are configured.

    Raises:
        ContractError: a connection is there and makes no sense.
    """
    found: list[Way] = []
    for name, make in ((MAIL, Mail), (WEBHOOK, Webhook)):
        if uri := settings.find_connection(name):
            found.append(make(uri))
    return found


class Mail:
    """SMTP with STARTTLS or TLS, with or without a user."""

    name = "mail"

    def __init__(self, uri: str) -> None:
        parts, asked = urlsplit(uri), parse_qs(urlsplit(uri).query)
        self._host, self._is_tls = parts.hostname or "", parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._ca = asked.get("ca", [None])[0]
        self._is_plain = asked.get("tls", [""])[0] == "off"
        self._to = tuple(address for each in asked.get("to", []) for address in each.split(",") if address)
        self._from = asked.get("from", [self._to[0] if self._to else ""])[0]
        if not self._host or parts.scheme not in ("smtp", "smtps") or not self._from:
            raise ContractError(
                f"connection {MAIL} is no mail server with a sender",
                remedy="write smtp://user:password@host:587/?from=…&to=…",
            )
        if self._is_plain and self._user and self._host not in _LOOPBACK:
            raise ContractError(
                f"connection {MAIL} would send its password over the network in the clear",
                remedy="leave `tls=off` out",
            )

    def send(self, message: Message) -> None:
        """Send one mail to all of the message's recipients."""
        recipients = message.to or self._to
        if not recipients:
            raise CitybrainError(
                "nobody to send the mail to", remedy=f"add `to=` to connection {MAIL}, or `to:` to a level of care.yaml"
            )
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject, self._from, ", ".join(recipients)
        mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain="citybrain")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        with self._connected() as server:
            if not (self._is_tls or self._is_plain):
                server.starttls(context=ssl.create_default_context(cafile=self._ca))
            if self._user:
                server.login(self._user, self._password)
            server.send_message(mail, to_addrs=recipients)

    def _connected(self) -> smtplib.SMTP:
        if self._is_tls:
            context = ssl.create_default_context(cafile=self._ca)
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)


class Webhook:
    """A POST of JSON."""

    name = "webhook"

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ContractError(f"connection {WEBHOOK} is no web address", remedy="write https://:token@host/path")
        self._token, self._robot = unquote(parts.password or ""), parts.fragment
        place = parts.hostname + (f":{parts.port}" if parts.port else "")
        self._url = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))

    def send(self, message: Message) -> None:
        """Post; an answer that is no success is an error."""
        import httpx

        hush()  # of a robot the address is the password
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = httpx.post(self._url, json=self._body(message), headers=headers, timeout=TIMEOUT_S)
        if not answer.is_success:
            # Not `raise_for_status`, whose text quotes the address, and a robot's address is its password.
            raise CitybrainError(f"the webhook answers {answer.status_code}", remedy=f"check connection {WEBHOOK}")

    def _body(self, message: Message) -> dict[str, Any]:
        text = f"{message.subject}\n\n{message.text}"
        if self._robot in ("wecom", "dingtalk"):
            return {"msgtype": "text", "text": {"content": text}}
        if self._robot == "feishu":
            return {"msg_type": "text", "content": {"text": text}}
        return {"subject": message.subject, "text": message.text, "to": list(message.to), **message.about}


def names(found: Sequence[Way]) -> str:
    """For a sentence."""
    return ", ".join(way.name for way in found) or "nobody: no connection is configured"
