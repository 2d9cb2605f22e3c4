"""Records of an API as JSON text on the disk, made once and handed out as they lie there.

A folder for each dataset: ``records`` (the texts, one after the other, a comma behind each), and ``index.npz`` with
where each begins, which day it belongs to, and for APIs by update which key it has. The index is written last and names
how much of ``records`` counts: who is killed in between goes on where he was.
"""

from __future__ import annotations

import mmap
import os
import threading
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from demo_city.departments.protocol import Api, Dataset
from demo_city.systems import writers
from lake.engine import quote_identifier

_BEGIN = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True)
class Index:
    """What is known of the records, in the order they were written.

    Attributes:
        starts: byte at which each begins, and at last where the next would.
        days: the day of each.
        keys: a hash of each one's key; empty for APIs by day.
        live: whether it is the newest of its key.
        through: last day that is in.
    """

    starts: npt.NDArray[np.int64]
    days: npt.NDArray[Any]
    keys: npt.NDArray[np.uint64]
    live: npt.NDArray[np.bool_]
    through: date | None

    @classmethod
    def empty(cls) -> Index:
        """Nothing yet."""
        return cls(np.zeros(1, np.int64), np.zeros(0, "M8[D]"), np.zeros(0, np.uint64), np.zeros(0, bool), None)


class Records:
    """The records of one dataset.

    Args:
        folder: of this dataset.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self._asked: dict[tuple[date | None, date | None], npt.NDArray[np.int64]] = {}
        self._index = self._read()

    @property
    def through(self) -> date | None:
        """Last day that is in; None: nothing yet."""
        return self._index.through

    def put(self, dataset: Dataset, rows: pa.Table, through: date) -> None:
        """Add what was written up to the end of a day."""
        system = dataset.system
        if not isinstance(system, Api):
            raise TypeError(f"{dataset.dataset} is no API")
        index, records = self._index, self.folder / "records"
        self.folder.mkdir(parents=True, exist_ok=True)
        texts = writers.json_records(rows)
        ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
        lengths = np.diff(ends) + 1
        keys = _hashed(rows, system.key) if system.by == "update" else np.zeros(0, np.uint64)
        gone = (
            rows["_is_deleted"].to_numpy(zero_copy_only=False).astype(bool)
            if "_is_deleted" in rows.column_names
            else np.zeros(rows.num_rows, bool)
        )
        made = Index(
            np.concatenate([index.starts, index.starts[-1] + np.cumsum(lengths)]),
            np.concatenate([index.days, rows["_day"].to_numpy(zero_copy_only=False).astype("M8[D]")]),
            np.concatenate([index.keys, keys]),
            np.concatenate([index.live, ~gone]),
            through,
        )
        if system.by == "update":
            made = Index(made.starts, made.days, made.keys, made.live & _newest(made.keys), through)
        with records.open("r+b" if records.exists() else "w+b") as file:
            file.truncate(int(index.starts[-1]))
            file.seek(0, os.SEEK_END)
            # One pass: each text with a comma behind it, so that a page is a slice.
            with_comma = pa.compute.binary_join_element_wise(
                texts, pa.scalar(",", texts.type), pa.scalar("", texts.type)
            )
            whole = with_comma if isinstance(with_comma, pa.Array) else with_comma.combine_chunks()
            if whole.buffers()[2] is not None:
                file.write(memoryview(whole.buffers()[2])[: int(lengths.sum())])
        part = self.folder / "index.part.npz"
        days = (made.days - _BEGIN).astype(np.int64)
        np.savez(part, starts=made.starts, days=days, keys=made.keys, live=made.live, through=np.array(str(through)))
        part.replace(self.folder / "index.npz")
        with self._lock:
            self._index, self._map = made, None
            self._asked.clear()

    def refresh(self) -> None:
        """See what another process has put."""
        with self._lock:
            self._index, self._map = self._read(), None
            self._asked.clear()

    def select(self, first: date | None, last: date | None) -> npt.NDArray[np.int64]:
        """Positions of the newest records of these days, in the order they were written; None: all."""
        with self._lock:
            asked = (first, last)
            if asked not in self._asked:
                if len(self._asked) > 64:
                    self._asked.clear()
                which = self._index.live.copy()
                if first is not None:
                    which &= self._index.days >= np.datetime64(first, "D")
                if last is not None:
                    which &= self._index.days <= np.datetime64(last, "D")
                self._asked[asked] = np.flatnonzero(which)
            return self._asked[asked]

    def text(self, positions: npt.NDArray[np.int64]) -> bytes:
        """The records at these positions, commas between them."""
        if not len(positions):
            return b""
        with self._lock:
            if self._map is None:
                with (self.folder / "records").open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            held, starts = self._map, self._index.starts
        # Neighbours in the file are one piece: a day's records are all neighbours.
        breaks = np.flatnonzero(np.diff(positions) != 1)
        firsts = positions[np.concatenate([[0], breaks + 1])]
        lasts = positions[np.concatenate([breaks, [len(positions) - 1]])]
        pieces = [held[a:b] for a, b in zip(starts[firsts].tolist(), starts[lasts + 1].tolist(), strict=True)]
        return b"".join(pieces)[:-1]

    def _read(self) -> Index:
        path = self.folder / "index.npz"
        if not path.exists():
            return Index.empty()
        with np.load(path) as held:
            return Index(
                held["starts"],
                _BEGIN + held["days"],
                held["keys"],
                held["live"],
                date.fromisoformat(str(held["through"])),
            )


def _newest(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which are the last of their key."""
    _, last = np.unique(keys[::-1], return_index=True)
    made = np.zeros(len(keys), bool)
    made[len(keys) - 1 - last] = True
    return made


def _hashed(rows: pa.Table, key: tuple[str, ...]) -> npt.NDArray[np.uint64]:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as duck:
        duck.register("version", rows.select(list(key)))
        listed = ", ".join(f"{quote_identifier(name)}::VARCHAR" for name in key)
        found = duck.execute(f"SELECT md5_number_lower(concat_ws(chr(1), {listed})) AS k FROM version")
        return np.asarray(found.to_arrow_table().column(0).to_numpy(), dtype=np.uint64)
