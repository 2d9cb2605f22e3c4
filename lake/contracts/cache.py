"""Documents read and found right, kept in ``<home>/cache`` under the hash of every byte they came from.

Airflow parses its DAGs every half minute; with this it neither parses YAML again nor imports the standard's models.
A cache that cannot be read or written costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lake.settings import Settings


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Hash of the files and of the code that reads them: other rules find other mistakes in the same bytes."""
    whole = hashlib.sha256(_code().encode())
    for name, data in files.items():
        whole.update(f"\0{name}\0{len(data)}\0".encode())
        whole.update(data)
    return whole.hexdigest()


def recall(settings: Settings, name: str, key: str) -> Any | None:
    """What was kept under this name and fingerprint, or None."""
    try:
        kept = json.loads(_file(settings, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept["document"] if isinstance(kept, dict) and kept.get("key") == key else None


def keep(settings: Settings, name: str, key: str, document: Any) -> None:
    """Keep a document of JSON's types. Reading makes no home: without one, nothing is kept."""
    if not settings.home.is_dir():
        return
    path = _file(settings, name)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        half.write_text(json.dumps({"key": key, "document": document}, ensure_ascii=False), encoding="utf-8")
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)


def _file(settings: Settings, name: str) -> Path:
    return settings.home / "cache" / f"{settings.city}-{name}.json"


@lru_cache(maxsize=1)
def _code() -> str:
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()
