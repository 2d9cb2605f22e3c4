"""Where the accepted tables' files are: a folder of this machine, or a bucket of an S3 store.

A file is written once, under a name that is never used again, and never changed. So a copy of one on this machine is
right for ever, and what is read from a bucket is read from such copies: a year of daily files is 1,100 small objects,
and DuckDB asks the store three times for each, in every process anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lake.errors import StorageUnavailable
from lake.settings import Bucket, Settings

AT_ONCE = 8
"""Objects on their way at a time."""
BLOCK = 1 << 22
IN_USE_S = 6 * 3600.0
"""A copy that was asked for within this time is not removed: a build may be reading it."""

Given = TypeVar("Given")
Got = TypeVar("Got")


@dataclass(frozen=True)
class Stored:
    """A file of the warehouse: its path, and when it was written, in seconds since 1970."""

    path: str
    written_at: float


class Warehouse(Protocol):
    """The files of the accepted tables. Paths are spelled as pins spell them: absolute, or ``s3://bucket/key``."""

    root: str

    def io_properties(self) -> dict[str, str]:
        """What pyiceberg needs to know."""

    def desk(self, path: str) -> Path:
        """Local file in which the content of a new file may be written, before `bring_in`."""

    def bring_in(self, files: Sequence[tuple[Path, str]]) -> None:
        """Move local files to their paths; each is there whole or not at all."""

    def readable(self, paths: Iterable[str]) -> list[str]:
        """The same files, in order, by the paths they are best read at just now."""

    def stream(self, path: str) -> Any:
        """Open a file for reading from end to end, past any copy; FileNotFoundError when there is none."""

    def missing(self, paths: Iterable[str]) -> set[str]:
        """Which of some files are not there."""

    def listed(self, folder: str) -> Iterator[Stored]:
        """Every file below a path, with the time it was written."""

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files for good."""


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the settings name."""
    if settings.bucket is not None:
        return BucketWarehouse(settings, settings.bucket)
    return FolderWarehouse(settings.tables)


class FolderWarehouse:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.root = str(folder)

    def io_properties(self) -> dict[str, str]:
        """Nothing."""
        return {}

    def desk(self, path: str) -> Path:
        """The file itself: until a commit names it nobody reads it."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def bring_in(self, files: Sequence[tuple[Path, str]]) -> None:
        """Rename."""
        for local, path in files:
            target = Path(path)
            if local != target:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(local, target)

    def readable(self, paths: Iterable[str]) -> list[str]:
        """As they are."""
        return list(paths)

    def stream(self, path: str) -> Any:
        """The file itself."""
        return Path(path.removeprefix("file://")).open("rb")

    def missing(self, paths: Iterable[str]) -> set[str]:
        """Which of some files are not there."""
        return {path for path in paths if not Path(path).exists()}

    def listed(self, folder: str) -> Iterator[Stored]:
        """Every file below a folder."""
        for path in Path(folder).rglob("*"):
            if path.is_file():
                yield Stored(str(path), path.stat().st_mtime)

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, and folders of partitions that have become empty."""
        for path in paths:
            Path(path).unlink()
        for folder in {Path(path).parent for path in paths}:
            if folder.name.startswith("ds=") and not any(folder.iterdir()):
                folder.rmdir()


class BucketWarehouse:
    """A bucket, and copies of its files on this machine.

    Args:
        settings: where the warehouse and the copies are, and how much the copies may take.
        bucket: access.
    """

    def __init__(self, settings: Settings, bucket: Bucket) -> None:
        self.root = settings.warehouse
        self._bucket, self._staging = bucket, settings.staging
        self._cache = settings.cache or settings.home / "cache" / "tables"
        self._limit = settings.cache_limit

    def io_properties(self) -> dict[str, str]:
        """Access, for pyiceberg's own reader; it is handed over in memory and written nowhere."""
        _set_up_client()
        found = {
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
            "s3.access-key-id": self._bucket.key,
            "s3.secret-access-key": self._bucket.secret,
            "s3.region": self._bucket.region,
        }
        return found | ({"s3.endpoint": self._bucket.endpoint} if self._bucket.endpoint else {})

    def desk(self, path: str) -> Path:
        """A file of the staging room."""
        folder = self._staging / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid.uuid4()}-{path.rsplit('/', 1)[-1]}"

    def bring_in(self, files: Sequence[tuple[Path, str]]) -> None:
        """Upload, then remove the local files; an object is there whole or not at all."""
        _all(files, lambda pair: self._upload(*pair))
        for local, _ in files:
            local.unlink()

    def readable(self, paths: Iterable[str]) -> list[str]:
        """Paths of copies; what finds no place among them is read in the bucket."""
        wanted = list(paths)
        copies = {path: self._copy_of(path) for path in wanted if path.startswith("s3://")}
        absent = [path for path, copy in copies.items() if not _touched(copy)]
        if absent and self._limit:
            room = self._make_room()
            for some in (absent[at : at + 64] for at in range(0, len(absent), 64)):
                if room <= 0:
                    break
                room -= sum(_all(some, lambda path: self._download(path, copies[path])))
        return [str(copies[path]) if path in copies and copies[path].exists() else path for path in wanted]

    def stream(self, path: str) -> Any:
        """The object; a backup reads each once, and would push out of the copies what builds need."""
        with told_when_away():
            return self._files.open_input_stream(path.removeprefix("s3://"))

    def missing(self, paths: Iterable[str]) -> set[str]:
        """Which of some files are not there; each table is listed once."""
        wanted = set(paths)
        there = {
            stored.path for table in {path.partition("/data/")[0] for path in wanted} for stored in self.listed(table)
        }
        return wanted - there

    def listed(self, folder: str) -> Iterator[Stored]:
        """Every object below a path."""
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(folder.removeprefix("s3://"), allow_not_found=True, recursive=True)
        with told_when_away():
            found = self._files.get_file_info(selector)
        for info in found:
            if info.type == FileType.File:
                yield Stored(f"s3://{info.path}", info.mtime.timestamp() if info.mtime else time.time())

    def remove(self, paths: Sequence[str]) -> None:
        """Remove objects, a thousand to a request, and their copies.

        Not by Arrow, which after each object puts an empty one in place of its folder, lest that be gone too.
        """
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import get_session

        if not paths:
            return
        _set_up_client()
        client = get_session().create_client(
            "s3",
            region_name=self._bucket.region,
            endpoint_url=self._bucket.endpoint or None,
            aws_access_key_id=self._bucket.key,
            aws_secret_access_key=self._bucket.secret,
            config=Config(s3={"addressing_style": "path" if self._bucket.endpoint else "auto"}),
        )
        keys = [path.removeprefix("s3://").partition("/") for path in paths]
        for at in range(0, len(keys), 1000):
            some = keys[at : at + 1000]
            try:
                client.delete_objects(
                    Bucket=some[0][0], Delete={"Objects": [{"Key": key} for _, _, key in some], "Quiet": True}
                )
            except (BotoCoreError, ClientError) as error:
                raise _away(error) from None
        for path in paths:
            self._copy_of(path).unlink(missing_ok=True)

    @cached_property
    def _files(self) -> Any:
        from pyarrow.fs import S3FileSystem

        _set_up_client()
        return S3FileSystem(
            access_key=self._bucket.key,
            secret_key=self._bucket.secret,
            region=self._bucket.region,
            endpoint_override=self._bucket.endpoint or None,
            allow_delayed_open=True,  # one request for what is small
        )

    def _upload(self, local: Path, path: str) -> None:
        with (
            local.open("rb") as source,
            told_when_away(),
            self._files.open_output_stream(path.removeprefix("s3://")) as target,
        ):
            shutil.copyfileobj(source, target, BLOCK)

    def _download(self, path: str, copy: Path) -> int:
        """Make the copy of an object; gives its size, 0 where there is no such object: whoever reads it will say so."""
        beside = copy.with_name(f"{copy.name}.{uuid.uuid4()}.part")
        try:
            with told_when_away(), self._files.open_input_stream(path.removeprefix("s3://")) as source:
                copy.parent.mkdir(parents=True, exist_ok=True)
                with beside.open("wb") as target:
                    shutil.copyfileobj(source, target, BLOCK)
        except FileNotFoundError:
            return 0
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        size = beside.stat().st_size
        beside.replace(copy)
        return size

    def _copy_of(self, path: str) -> Path:
        return self._cache / path.removeprefix(f"{self.root}/")

    def _make_room(self) -> int:
        """Remove the copies that were not asked for the longest, once they are too many; gives the bytes left."""
        copies = []
        for path in self._cache.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # another process makes room too
                if path.is_file():
                    found = path.stat()
                    copies.append((found.st_mtime, found.st_size, path))
        left = self._limit - sum(size for _, size, _ in copies)
        for asked_at, size, path in sorted(copies):
            if left > self._limit // 10 or asked_at > time.time() - IN_USE_S:
                break
            path.unlink(missing_ok=True)
            left += size
        return left


@contextlib.contextmanager
def told_when_away() -> Iterator[None]:
    """Say that the store does not answer, in place of its client's own error.

    Raises:
        StorageUnavailable: in place of an error of the store; what the disk or a missing object says passes.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise _away(error) from None


def _away(error: Exception) -> StorageUnavailable:
    """Of the client's own error only the kind: its text names keys."""
    return StorageUnavailable(
        f"the store of the accepted tables does not answer or refuses us ({type(error).__name__})",
        remedy="see that it runs and that CITYBRAIN_S3_ENDPOINT, _KEY and _SECRET are right, then run it again",
    )


def _touched(copy: Path) -> bool:
    """Whether there is a copy; if so it counts as asked for just now."""
    try:
        os.utime(copy)
    except FileNotFoundError:
        return False
    return True


def _all(items: Sequence[Given], do: Callable[[Given], Got]) -> list[Got]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(do, items))


def _set_up_client() -> None:
    """AWS's client reads these from the environment only. Stores that only speak like AWS know neither."""
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
