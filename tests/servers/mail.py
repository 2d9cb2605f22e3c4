"""A real SMTP server that keeps what it is given: in the clear, or with STARTTLS and a user."""

from __future__ import annotations

import email.policy
import socket
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass(frozen=True)
class Mail:
    """One mail: whom it was really for, and what it says."""

    to: list[str]
    message: EmailMessage
    user: str

    @property
    def text(self) -> str:
        return self.message.get_content().replace("\r\n", "\n")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])


class MailServer:
    """Listens on a free port of 127.0.0.1.

    Args:
        tls: a context with a certificate; then STARTTLS and a login are asked for.
        user, password: the only login it takes.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, user: str = "", password: str = "") -> None:
        self.mails: list[Mail] = []
        self.refuses = False
        self._login = (user.encode(), password.encode())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, tls_context=tls, require_starttls=tls is not None,
            auth_required=bool(user), authenticator=self._authenticate if user else None,
        )  # fmt: skip

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 come back later"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(Mail(list(envelope.rcpt_tos), message, (session.auth_data or b"").decode()))
        return "250 taken"

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == self._login
        return AuthResult(success=is_right, auth_data=data.login if is_right else None)
