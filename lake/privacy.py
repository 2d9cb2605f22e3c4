"""Keyed hashes: one secret per purpose, computed inside DuckDB, the secret never in SQL text.

DuckDB has SHA-256 but no HMAC, so the two padded key blocks of RFC 2104 are computed here and handed over as BLOB
variables of the connection. Whoever can run SQL on that connection can read its variables and sees them in its plans:
such a connection is for admission only, and neither EXPLAIN nor a profile of it may be printed.

What a hash does not do: hide which rows share a value. It protects against whoever has the lake but not the key.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lake.errors import CitybrainError
from lake.settings import Settings

if TYPE_CHECKING:
    import duckdb

DIGEST = "digest"
"""Purpose of the key that goes before the text of a content digest, so that short rows cannot be guessed from it."""

KEY_BYTES = 32
MARKS = "key_marks"

_BLOCK_BYTES = 64  # of SHA-256
_PURPOSE = re.compile(r"[a-z][a-z0-9_]*")


def ensure_keys(settings: Settings, purposes: Iterable[str]) -> None:
    """Create the key of every purpose that has none: random bytes in ``<home>/keys/<purpose>.key``, mode 0600.

    A key that exists is never touched: with another key no new hash would meet an old one.

    Raises:
        CitybrainError: a key that exists is damaged, open to others or not the one of before; or one that the lake
            was written with is gone, and a new one would hide that.
    """
    settings.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    for purpose in purposes:
        path = _key_file(settings, purpose)
        if not path.exists() and not _mark_file(settings, purpose).exists():
            _create(path)
        _read_key(settings, purpose)


def key_mark(key: bytes) -> str:
    """Fingerprint of a key, 16 hex digits: tells two keys apart, and nothing else about them."""
    return hmac.digest(key, b"citybrain key mark", "sha256").hex()[:16]


def key_marks(settings: Settings) -> dict[str, str]:
    """Purpose → fingerprint of the key that the lake was first written with, from ``<home>/key_marks/<purpose>``."""
    return {path.name: path.read_text().strip() for path in sorted((settings.home / MARKS).glob("[a-z]*"))}


def set_keys(connection: duckdb.DuckDBPyConnection, settings: Settings, purposes: Iterable[str]) -> None:
    """Hand the keys of these purposes to a connection, for `hmac_sql` and `digest_sql`.

    Raises:
        CitybrainError: a key is missing, damaged or open to others.
    """
    for purpose in purposes:
        key = _read_key(settings, purpose)
        if purpose == DIGEST:
            blocks = {_digest_variable(): key}
        else:
            padded = key.ljust(_BLOCK_BYTES, b"\0")
            inner, outer = _variables(purpose)
            blocks = {inner: bytes(byte ^ 0x36 for byte in padded), outer: bytes(byte ^ 0x5C for byte in padded)}
        for variable, block in blocks.items():
            connection.execute(f"SET VARIABLE {variable} = ?::BLOB", [block])


def hmac_sql(column_sql: str, purpose: str) -> str:
    """SQL for HMAC-SHA256 of a value's text in UTF-8, as 64 lower hex digits; NULL stays NULL.

    Args:
        column_sql: an expression, identifiers already quoted.
        purpose: one that `set_keys` was given; without it the query fails instead of hashing with nothing.
    """
    if purpose == DIGEST:
        raise ValueError("the digest key is for content digests, not for columns")
    inner, outer = _variables(purpose)
    text = f"encode(CAST({column_sql} AS VARCHAR))"
    return f"sha256({_block(outer, purpose)} || unhex(sha256({_block(inner, purpose)} || {text})))"


def digest_sql(text_sql: str) -> str:
    """SQL for the content digest of a canonical text: MD5 over the secret prefix and the text, 32 lower hex digits."""
    return f"md5({_block(_digest_variable(), DIGEST)} || encode({text_sql}))"


def _block(variable: str, purpose: str) -> str:
    missing = f"error('the key of purpose {purpose} was not handed to this connection')"
    return f"coalesce(getvariable('{variable}'), CAST({missing} AS BLOB))"


def _variables(purpose: str) -> tuple[str, str]:
    _check(purpose)
    return f"key_inner_{purpose}", f"key_outer_{purpose}"


def _digest_variable() -> str:
    return "key_prefix_digest"


def _check(purpose: str) -> None:
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError(f"purpose {purpose!r} is not snake_case")


def _key_file(settings: Settings, purpose: str) -> Path:
    _check(purpose)
    return settings.keys / f"{purpose}.key"


def _create(path: Path) -> None:
    """Write beside, then link: a key is there whole or not at all, and of two makers at once the first one's stays."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(half)
        except FileExistsError:
            return
    finally:
        half.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_key(settings: Settings, purpose: str) -> bytes:
    path = _key_file(settings, purpose)
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        raise CitybrainError(
            f"no key for purpose {purpose!r} in {settings.keys}",
            remedy="bring it back from where keys are kept; the lake was written with it"
            if _mark_file(settings, purpose).exists()
            else "run `citybrain setup`, or restore the key from its backup if data was loaded with it",
        ) from None
    if len(key) != KEY_BYTES:
        raise CitybrainError(
            f"the key for purpose {purpose!r} has {len(key)} bytes, not {KEY_BYTES}",
            remedy="restore it from its backup; a new one would not meet the hashes of before",
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise CitybrainError(
            f"others can read the key for purpose {purpose!r}", remedy=f"run `chmod 600 {path}` and ask who read it"
        )
    _recognise(settings, purpose, key)
    return key


def _recognise(settings: Settings, purpose: str, key: bytes) -> None:
    """Hold a key against the fingerprint of its first use; at its first use, write that down."""
    path, mark = _mark_file(settings, purpose), key_mark(key)
    try:
        known = path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{purpose}.{secrets.token_hex(8)}")
        half.write_text(mark)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(half)
        half.unlink()
        known = path.read_text().strip()
    if known != mark:
        raise CitybrainError(
            f"the key for purpose {purpose!r} has fingerprint {mark}; the lake was written with {known}",
            remedy="bring the right key back; only when it is lost for good remove "
            f"{MARKS}/{purpose}, and know that no new hash will meet an old one",
        )


def _mark_file(settings: Settings, purpose: str) -> Path:
    _check(purpose)
    return settings.home / MARKS / purpose
