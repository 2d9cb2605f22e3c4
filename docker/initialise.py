"""Makes a new installation ready, and an updated one ready again: databases, administrator, pools, the lake's home.

Run by the service airflow-init before the others start; a second run changes nothing that is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Everything in order; gives the exit status of the first step that failed."""
    for command in (
        ["airflow", "db", "migrate"],
        ["airflow", "pools", "import", str(ROOT / "dags" / "pools.json")],
        [sys.executable, "-m", "lake.cli", "setup"],
    ):
        print("+", " ".join(command), flush=True)
        status = subprocess.run(command, check=False).returncode
        if status:
            return status
    make_administrator()
    return 0


def make_administrator() -> None:
    """The first user, who makes the others in the web interface. In this process, so no password is in a command."""
    from airflow.providers.fab.auth_manager.cli_commands.user_command import users_create

    password = Path(os.environ["ADMIN_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()
    name = os.environ.get("ADMIN_USER", "admin")
    print(f"+ make the user {name}, if there is none of that name", flush=True)
    users_create(
        Namespace(
            username=name,
            firstname="Airflow",
            lastname="Administrator",
            email=os.environ.get("ADMIN_EMAIL", "admin@localhost"),
            role="Admin",
            password=password,
            use_random_password=False,
            verbose=False,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
