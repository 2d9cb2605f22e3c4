"""How an HTTP source knows us: nothing, a token, a password, a key, OAuth 2, a login of its own, or a signature.

The contract says which way and by which names; the secrets themselves stand in the connection's address only, as
``https://KEY:SECRET@host`` (or ``https://:TOKEN@host``). What is made here is never logged and never told in an error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import pydantic

from lake.connectors.paths import parse
from lake.connectors.protocol import Arguments
from lake.errors import ContractError, SourceRefused

HASHES = ("md5", "sha1", "sha256", "sha512", "sm3")
LIFE_LEFT_S = 30.0
"""A token that lives no longer than this is not used any more: it might die on the way."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SIGNED = frozenset(
    {"key", "secret", "timestamp", "nonce", "method", "path", "query", "params", "pairs", "body", "body_md5",
     "body_sha256", "body_sm3"}
)  # fmt: skip


class AsTheAddressSays(Arguments):
    """``scheme: none``, ``bearer`` (the address's password is the token) or ``basic`` (user and password)."""

    scheme: Literal["none", "bearer", "basic"]


class ApiKey(Arguments):
    """A key that goes along with every request; it is the address's password.

    Attributes:
        header, param: where it goes; one of them.
        prefix: text before the key, in the header.
        user_header, user_param: where the address's user goes, when the source wants a name or id beside the key.
    """

    scheme: Literal["api_key"]
    header: str | None = None
    param: str | None = None
    prefix: str = ""
    user_header: str | None = None
    user_param: str | None = None

    @pydantic.model_validator(mode="after")
    def _has_one_place(self) -> ApiKey:
        if (self.header is None) == (self.param is None):
            raise ValueError("an api_key goes into a header or a param: name one of them")
        return self


class OAuth2(Arguments):
    """OAuth 2 client credentials (RFC 6749 §4.4); client id and secret are the address's user and password.

    Attributes:
        token_path: path of the token endpoint at the connection's server; or
        token_url: its whole address, when it is another server.
        scope: scopes, separated by blanks.
        audience: for the servers that ask for it.
        client_auth: how the token endpoint is shown the secret: ``basic`` (URL-encoded in the header, as the RFC has
            it), ``basic_plain`` (not encoded, for servers that do not decode), or ``post`` (in the form).
    """

    scheme: Literal["oauth2"]
    token_path: str | None = pydantic.Field(default=None, pattern="^/")
    token_url: str | None = pydantic.Field(default=None, pattern="^https?://[^/@]+(/|$)")
    scope: str | None = None
    audience: str | None = None
    client_auth: Literal["basic", "basic_plain", "post"] = "basic"

    @pydantic.model_validator(mode="after")
    def _has_one_endpoint(self) -> OAuth2:
        if (self.token_path is None) == (self.token_url is None):
            raise ValueError("the token endpoint is a token_path or a token_url: give one of them")
        return self


class Login(Arguments):
    """A token that the source itself gives for a key and a secret, as many gateways do in place of OAuth.

    Attributes:
        token_path: where it is asked for, by POST.
        params: what is sent; ``{key}`` and ``{secret}`` stand for the address's user and password.
        send: whether it is sent as JSON or as a form.
        token_field: dotted way to the token in the answer.
        life_field: dotted way to its life in seconds; None = `life_s`.
        life_s: its life where the answer does not say.
        header, param, prefix: where the token goes then.
    """

    scheme: Literal["login"]
    token_path: str = pydantic.Field(pattern="^/")
    params: dict[str, str] = pydantic.Field(default_factory=lambda: {"key": "{key}", "secret": "{secret}"})
    send: Literal["json", "form"] = "json"
    token_field: str = "access_token"  # noqa: S105 - a name
    life_field: str | None = None
    life_s: float = pydantic.Field(default=300.0, gt=0)
    header: str | None = "Authorization"
    param: str | None = None
    prefix: str = "Bearer "


class Signature(Arguments):
    """A signature over each request; key and secret are the address's user and password.

    Attributes:
        algorithm: ``hmac-`` and a hash (the secret is the HMAC's key), or a hash alone (the secret is in the template).
        template: the text that is signed. Placeholders: ``{key} {secret} {timestamp} {nonce} {method} {path}``;
            ``{query}`` = the URL's parameters sorted by name, URL-encoded; ``{params}`` = all parameters, of URL, form
            and the top of a JSON body, sorted by name, ``a=1&b=2`` not encoded; ``{pairs}`` = the same as ``a1b2``;
            ``{body}`` and its hashes in hex ``{body_md5} {body_sha256} {body_sm3}``.
        encoding: of the signature.
        timestamp: ``epoch_s``, ``epoch_ms`` or a strftime pattern, in the contract's zone.
        place: whether key, timestamp, nonce and signature go as headers or among the parameters.
        key_name, timestamp_name, nonce_name, sign_name: what they are called there; None = it is not sent.
        signs_empty: whether parameters with an empty value are part of ``{params}`` and ``{pairs}``.
    """

    scheme: Literal["signature"]
    algorithm: Literal[
        "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512", "hmac-sm3", "md5", "sha1", "sha256", "sha512", "sm3"
    ] = "hmac-sha256"
    template: str
    encoding: Literal["hex", "HEX", "base64"] = "hex"
    timestamp: str = "epoch_ms"
    place: Literal["header", "params"] = "header"
    key_name: str | None = "appKey"
    timestamp_name: str | None = "timestamp"
    nonce_name: str | None = "nonce"
    sign_name: str = "sign"
    signs_empty: bool = False

    @pydantic.model_validator(mode="after")
    def _can_be_made(self) -> Signature:
        named = set(_PLACEHOLDER.findall(self.template))
        if unknown := sorted(named - _SIGNED):
            raise ValueError(f"template: no placeholder {', '.join(unknown)}; there are {', '.join(sorted(_SIGNED))}")
        if not self.algorithm.startswith("hmac-") and "secret" not in named:
            raise ValueError("template: a hash without {secret} proves nothing; put {secret} in, or take hmac-…")
        if self.algorithm.removeprefix("hmac-") not in hashlib.algorithms_available:
            raise ValueError(f"algorithm: this machine's OpenSSL has no {self.algorithm.removeprefix('hmac-')}")
        return self


Auth = Annotated[AsTheAddressSays | ApiKey | OAuth2 | Login | Signature, pydantic.Field(discriminator="scheme")]


@dataclass(frozen=True)
class Address:
    """A connection to an HTTP server, taken apart.

    Attributes:
        origin: scheme, host and port.
        base: path that all of the API's paths come after.
        user, password: what the source knows us by.
        ca_file: certificates of the authorities to believe, for servers with a private one.
        client_cert, client_key: our own certificate, for servers that ask for one.
        proxy: address of the proxy to go through.
    """

    origin: str
    base: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether the server speaks TLS."""
        return self.origin.startswith("https:")

    def url(self, path: str) -> str:
        """Whole address of one of the API's paths."""
        return f"{self.origin}{self.base}{path}"


_USER_NAMES = ("client_id", "app_key", "user")
_PASSWORD_NAMES = ("client_secret", "app_secret", "api_key", "token", "password")
_OTHER_NAMES = ("ca_file", "client_cert", "client_key", "proxy")


def address_of(uri: str, connection: str, dataset: str) -> Address:
    """Take a connection's address apart: ``https://user:password@host[:port]/base``, with a token ``https://:token@host``.

    User and password stand before the host, or where they are easier to write, behind it:
    ``?client_id=…&client_secret=…`` (or ``app_key, app_secret, api_key, token, user, password``). There too:
    ``ca_file``, an authority of the department's own; ``client_cert`` and ``client_key``, our certificate; ``proxy``.

    Raises:
        ContractError: it is no HTTP address, or has a parameter that nobody reads.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ContractError(
            f"connection {connection!r} is not an HTTP address",
            remedy="give it as https://:TOKEN@host:port",
            dataset=dataset,
        )
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = (*_USER_NAMES, *_PASSWORD_NAMES, *_OTHER_NAMES)
    if unknown := sorted(set(given) - set(known)):
        raise ContractError(
            f"connection {connection!r} has {len(unknown)} parameters nobody reads",  # a secret with a & would be some
            remedy=f"there are {', '.join(known)}; what the API is asked for belongs into the contract, and & in a "
            "value is written %26",
            dataset=dataset,
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(
        origin=f"{parts.scheme}://{host}{f':{port}' if port else ''}",
        base=parts.path.rstrip("/"),
        user=unquote(parts.username or "") or next((given[n] for n in _USER_NAMES if n in given), ""),
        password=unquote(parts.password or "") or next((given[n] for n in _PASSWORD_NAMES if n in given), ""),
        **{name: given[name] for name in _OTHER_NAMES if given.get(name)},
    )


@dataclass(frozen=True)
class Ask:
    """One request, before it is sent.

    Attributes:
        method: GET or POST.
        url: address, perhaps with parameters of its own (a next link).
        query: parameters added to the URL, or taking the place of those of the same name.
        body: members of a JSON body or fields of a form; None = no body.
        is_form: which of the two.
        headers: beside those of the client.
    """

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    is_form: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def content(self) -> bytes:
        """The body as it is sent."""
        if self.body is None:
            return b""
        if self.is_form:
            return urlencode({name: as_text(value) for name, value in self.body.items()}).encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()

    def parameters(self) -> dict[str, str]:
        """All parameters by name, as text: of the URL, of the form, of the top of the JSON body."""
        found = dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True)) | dict(self.query)
        return found | {name: as_text(value) for name, value in (self.body or {}).items()}

    def with_params(self, params: Mapping[str, str]) -> Ask:
        """The same with more parameters, in the body where it has one."""
        if self.body is None:
            return replace(self, query={**self.query, **params})
        return replace(self, body={**self.body, **params})

    def with_headers(self, headers: Mapping[str, str]) -> Ask:
        """The same with more headers."""
        return replace(self, headers={**self.headers, **headers})


def as_text(value: Any) -> str:
    """A parameter as a URL, a form or a signature has it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


TokenServer = Callable[[Ask], Any]
"""Sends a request for a token and gives the JSON of the answer; raises as the client does."""


class Authenticator(Protocol):
    """Puts into a request what the source knows us by."""

    @property
    def is_encrypted(self) -> bool:
        """Whether any server that is asked speaks TLS."""
        ...

    def authenticated(self, ask: Ask, tokens: TokenServer) -> Ask:
        """The request with it."""
        ...

    def renew(self) -> bool:
        """The source did not accept what it was given: forget it. Whether a new one is worth a try."""
        ...


def authenticator_of(auth: Auth | None, address: Address, zone: str) -> Authenticator:
    """What makes requests known to the source. Without `auth` the address decides: user and password, or a token."""
    if auth is None:
        kind: Literal["none", "bearer", "basic"] = (
            "basic" if address.user and address.password else "bearer" if address.password else "none"
        )
        auth = AsTheAddressSays(scheme=kind)
    if isinstance(auth, OAuth2 | Login):
        return _Tokens(auth, address)
    if isinstance(auth, Signature):
        return _Signed(auth, address, ZoneInfo(zone))
    return _Fixed(auth, address)


@dataclass(frozen=True)
class _Fixed:
    """The same with every request."""

    auth: AsTheAddressSays | ApiKey
    address: Address

    @property
    def is_encrypted(self) -> bool:
        return self.address.is_encrypted

    def authenticated(self, ask: Ask, tokens: TokenServer) -> Ask:
        if self.auth.scheme == "none":
            return ask
        _needs(self.address, user=self.auth.scheme == "basic")
        if isinstance(self.auth, ApiKey):
            return self._with_key(ask, self.auth)
        if self.auth.scheme == "bearer":
            return ask.with_headers({"Authorization": f"Bearer {self.address.password}"})
        return ask.with_headers(_basic(self.address.user, self.address.password, str))

    def _with_key(self, ask: Ask, auth: ApiKey) -> Ask:
        key = f"{auth.prefix}{self.address.password}"
        headers = {auth.header: key} if auth.header else {}
        headers |= {auth.user_header: self.address.user} if auth.user_header else {}
        query = {auth.param: key} if auth.param else {}
        query |= {auth.user_param: self.address.user} if auth.user_param else {}
        return replace(ask.with_headers(headers), query={**ask.query, **query})

    def renew(self) -> bool:
        return False


_kept_tokens: dict[str, tuple[str, float]] = {}
"""Tokens of this process, by a digest of whom they are for: (token, time on the monotonic clock when it ends)."""
_tokens_lock = threading.Lock()


@dataclass(frozen=True)
class _Tokens:
    """A token that another request gives, kept for its life."""

    auth: OAuth2 | Login
    address: Address

    @property
    def is_encrypted(self) -> bool:
        elsewhere = self.auth.token_url if isinstance(self.auth, OAuth2) else None
        return self.address.is_encrypted or (elsewhere or "").startswith("https:")

    def authenticated(self, ask: Ask, tokens: TokenServer) -> Ask:
        _needs(self.address, user=True)
        with _tokens_lock:
            token, ends = _kept_tokens.get(self._name, ("", 0.0))
            if not token or ends < time.monotonic():
                token, life = self._given(tokens)
                _kept_tokens[self._name] = (token, time.monotonic() + life - LIFE_LEFT_S)
        if isinstance(self.auth, OAuth2):
            return ask.with_headers({"Authorization": f"Bearer {token}"})
        placed = f"{self.auth.prefix}{token}"
        if self.auth.param:
            return replace(ask, query={**ask.query, self.auth.param: token})
        return ask.with_headers({self.auth.header or "Authorization": placed})

    def renew(self) -> bool:
        with _tokens_lock:
            return _kept_tokens.pop(self._name, None) is not None

    @property
    def _name(self) -> str:
        of = [self.auth.model_dump_json(), self.address.origin, self.address.base]
        return hashlib.sha256("\0".join([*of, self.address.user, self.address.password]).encode()).hexdigest()

    def _given(self, tokens: TokenServer) -> tuple[str, float]:
        """A new token and its life in seconds."""
        answer = tokens(
            self._client_credentials(self.auth) if isinstance(self.auth, OAuth2) else self._login(self.auth)
        )
        way, life_field, life = "access_token", "expires_in", 300.0
        if isinstance(self.auth, Login):
            way, life_field, life = self.auth.token_field, self.auth.life_field or "", self.auth.life_s
        token = at(answer, way)
        if not isinstance(token, str) or not token:
            raise SourceRefused(
                f"the token endpoint gives no token{told_code(at(answer, 'error') or at(answer, 'code'))}",
                remedy="compare key, secret and the contract's `auth` with what the department gave us",
            )
        stated = at(answer, life_field) if life_field else None
        with suppress(ValueError):
            life = float(stated) if isinstance(stated, int | str) and stated else life
        return token, life

    def _client_credentials(self, auth: OAuth2) -> Ask:
        user, password = self.address.user, self.address.password
        fields = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
        headers = {}
        if auth.client_auth == "post":
            fields |= {"client_id": user, "client_secret": password}
        else:
            headers = _basic(user, password, quote_plus if auth.client_auth == "basic" else str)
        body = {name: value for name, value in fields.items() if value}
        url = auth.token_url or self.address.url(auth.token_path or "")
        return Ask("POST", url, body=body, is_form=True, headers=headers)

    def _login(self, auth: Login) -> Ask:
        values = {"key": self.address.user, "secret": self.address.password}
        params = {name: _filled(text, values) for name, text in auth.params.items()}
        return Ask("POST", self.address.url(auth.token_path), body=params, is_form=auth.send == "form")


@dataclass(frozen=True)
class _Signed:
    """A signature over each request, made anew for every attempt."""

    auth: Signature
    address: Address
    zone: ZoneInfo

    @property
    def is_encrypted(self) -> bool:
        return self.address.is_encrypted

    def authenticated(self, ask: Ask, tokens: TokenServer) -> Ask:
        _needs(self.address, user=self.auth.key_name is not None)
        values = {
            "key": self.address.user,
            "secret": self.address.password,
            "timestamp": self._timestamp(datetime.now(UTC)),
            "nonce": secrets.token_hex(16),
        }
        shown = {
            name: values[what]
            for name, what in (
                (self.auth.key_name, "key"),
                (self.auth.timestamp_name, "timestamp"),
                (self.auth.nonce_name, "nonce"),
            )
            if name
        }
        ask = ask.with_headers(shown) if self.auth.place == "header" else ask.with_params(shown)
        sign = {self.auth.sign_name: self._sign(ask, values)}
        return ask.with_headers(sign) if self.auth.place == "header" else ask.with_params(sign)

    def renew(self) -> bool:
        return False

    def _timestamp(self, now: datetime) -> str:
        if self.auth.timestamp == "epoch_ms":
            return str(int(now.timestamp() * 1000))
        if self.auth.timestamp == "epoch_s":
            return str(int(now.timestamp()))
        return now.astimezone(self.zone).strftime(self.auth.timestamp)

    def _sign(self, ask: Ask, values: Mapping[str, str]) -> str:
        url, body = urlsplit(ask.url), ask.content()
        params = sorted((n, v) for n, v in ask.parameters().items() if v or self.auth.signs_empty)
        in_url = sorted((dict(parse_qsl(url.query, keep_blank_values=True)) | dict(ask.query)).items())
        parts = {
            **values,
            "method": ask.method,
            "path": url.path,
            "query": urlencode(in_url, quote_via=quote),
            "params": "&".join(f"{name}={value}" for name, value in params),
            "pairs": "".join(f"{name}{value}" for name, value in params),
            "body": body.decode(),
        }
        for name in ("md5", "sha256", "sm3"):
            if f"{{body_{name}}}" in self.auth.template:
                parts[f"body_{name}"] = hashlib.new(name, body).hexdigest()
        text = _filled(self.auth.template, parts).encode()
        kind = self.auth.algorithm.removeprefix("hmac-")
        if self.auth.algorithm.startswith("hmac-"):
            digest = hmac.new(values["secret"].encode(), text, kind).digest()
        else:
            digest = hashlib.new(kind, text).digest()
        if self.auth.encoding == "base64":
            return base64.b64encode(digest).decode()
        return digest.hex().upper() if self.auth.encoding == "HEX" else digest.hex()


def _basic(user: str, password: str, spelled: Callable[[str], str]) -> dict[str, str]:
    pair = base64.b64encode(f"{spelled(user)}:{spelled(password)}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def at(page: Any, way: str | None) -> Any:
    """What lies at the end of a way (see `lake.connectors.paths`); None when there is no such thing."""
    if way is None:
        return None
    for part in _parts(way):
        if isinstance(page, dict):
            page = page.get(part)
        elif isinstance(page, list) and part.isdigit() and int(part) < len(page):
            page = page[int(part)]
        else:
            return None
    return page


@lru_cache(maxsize=256)
def _parts(way: str) -> tuple[str, ...]:
    return parse(way) if way else ()


def told_code(value: Any) -> str:
    """`` (code …)`` when a source's answer is short enough to be a code and nothing personal; else nothing."""
    if isinstance(value, bool | int) or (
        isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]{0,39}|\d{1,6}", value)
    ):
        return f" (code {str(value)[:40]})"
    return ""


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders; nothing else in it means anything."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def _needs(address: Address, *, user: bool) -> None:
    lacks = "user" if user and not address.user else "" if address.password else "password"
    if lacks:
        raise SourceRefused(
            f"the connection has no {lacks}, which the contract's `auth` needs",
            remedy="set the connection as https://KEY:SECRET@host or https://:TOKEN@host",
        )
