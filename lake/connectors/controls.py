"""What a department lays beside its files: a mark that they are done, their digests, their numbers of records."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import PurePosixPath
from string import Formatter

_ALGORITHMS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,128}(?![0-9A-Za-z])")
_NUMBER = re.compile(r"(?<![0-9A-Za-z_.,-])\d+(?![0-9A-Za-z_.,-])")


class Companion:
    """Path of what lies beside a file: ``{name}.md5``, ``{stem}.ok``, ``done/{day:%Y%m%d}.flag``.

    With ``{name}`` (the file's name) or ``{stem}`` (the name without its last ending) it is told from the file's
    own folder, otherwise from the connection's folder.

    Raises:
        ValueError: in words for the contract's author.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        try:
            fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(pattern) if name is not None]
        except ValueError as error:
            raise ValueError(f"not a pattern: {error}") from None
        names = {name for name, _, _ in fields}
        for name, spec, how in fields:
            is_day = name == "day" and spec and "%" in spec and "{" not in spec
            if how or not (is_day or (name in ("name", "stem") and not spec)):
                raise ValueError("may hold nothing but {name}, {stem} and {day:<strftime format>}")
        if not names:
            raise ValueError("names neither a file nor a day; write {name}, {stem} or {day:%Y%m%d}")
        if pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
            raise ValueError("leaves its folder")
        self.is_of_file = bool(names & {"name", "stem"})

    def path(self, file: str, day: date) -> str:
        """Where it lies for a file, below the connection's folder."""
        folder, _, name = file.rpartition("/")
        path = self.pattern.format(day=day, name=name, stem=name.rpartition(".")[0] or name)
        return f"{folder}/{path}" if self.is_of_file and folder else path


def digest_in(content: bytes, name: str) -> tuple[str, str]:
    """Algorithm and digest (hex, small letters) that a control file states for a file.

    Understood are a bare digest, the lines of md5sum and its kin, and BSD's ``MD5 (name) = …``. Where there are several
    digests, the line that ends with or brackets the file's name counts.

    Raises:
        ValueError: none, or not clear which.
    """
    told: list[tuple[str, bool]] = []
    for line in _text_of(content).splitlines():
        digests = [found for found in _DIGEST.findall(line) if len(found) in _ALGORITHMS]
        rest = _DIGEST.sub("", line).strip().removeprefix("*")
        bracketed = re.search(r"\((.*)\)", line)
        named = {re.split(r"[/\\]", rest)[-1], re.split(r"[/\\]", bracketed[1])[-1] if bracketed else ""}
        told += [(digest.lower(), name in named) for digest in digests]
    ours = {digest for digest, is_ours in told if is_ours} or {digest for digest, _ in told}
    if len(ours) != 1:
        raise ValueError("states no digest" if not ours else "states several digests and names the file beside none")
    digest = ours.pop()
    return _ALGORITHMS[len(digest)], digest


def hasher(algorithm: str) -> hashlib._Hash:
    """A digest of a department's choice: it guards against accidents of the transfer, so MD5 will do."""
    return hashlib.new(algorithm, usedforsecurity=False)


def number_in(content: bytes, at: str | None) -> int:
    """Number of records that a control file states.

    Args:
        content: the file.
        at: a regular expression whose first group is the number; None where there is one number in the file.

    Raises:
        ValueError: none, or not clear which.
    """
    text = _text_of(content)
    if at is not None:
        found = re.search(at, text)
        if found is None or not found[1].strip().isascii() or not found[1].strip().isdecimal():
            raise ValueError("has no number where record_count_at looks for it")
        return int(found[1])
    numbers = set(_NUMBER.findall(text))
    if len(numbers) != 1:
        raise ValueError("holds no number" if not numbers else "holds several numbers: say which by record_count_at")
    return int(numbers.pop())


def _text_of(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # what PowerShell's > writes
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")
