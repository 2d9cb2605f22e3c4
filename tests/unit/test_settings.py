"""Settings: secrets from files, a warehouse in a bucket, and what is wrong is said before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.engine import connect
from lake.errors import ContractError
from lake.settings import Settings

BUCKET = {
    "CITYBRAIN_WAREHOUSE": "s3://lake/tables/",
    "CITYBRAIN_S3_KEY": "k" * 9,
    "CITYBRAIN_S3_SECRET": "never/printed+",
}


def test_a_secret_may_come_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    for name, value in (
        ("secret", "s3cret\n"),
        ("uri", "postgresql+psycopg2://lake:pa55@h/lake"),
        ("source", "ftp://u:pw@h/d\n\n"),
    ):
        (tmp_path / name).write_text(value)
    made = Settings.from_environment(
        {
            "CITYBRAIN_HOME": str(tmp_path),
            "CITYBRAIN_WAREHOUSE": "s3://lake/tables",
            "CITYBRAIN_S3_KEY": "key",
            "CITYBRAIN_S3_SECRET_FILE": str(tmp_path / "secret"),
            "CITYBRAIN_CATALOG_URI_FILE": str(tmp_path / "uri"),
            "CITYBRAIN_CONN_PLANT_FILE": str(tmp_path / "source"),
        }
    )
    assert made.bucket is not None
    assert made.bucket.secret == "s3cret"
    assert made.catalog_uri.endswith("pa55@h/lake")
    assert made.connection("plant") == "ftp://u:pw@h/d"
    assert not any(word in repr(made) for word in ("s3cret", "pa55", "u:pw"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"CITYBRAIN_WAREHOUSE": "s3://lake/t"}, "no key to it"),
        ({"CITYBRAIN_WAREHOUSE": "lake/tables"}, "neither s3"),
        ({**BUCKET, "CITYBRAIN_S3_ENDPOINT": "s3:9000"}, "no scheme"),
        ({"CITYBRAIN_CACHE_LIMIT": "a lot"}, "no number of bytes"),
        ({"CITYBRAIN_THREADS": "all"}, "no number of threads"),
        ({"CITYBRAIN_CATALOG_URI_FILE": "/nowhere/at/all"}, "CITYBRAIN_CATALOG_URI_FILE cannot be read"),
    ],
)
def test_what_is_set_wrongly_is_said_with_its_remedy(given: dict[str, str], told: str) -> None:
    with pytest.raises(ContractError, match=told) as error:
        Settings.from_environment(given)
    assert "never/printed" not in str(error.value)


def test_the_bucket_is_opened_to_those_who_read_it_only(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CITYBRAIN_HOME": str(tmp_path), **BUCKET})
    assert settings.warehouse == "s3://lake/tables"
    with connect(settings) as duck:
        assert duck.execute("SELECT count(*) FROM duckdb_secrets()").fetchone() == (0,)
    with connect(settings, reads=["/a", "s3://lake/tables/x.parquet"]) as duck:
        rows = duck.execute("SELECT scope, secret_string, persistent FROM duckdb_secrets()").fetchall()
        assert [(scope, persistent) for scope, _, persistent in rows] == [(["s3://lake/tables"], False)]
        assert "never/printed" not in rows[0][1]
