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
        day: business day the file belongs to (first day of the month for monthly files); None when it holds many days.
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


class Connector(Protocol):
    """One technology. The class is named ``Source`` in its file, which the contract names."""

    Arguments: ClassVar[type[Arguments]]

    def __init__(self, contract: Contract, settings: Settings) -> None: ...

    @classmethod
    def check(cls, contract: Contract) -> list[str]:
        """Settings of the contract that make no sense for this technology, in words. Touches no source."""
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
