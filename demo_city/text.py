"""Texts by numpy, of none as well as of many: its own functions stumble over an empty array."""

from __future__ import annotations

from typing import Any

import numpy as np


def zfill(values: Any, width: int) -> Any:
    """Texts filled with zeros from the left."""
    return np.char.zfill(values, width) if np.size(values) else np.asarray(values, dtype=f"U{width}")


def replace(values: Any, old: str, new: str) -> Any:
    """Texts with a part replaced."""
    return np.char.replace(values, old, new) if np.size(values) else np.asarray(values, dtype=str)
