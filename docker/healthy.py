"""Health check of a container: ``python healthy.py URL [PART …]`` asks, and looks at the status of the named parts.

Exit status: 0 it answers and every part is healthy, 1 it does not.
"""

from __future__ import annotations

import json
import sys
import urllib.request

PATIENCE_SECONDS = 10


def main(url: str, *parts: str) -> int:
    """Ask once."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 (ours)
            told = json.load(answer) if parts else {}
    except (OSError, ValueError) as error:
        print(f"{url} does not answer: {type(error).__name__}")
        return 1
    ill = [part for part in parts if told.get(part, {}).get("status") != "healthy"]
    if ill:
        print(f"not healthy: {', '.join(ill)}")
    return 1 if ill else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
