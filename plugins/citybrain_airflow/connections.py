"""Airflow's connections as the lake spells them: what a person fills in in the UI, as one URI.

Types are those that Airflow's providers give; the providers themselves are not needed: where the UI does not offer a
type, take ``generic`` and write the type into the extra ``type``. What a type has no field for goes into its extras. Secrets are percent-encoded and go nowhere else.

| type | fields | extras |
|---|---|---|
| ``fs``, ``file`` | – | ``path`` |
| ``sftp``, ``ssh`` | host, port, login, password | ``path``, ``host_key``, ``known_hosts``, ``key_file`` or ``private_key``, ``private_key_passphrase``, ``encoding`` |
| ``ftp``, ``ftps`` | host, port, login, password | ``path``, ``tls`` (true), ``implicit``, ``ca_file``, ``encoding`` |
| ``aws``, ``s3`` | login = key, password = secret | ``bucket``, ``path``, ``endpoint_url``, ``region_name``, ``verify`` |
| ``http``, ``https`` | host, port, login, password (alone: a token), schema = scheme | ``path``, ``ca_file``, ``client_cert``, ``client_key``, ``proxy`` |
| ``postgres``, ``mysql``, ``mssql``, ``oracle``, ``dm`` | host, port, login, password, schema = database | what the URI takes |
| ``smtp`` | host, port, login, password | see Airflow's own |
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

_DATABASES = {
    "postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "mssql": "mssql",
    "oracle": "oracle", "dm": "dm", "dameng": "dm",
}  # fmt: skip
_DATABASE_OPTIONS = {
    "postgresql": ("sslmode", "sslrootcert", "sslcert", "sslkey", "options", "application_name", "connect_timeout"),
    "mysql": ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key"),
}
"""Extras that are passed on; what else Airflow's hooks take means nothing to ours."""


def uri_of(connection: Any) -> str:
    """The connection's URI; Airflow's own `get_uri` quotes the slashes of a path and knows no folder.

    Args:
        connection: one of Airflow, of a type of the table above; another type's becomes the scheme.
    """
    return _SPELLED.get(_kind(connection), _database_uri)(connection, connection.extra_dejson)


def _kind(connection: Any) -> str:
    """The type; what the UI offers depends on the providers installed, so ``generic`` may say it in an extra."""
    kind: str = connection.conn_type
    return str(connection.extra_dejson.get("type") or kind) if kind == "generic" else kind


def _folder_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    return f"file://{quote(extra.get('path') or connection.host or '/' + (connection.schema or ''))}"


def _ftp_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    has_tls = _kind(connection) == "ftps" or _is_yes(extra.get("tls"))
    asked = {"implicit": "true" if _is_yes(extra.get("implicit")) else "", **_some(extra, "ca_file", "encoding")}
    return f"{'ftps' if has_tls else 'ftp'}://{_server(connection)}{_folder(connection, extra)}{_query(asked)}"


def _database_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    scheme = _DATABASES.get(_kind(connection), _kind(connection))
    database = connection.schema or extra.get("service_name") or ""
    asked = _some(extra, *_DATABASE_OPTIONS.get(scheme, ()))
    return f"{scheme}://{_server(connection)}/{quote(database, safe='')}{_query(asked)}"


def _sftp_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    """Airflow may be told to look at no host key; the lake looks all the same."""
    asked = _some(extra, "host_key", "known_hosts", "key_file", "private_key", "encoding")
    asked["passphrase"] = str(extra.get("private_key_passphrase") or extra.get("passphrase") or "")
    return f"sftp://{_server(connection)}{_folder(connection, extra)}{_query(asked)}"


def _s3_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    service = extra.get("service_config", {}).get("s3", {})
    endpoint = service.get("endpoint_url") or extra.get("endpoint_url") or connection.host or ""
    parts = urlsplit(endpoint if "://" in endpoint or not endpoint else f"https://{endpoint}")
    key = connection.login or extra.get("aws_access_key_id") or ""
    secret = connection.password or extra.get("aws_secret_access_key") or ""
    bucket = extra.get("bucket") or service.get("bucket_name") or connection.schema or ""
    folder = "/".join(part.strip("/") for part in (bucket, str(extra.get("path") or "")) if part)
    verify = extra.get("verify")
    asked = {
        "scheme": parts.scheme if parts.netloc and parts.scheme != "https" else "",
        "region": str(extra.get("region_name") or ""),
        "ca_file": verify if isinstance(verify, str) and verify.startswith("/") else "",
    }
    credentials = f"{quote(key, safe='')}:{quote(secret, safe='')}@" if key else ""
    return f"s3://{credentials}{parts.netloc}/{quote(folder)}{_query(asked)}"


def _http_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    """Host and scheme each, or the whole address as host, as a webhook is written."""
    credentials = _credentials(connection)
    asked = _query(_some(extra, "ca_file", "client_cert", "client_key", "proxy"))
    if "://" in (connection.host or ""):
        scheme, _, rest = connection.host.partition("://")
        return f"{scheme}://{credentials}{rest}{_folder(connection, extra)}{asked}"
    scheme = connection.schema if connection.schema in ("http", "https") else _kind(connection)
    return f"{scheme}://{_server(connection)}{_folder(connection, extra)}{asked}"


def _mail_uri(connection: Any, extra: Mapping[str, Any]) -> str:
    """Airflow's mail connection, whose extras say what it does not do, as `lake.watch.ways` reads it."""
    recipients = extra.get("to_emails") or []
    asked = {
        "from": extra.get("from_email") or "",
        "to": recipients if isinstance(recipients, str) else ",".join(recipients),
        "tls": "off" if _is_yes(extra.get("disable_ssl")) and _is_yes(extra.get("disable_tls")) else "",
        "ca": extra.get("ca") or "",
    }
    scheme = "smtp" if _is_yes(extra.get("disable_ssl")) else "smtps"
    user = (
        f"{quote(connection.login, safe='')}:{quote(connection.password or '', safe='')}@" if connection.login else ""
    )
    port = f":{connection.port}" if connection.port else ""
    query = urlencode({name: value.replace(" ", "") for name, value in asked.items() if value}, safe="@,/")
    return f"{scheme}://{user}{connection.host}{port}/?{query}"


def _server(connection: Any) -> str:
    """User, password, host and port; an IPv6 address in its brackets."""
    host = connection.host or ""
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{_credentials(connection)}{host}{f':{connection.port}' if connection.port else ''}"


def _credentials(connection: Any) -> str:
    """User and password with their ``@``; a user without a password has no ``:``, for SSH keys."""
    user, password = (quote(part or "", safe="") for part in (connection.login, connection.password))
    if password:
        return f"{user}:{password}@"
    return f"{user}@" if user else ""


def _folder(connection: Any, extra: Mapping[str, Any]) -> str:
    """The folder, from the server's root; ``~`` begins at the user's home."""
    path = str(extra.get("path") or "")
    return f"/{quote(path.lstrip('/'), safe='/~')}" if path else ""


def _some(extra: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: str(extra.get(name) or "") for name in names}


def _query(asked: Mapping[str, str]) -> str:
    told = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items() if value)
    return f"?{told}" if told else ""


def _is_yes(value: Any) -> bool:
    return str(value).lower() in ("true", "1")


_SPELLED: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "smtp": _mail_uri,
    **dict.fromkeys(("fs", "file"), _folder_uri),
    **dict.fromkeys(("sftp", "ssh"), _sftp_uri),
    **dict.fromkeys(("ftp", "ftps"), _ftp_uri),
    **dict.fromkeys(("aws", "s3"), _s3_uri),
    **dict.fromkeys(("http", "https"), _http_uri),
}
