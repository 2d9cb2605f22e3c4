"""Keyed hashes equal Python's, the keys stay secret, and no hash is made without its key."""

from __future__ import annotations

import hashlib
import hmac
import random
import stat

import duckdb
import pytest

from lake import privacy
from lake.errors import CitybrainError
from lake.privacy import DIGEST, KEY_BYTES, digest_sql, ensure_keys, hmac_sql, set_keys


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        yield made


def values() -> list[str | None]:
    """A thousand texts of every length up to three blocks of SHA-256, with every plane of Unicode."""
    chance = random.Random(20230403)
    letters = "aZ0 '\"\\%\n\t\0é北京市崇川区𠮷🏙"
    texts = ["".join(chance.choices(letters, k=chance.randrange(192))) for _ in range(998)]
    return ["", None, *texts]


def test_hashes_equal_pythons(settings, connection) -> None:
    ensure_keys(settings, ["address"])
    set_keys(connection, settings, ["address"])
    key = (settings.keys / "address.key").read_bytes()
    hashed = connection.execute(f"SELECT {hmac_sql('cell', 'address')} FROM (SELECT unnest(?) AS cell)", [values()])
    expected = [None if text is None else hmac.new(key, text.encode(), "sha256").hexdigest() for text in values()]
    assert [row[0] for row in hashed.fetchall()] == expected


def test_digest_has_a_secret_prefix(settings, connection) -> None:
    ensure_keys(settings, [DIGEST])
    set_keys(connection, settings, [DIGEST])
    key = (settings.keys / "digest.key").read_bytes()
    got = connection.execute(f"SELECT {digest_sql('x')}, {digest_sql('NULL')} FROM (SELECT '区' x)").fetchone()
    assert got == (hashlib.md5(key + "区".encode()).hexdigest(), None)


def test_a_purpose_has_a_key_of_its_own_that_is_made_once(settings, connection) -> None:
    ensure_keys(settings, ["address", "place"])
    first = {path.name: path.read_bytes() for path in settings.keys.iterdir()}
    ensure_keys(settings, ["address", "place", "phone"])
    privacy._create(settings.keys / "address.key")  # as another maker does who saw no key a moment ago
    assert {name: (settings.keys / name).read_bytes() for name in first} == first
    assert sorted(path.name for path in settings.keys.iterdir()) == ["address.key", "phone.key", "place.key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in settings.keys.iterdir()} == {0o600}
    assert {len(key) for key in first.values()} == {KEY_BYTES}
    set_keys(connection, settings, ["address", "place"])
    one, other = connection.execute(
        f"SELECT {hmac_sql(chr(39) * 2, 'address')}, {hmac_sql(chr(39) * 2, 'place')}"
    ).fetchone()
    assert one != other


def test_keys_are_not_in_sql_text(settings) -> None:
    key = b"Never-to-be-seen" * 2
    for purpose in ("address", DIGEST):
        (settings.keys / f"{purpose}.key").write_bytes(key)
        (settings.keys / f"{purpose}.key").chmod(0o600)
    statements: list[str] = []

    class Recorder:
        def execute(self, sql: str, parameters: object = None) -> None:
            statements.append(sql)

    set_keys(Recorder(), settings, ["address", DIGEST])
    text = "".join([*statements, hmac_sql("cell", "address"), digest_sql("cell")]).lower()
    inner, outer = (bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    for secret in (key, inner, outer):
        assert secret[:8].hex() not in text
        assert secret[:8].decode("latin-1").lower() not in text


@pytest.mark.parametrize("sql", [hmac_sql("cell", "address"), digest_sql("cell")])
def test_without_its_key_a_query_fails(connection, sql: str) -> None:
    with pytest.raises(duckdb.Error, match="was not handed to this connection"):
        connection.execute(f"SELECT {sql} FROM (SELECT 'x' AS cell)").fetchall()


def test_a_key_that_is_missing_damaged_or_open_is_refused(settings, connection) -> None:
    path = settings.keys / "address.key"
    with pytest.raises(CitybrainError, match="no key for purpose 'address'"):
        set_keys(connection, settings, ["address"])
    path.write_bytes(b"short")
    with pytest.raises(CitybrainError, match="has 5 bytes"):
        ensure_keys(settings, ["address"])
    path.write_bytes(bytes(KEY_BYTES))
    path.chmod(0o640)
    with pytest.raises(CitybrainError, match="others can read"):
        set_keys(connection, settings, ["address"])


@pytest.mark.parametrize("purpose", ["../place", "a b", "x' OR 1", "", "Address"])
def test_a_purpose_cannot_leave_its_place(settings, purpose: str) -> None:
    for use in (lambda: ensure_keys(settings, [purpose]), lambda: hmac_sql("cell", purpose)):
        with pytest.raises(ValueError, match="snake_case"):
            use()


def test_the_digest_key_hashes_no_column() -> None:
    with pytest.raises(ValueError, match="content digests"):
        hmac_sql("cell", DIGEST)
