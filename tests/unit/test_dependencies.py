"""What we stand on: hashed, licensed for a public body, and without a hole we know of. No network is asked.

``make audit`` asks the advisory services, where there is a network; what it finds is added to
``tests/audit/advisories.json``, so that a lock that goes back behind a cure is refused here.
"""

from __future__ import annotations

import json
import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from lake.settings import PROJECT_ROOT

AUDIT = PROJECT_ROOT / "tests" / "audit"
LOCK = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
OURS = {"citybrain"}


def locked() -> dict[str, tuple[Version, int]]:
    """Version and number of hashes of each package of the lock."""
    found = {}
    for entry in re.split(r"\n(?=\S)", LOCK):
        line = entry.split("\\\n")[0].strip()
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", f"{requirement.name} is not locked to one version"
            found[canonicalize_name(requirement.name)] = (Version(specifier.version), entry.count("--hash=sha256:"))
    return found


def vulnerable(name: str, version: Version) -> list[str]:
    """Ids of the advisories that a version of a package falls under."""
    advisories = json.loads((AUDIT / "advisories.json").read_text(encoding="utf-8"))
    return [
        advisory["id"]
        for advisory in advisories
        if advisory["package"] == name and version in SpecifierSet(advisory["affected"], prereleases=True)
    ]


def licence_of(distribution: metadata.Distribution) -> str:
    """All that a package says of its licence."""
    told = distribution.metadata
    classifiers = [text.rpartition("::")[2] for text in told.get_all("Classifier") or [] if text.startswith("License")]
    return " ".join([told.get("License-Expression") or "", *classifiers]).strip() or (told.get("License") or "")[:200]


def is_allowed(licence: str) -> bool:
    """Whether every part of a licence text is on the list; the parts around an ``or`` need one."""
    allowed = json.loads((AUDIT / "licences.json").read_text(encoding="utf-8"))["allowed"]
    return any(word.lower() in licence.lower() for word in allowed) and not re.search(r"A?GPL|General Public", licence)


def test_every_package_of_the_lock_has_a_hash_and_no_address() -> None:
    packages = locked()
    assert len(packages) > 150
    assert [name for name, (_, hashes) in packages.items() if not hashes] == []
    assert "://" not in LOCK


def test_the_environment_is_the_lock() -> None:
    packages = locked()
    installed = {
        canonicalize_name(distribution.metadata["Name"]): Version(distribution.version)
        for distribution in metadata.distributions()
    }
    strangers = {name for name in installed if name not in packages} - OURS
    assert strangers == set(), "run `make env`, or add them to pyproject.toml and `make lock`"
    others = {
        name: str(version) for name, version in installed.items() if name in packages and version != packages[name][0]
    }
    assert others == {}, "run `make env`"


def test_no_locked_version_has_a_known_hole() -> None:
    found = {name: ids for name, (version, _) in locked().items() if (ids := vulnerable(name, version))}
    assert found == {}


@pytest.mark.parametrize(("version", "ids"), [("3.1.7", 4), ("3.2.1", 1), ("3.3.2", 0)])
def test_an_advisory_finds_the_versions_it_is_about(version: str, ids: int) -> None:
    assert len(vulnerable("apache-airflow", Version(version))) == ids


def test_every_licence_suits_a_public_body() -> None:
    exceptions = json.loads((AUDIT / "licences.json").read_text(encoding="utf-8"))["exceptions"]
    refused = {
        distribution.metadata["Name"]: licence_of(distribution)
        for distribution in metadata.distributions()
        if canonicalize_name(distribution.metadata["Name"]) not in OURS | exceptions.keys()
        and not is_allowed(licence_of(distribution))
    }
    assert refused == {}
    installed = {canonicalize_name(distribution.metadata["Name"]) for distribution in metadata.distributions()}
    assert exceptions.keys() <= installed, "an exception nobody needs any more"


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [("MIT", True), ("GPL-3.0-only", False), ("GNU Affero General Public License", False), ("", False)],
)
def test_a_licence_is_judged(licence: str, verdict: bool) -> None:
    assert is_allowed(licence) is verdict
