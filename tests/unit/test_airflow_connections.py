"""A connection made in Airflow's UI is the URI that the lake's own connectors understand."""

from __future__ import annotations

import json

import airflow_environment  # noqa: F401 - before Airflow
import pytest
from airflow.sdk import Connection
from citybrain_airflow.connections import uri_of

from lake.connectors.transports import Place, transport_to

SECRET = "p@ss/w:r?d#% 密"
SPELLED = "p%40ss%2Fw%3Ar%3Fd%23%25%20%E5%AF%86"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPmH+/2Xa4uZ0m8tEw5d0q1Jb7b6v1yQF0xkq9r8hZ3N"
FINGERPRINT = "SHA256:ab/cd+efABCDEFGHIJKLMNOPQRSTUVWXYZ012345678"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb+/=\n-----END OPENSSH PRIVATE KEY-----\n"


def made(kind: str, extra: dict[str, object] | None = None, **fields: object) -> Connection:
    return Connection(conn_id="drop", conn_type=kind, extra=json.dumps(extra or {}), **fields)


FILES = [
    (made("fs", {"path": "/data/a b"}), "file:///data/a%20b"),
    (
        made(
            "sftp",
            {"path": "/out/道路", "host_key": FINGERPRINT, "no_host_key_check": "true", "private_key": PEM},
            host="h", port=2222, login="u@x", password=SECRET,
        ),
        f"sftp://u%40x:{SPELLED}@h:2222/out/%E9%81%93%E8%B7%AF"
        "?host_key=SHA256%3Aab%2Fcd%2BefABCDEFGHIJKLMNOPQRSTUVWXYZ012345678"
        "&private_key=-----BEGIN%20OPENSSH%20PRIVATE%20KEY-----%0Ab3Blb%2B%2F%3D%0A-----END%20OPENSSH%20PRIVATE%20KEY-----%0A",
    ),
    (
        made("ssh", {"path": "~/out", "key_file": "/k", "private_key_passphrase": "x y"}, host="::1", login="u"),
        "sftp://u@[::1]/~/out?key_file=%2Fk&passphrase=x%20y",
    ),
    (made("ftp", {"path": "out", "encoding": "gb18030"}, host="h", login="u", password="p"),
     "ftp://u:p@h/out?encoding=gb18030"),
    (made("ftp", {"path": "/out", "tls": True, "implicit": True, "ca_file": "/c"}, host="h", port=2121, login="u",
          password="p"), "ftps://u:p@h:2121/out?implicit=true&ca_file=%2Fc"),
    (
        made(
            "aws",
            {"endpoint_url": "http://s3:9000", "region_name": "cn-1", "bucket": "drops", "path": "dot/in"},
            login="K", password=SECRET,
        ),
        f"s3://K:{SPELLED}@s3:9000/drops/dot/in?scheme=http&region=cn-1",
    ),
    (made("aws", {"aws_access_key_id": "K", "aws_secret_access_key": "S", "verify": "/ca",
                  "service_config": {"s3": {"bucket_name": "b"}}}), "s3://K:S@/b?ca_file=%2Fca"),
    (made("http", {"path": "/out/x y"}, host="h", port=8080, schema="https", login="u", password=SECRET),
     f"https://u:{SPELLED}@h:8080/out/x%20y"),
    (made("http", host="https://h:8443/out", password="t/k"), "https://:t%2Fk@h:8443/out"),
]  # fmt: skip
FILES += [
    (made("generic", {"type": "sftp", "path": "/out"}, host="h", login="u", password="p"), "sftp://u:p@h/out"),
    (made("generic", {"type": "ftps"}, host="h", login="u", password="p"), "ftps://u:p@h"),
]
OTHERS = [
    (made("generic", {"type": "dm"}, host="h", port=5236, login="u", password="p"), "dm://u:p@h:5236/"),
    (made("postgres", {"sslmode": "verify-full", "cursor": "dictcursor"}, host="h", port=5432, login="u",
          password=SECRET, schema="db"), f"postgresql://u:{SPELLED}@h:5432/db?sslmode=verify-full"),
    (made("mysql", {"charset": "utf8mb4", "ssl_ca": "/ca"}, host="h", login="u", password="p", schema="d"),
     "mysql://u:p@h/d?ssl_ca=%2Fca"),
    (made("mssql", host="h", port=1433, login="u", password="p", schema="d"), "mssql://u:p@h:1433/d"),
    (made("oracle", {"service_name": "ORCL", "thick_mode": "true"}, host="h", port=1521, login="u", password="p"),
     "oracle://u:p@h:1521/ORCL"),
    (made("dm", host="h", port=5236, login="SYSDBA", password="p", schema="D"), "dm://SYSDBA:p@h:5236/D"),
    (made("http", host="api.example", password="tok"), "http://:tok@api.example"),
    (made("http", host="https://hooks.example/x?key=1"), "https://hooks.example/x?key=1"),
]  # fmt: skip


@pytest.mark.parametrize(("connection", "uri"), FILES + OTHERS, ids=lambda value: getattr(value, "conn_type", ""))
def test_a_connection_is_the_lakes_uri(connection: Connection, uri: str) -> None:
    assert uri_of(connection) == uri


@pytest.mark.parametrize(("connection", "uri"), FILES, ids=lambda value: getattr(value, "conn_type", ""))
def test_a_place_of_files_is_understood_by_its_transport(connection: Connection, uri: str) -> None:
    place = Place.of(uri_of(connection), "drop")
    transport_to(place, 1)
    if connection.password == SECRET:
        assert place.password == SECRET
        assert SECRET not in repr(place)
    if connection.conn_type == "sftp":
        assert (place.option("private_key"), place.option("host_key")) == (PEM, FINGERPRINT)
