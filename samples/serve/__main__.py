"""Command line of the stand-in: ``python -m samples.serve``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

from samples.serve import StandIn

EPILOG = """
examples:
  python -m samples.serve --home var/departments --through 2023-04-02
  python -m samples.serve advance --home var/departments --through 2023-04-03

serve keeps running until SIGINT or SIGTERM. When everything answers it writes HOME/connections.json (readable by its
owner only) with one URI per connection, and takes it away when it stops.
exit codes: 0 well, 1 the clock cannot be moved or nothing serves that home, 2 wrong arguments
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m samples.serve",
        description="Deliver the originals in samples/queens the way departments do, up to a day.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "advance"),
        default="serve",
        help="serve (default), or advance the clock of one that serves",
    )
    parser.add_argument("--home", type=Path, required=True, help="folder for the servers' data")
    parser.add_argument(
        "--through", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD", help="the last day that is over"
    )
    given = parser.parse_args(arguments)
    return serve(given.home, given.through) if given.command == "serve" else advance(given.home, given.through)


def serve(home: Path, through: date) -> int:
    """Serve until a signal comes."""
    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    try:
        stand_in = StandIn(home, through)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    with stand_in:
        database, api = stand_in.database.port, stand_in.collisions.port
        print(f"nyc311_db     PostgreSQL on 127.0.0.1:{database}, table public.service_request")
        print(f"dot_drop      {stand_in.scout.drop.path}")
        print(f"nypd_api      http://127.0.0.1:{api}/collisions")
        print(f"weather_drop  {stand_in.weather.drop.path}")
        print(f"dcp_drop      {stand_in.boundaries.drop.path}")
        print(f"through {through}; connections in {stand_in.home / 'connections.json'}", flush=True)
        finished.wait()
    return 0


def advance(home: Path, through: date) -> int:
    """Move the clock of the stand-in that serves `home`."""
    try:
        state = json.loads((home / "state.json").read_text())
        request = urllib.request.Request(
            f"http://127.0.0.1:{state['api_port']}/stand-in/clock?through={through}",
            method="POST",
            headers={"Authorization": f"Bearer {state['control_token']}"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            print(f"through {json.load(answer)['through']}")
    except urllib.error.HTTPError as error:
        print(json.load(error)["error"], file=sys.stderr)
        return 1
    except (OSError, KeyError):
        print(f"nothing serves {home}; start `python -m samples.serve --home {home} …` first", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
