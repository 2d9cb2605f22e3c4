"""What every connector promises, and what it hands over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Protocol

import pydantic

from lake.contracts.model import Contract, Window
from lake.settings import Settings


class Arguments(pydantic.BaseModel):
    """Base of a connector's arguments: what is not known is refused."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True)
class FetchedFile:
    """One file as it lies in the delivery.

    Attributes:
        name: file name inside the delivery's ``files/``.
        day: business day the file belongs to (the first of its week, month or quarter); None when it holds many days.
        sha256: hex digest of the bytes.
        bytes: size.
        records: the second count: physical records, counted without the reader that admission uses.
        problem: why the file cannot be read to its end, or None. Its bytes are kept; admission holds the delivery.
    """

    name: str
    day: date | None
    sha256: str
    bytes: int
    records: int
    problem: str | None = None


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought.

    Attributes:
        files: in the order the source gave them.
        control_total: how many records the source says there are; None when it says nothing.
        content_digest: hex digest of the content; the same content gives the same digest.
        digest_algorithm: name of how it was made.
        missing_days: business days of the window the source does not have yet.
    """

    files: tuple[FetchedFile, ...]
    control_total: int | None
    content_digest: str
    digest_algorithm: str
    missing_days: tuple[date, ...] = ()


@dataclass(frozen=True)
class SourceColumn:
    """One column as the source names and types it.

    Attributes:
        name: as the department writes it.
        type: the source's own word for the type; empty where it has none (text files, JSON).
        is_nullable: None where the source does not say.
        key_position: 1, 2 … in the primary key; None outside it, or where the source knows no keys.
        comment: what the source says about the column.
    """

    name: str
    type: str = ""
    is_nullable: bool | None = None
    key_position: int | None = None
    comment: str = ""


@dataclass(frozen=True)
class Description:
    """What a source says about itself.

    Attributes:
        columns: in its order. For files and pages: of the newest file, or of the first page.
        first_day, last_day: span of what is there, where it can be told without reading it all.
        notes: what a person should know before writing a contract, a sentence each.
    """

    columns: tuple[SourceColumn, ...]
    first_day: date | None = None
    last_day: date | None = None
    notes: tuple[str, ...] = ()


class Connector(Protocol):
    """One technology. The class is named ``Source`` in its file, which the contract names."""

    Arguments: ClassVar[type[Arguments]]

    def __init__(self, contract: Contract, settings: Settings) -> None: ...

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """Settings of the contract that make no sense for this technology, in words. Touches no source."""
        ...

    def describe(self, contract: Contract) -> Description:
        """What is there. Works for a contract that has no columns yet; raises as `fetch` does."""
        ...

    def count(self, contract: Contract, window: Window) -> int | None:
        """Records the source has for the window, as it tells without sending them; None when it cannot tell.

        Raises as `fetch` does. Files are counted by reading them, for they say nothing about themselves.
        """
        ...

    def fetch(self, contract: Contract, window: Window, into: Path) -> Fetched:
        """Write what the source has for the window into the empty folder `into`, as delivered.

        Raises:
            SourceUnavailable: no answer; worth another try.
            SourceLate: nothing of the window is there yet.
            SourceRefused: credentials, table or path are not accepted.
            SchemaDrift: the source's columns are not the contract's.
            DeliveryDamaged: what the source says about its delivery does not hold.
        """
        ...
