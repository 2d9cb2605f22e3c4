"""S3 and what speaks like it, by fsspec's ``s3fs``. An object is whole or not there, so nothing is half-written."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from lake.connectors.transports import BLOCK, Entry, Place, Transport, changed, is_a_name
from lake.errors import CitybrainError, SourceRefused, SourceUnavailable

_Answer = TypeVar("_Answer")

_NOT_THERE = {"404", "NoSuchKey", "NotFound"}
_NO_BUCKET = {"NoSuchBucket", "InvalidBucketName"}
_REFUSED = {
    "401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
    "AuthorizationHeaderMalformed", "AccountProblem", "AllAccessDisabled", "InvalidObjectState",
}  # fmt: skip
_CHANGED = {"412", "PreconditionFailed"}
_IS_MD5 = re.compile(r"[0-9a-f]{32}")


class Way(Transport):
    """``s3://KEY:SECRET@host[:port]/bucket/prefix?scheme=http``; without a host it is AWS.

    Without key and secret a server of one's own is asked as nobody, and AWS as what the machine itself may be.

    Options:
        scheme: ``https`` unless ``http`` is said.
        region: where the bucket is, ``us-east-1`` unless said.
        ca_file: certificates of the authority that signed the server's.
    """

    options = frozenset({"scheme", "region", "ca_file"})
    reads_at_once = 8

    def __init__(self, place: Place, timeout_s: float) -> None:
        super().__init__(place, timeout_s)
        self._bucket, _, prefix = place.path.strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._scheme = place.option("scheme", "https")
        if not self._bucket or self._scheme not in ("http", "https") or bool(place.user) != bool(place.password):
            raise place.wrong(
                "lacks a bucket, has half of its credentials, or another scheme than http and https",
                "give it as s3://KEY:SECRET@host:port/bucket/prefix?scheme=https",
            )

    def open(self) -> None:
        """Make a client; S3 knows no connection, so the first list tells whether it is let in."""
        from s3fs import S3FileSystem

        host = self.place.host
        port = f":{self.place.port}" if self.place.port else ""
        self._fs = S3FileSystem(
            skip_instance_cache=True,
            use_listings_cache=False,
            anon=not self.place.user and host is not None,
            key=self.place.user or None,
            secret=self.place.password or None,
            endpoint_url=f"{self._scheme}://{f'[{host}]' if ':' in host else host}{port}" if host else None,
            client_kwargs={
                "region_name": self.place.option("region", "us-east-1"),
                "verify": self.place.option("ca_file") or True,
            },
            config_kwargs={
                "s3": {"addressing_style": "path" if host else "auto"},
                "connect_timeout": self.timeout_s,
                "read_timeout": self.timeout_s,
                "retries": {"max_attempts": 1},
                "max_pool_connections": 2 * self.reads_at_once,
            },
        )
        self._fs.retries = 2

    def close(self) -> None:
        """Close the client's connections."""
        from fsspec.asyn import sync

        if hasattr(self, "_fs") and self._fs._s3 is not None:
            with contextlib.suppress(Exception):
                sync(self._fs.loop, self._fs._s3.close, timeout=5)

    def entries(self, folder: str, prefix: str = "") -> list[Entry] | None:
        """Objects and sub folders; the server is told the beginning of the names."""
        key = f"{self._prefix}{folder}/" if folder else self._prefix
        with self._told():
            found = self._do(self._names(key, prefix))
        entries = []
        for one in found:
            name = str(one["name"]).removeprefix(f"{self._bucket}/").removeprefix(key)
            if not is_a_name(name):
                continue
            path = f"{folder}/{name}" if folder else name
            if one["type"] == "directory":
                entries.append(Entry(path, "folder"))
            else:
                entries.append(
                    Entry(path, "file", int(one["size"]), str(one.get("ETag", "")).strip('"'), one.get("LastModified"))
                )
        return entries

    def look(self, path: str) -> Entry | None:
        """One object; the folder itself is its bucket."""
        try:
            with self._told():
                if not path:
                    self._do(self._call("head_bucket"))
                    return Entry("", "folder")
                seen = self._do(self._call("head_object", Key=self._prefix + path))
        except FileNotFoundError:
            if path:
                return None
            raise _no_bucket(self.place) from None
        return Entry(path, "file", int(seen["ContentLength"]), seen["ETag"].strip('"'), seen.get("LastModified"))

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of the very object that was listed; where its etag is an MD5, they are held against it."""
        condition = {"IfMatch": f'"{entry.version}"'} if entry.version else {}
        digest = hashlib.md5(usedforsecurity=False)
        with self._told():
            answer = self._do(self._call("get_object", Key=self._prefix + entry.path, **condition))
            etag = answer["ETag"].strip('"')
            if entry.version and etag != entry.version:
                raise changed()
            size = 0
            try:
                while block := self._do(answer["Body"].read(BLOCK)):
                    digest.update(block)
                    size += len(block)
                    yield block
            finally:
                answer["Body"].close()
            encrypted = answer.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in answer
            is_md5 = _IS_MD5.fullmatch(etag) is not None and not encrypted
            if size != answer["ContentLength"] or (is_md5 and digest.hexdigest() != etag):
                raise SourceUnavailable(
                    "what arrived is not what the server says it sent (size or etag)",
                    remedy="try again; if it stays so, have the object put there anew",
                )

    def _do(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        from fsspec.asyn import sync

        async def in_time() -> _Answer:
            async with asyncio.timeout(4 * self.timeout_s):
                return await work

        answer: _Answer = sync(self._fs.loop, in_time)
        return answer

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._fs._call_s3(method, Bucket=self._bucket, **arguments)
        return answer

    async def _names(self, key: str, prefix: str) -> list[dict[str, Any]]:
        await self._fs.set_session()
        return [one async for one in self._fs._iterdir(self._bucket, delimiter="/", prefix=key + prefix)]

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Put whatever S3 says into our words."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except CitybrainError:
            raise
        except NoCredentialsError:
            raise _refused(self.place) from None
        except Exception as error:
            code = _code_of(error)
            if code in _NO_BUCKET:
                raise _no_bucket(self.place) from None
            if code in _NOT_THERE or isinstance(error, FileNotFoundError):
                raise FileNotFoundError from None
            if code in _REFUSED or isinstance(error, PermissionError):
                raise _refused(self.place) from None
            if code in _CHANGED:
                raise changed() from None
            if not isinstance(error, BotoCoreError | ClientError | OSError) and not _is_of_the_wire(error):
                raise
            raise SourceUnavailable(
                f"the server of connection {self.place.connection!r} does not answer as it should"
                f" ({code or type(error).__name__})",
                remedy="try again; if it stays so, ask its operator",
            ) from None


def _code_of(error: BaseException | None) -> str:
    """S3's own word for what is wrong, however deep fsspec put it."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _is_of_the_wire(error: Exception) -> bool:
    import aiohttp
    from botocore.exceptions import HTTPClientError

    return isinstance(error, aiohttp.ClientError | HTTPClientError | TimeoutError)


def _refused(place: Place) -> SourceRefused:
    return SourceRefused(
        f"the server of connection {place.connection!r} does not let us in: key, secret, or the right to read",
        remedy="correct the connection, or ask the server's operator for the right",
    )


def _no_bucket(place: Place) -> SourceRefused:
    return SourceRefused(
        f"the server of connection {place.connection!r} has no such bucket",
        remedy="correct the connection, or have the bucket made",
    )
