"""Typed settings, one frozen group per concern, built on demand from the environment.

Nothing is read when this module is imported: a process builds only the groups it needs, so a producer
starts without a database password. Every group names its environment prefix; a variable with a known
prefix that fits no field is refused by `check_environment`, so a typing mistake cannot be silent.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fraud_prevention.domain.transaction import TimeBounds

ROOT = Path(__file__).resolve().parent
RUN_DIR = ROOT / ".run"
CACHE_DIR = ROOT / ".cache"


class UnknownSetting(ValueError):
    """An environment variable carries a known prefix but fits no setting."""


class _Group(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_file=None)


class KafkaSettings(_Group):
    """Where the log of truth is, and how it is reached."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_KAFKA_")
    bootstrap_servers: str = Field("127.0.0.1:9092", description="Comma-separated host:port of the brokers.")
    partitions: int = Field(12, ge=1, description="Partitions of each topic of the flow when it is created.")
    request_timeout_ms: int = Field(
        10_000, ge=100, description="How long a record may wait for its acknowledgement before it counts as failed."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="Plain on a network that is trusted, SSL by certificate, SASL_SSL by name and password (SCRAM-SHA-512).",
    )
    ca_file: Path | None = Field(
        None, description="Certificates, in PEM, that the brokers' are checked with; the system's without it."
    )
    certificate_file: Path | None = Field(None, description="Own certificate in PEM, where brokers ask for one.")
    key_file: Path | None = Field(None, description="Private key of that certificate, in PEM.")
    username: str | None = Field(None, description="Who logs in, with SASL_SSL.")
    password: SecretStr | None = Field(None, description="The password that goes with it.")

    @model_validator(mode="after")
    def _login_fits_the_protocol(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        if (self.security_protocol == "SASL_SSL") != (self.username is not None):
            raise ValueError("SASL_SSL logs in by username and password, and nothing else does")
        if self.security_protocol == "PLAINTEXT" and (self.ca_file or self.certificate_file):
            raise ValueError("certificates need security_protocol SSL or SASL_SSL")
        return self


class RedisSettings(_Group):
    """Where feature state, idempotent answers and the alert cache live."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_REDIS_")
    url: str = Field("redis://127.0.0.1:6379/0", description="URL of the server, or of one server of the cluster.")
    is_cluster: bool = Field(
        False, description="Whether it belongs to a Redis Cluster, which tells of its other servers."
    )
    timeout_ms: int = Field(2_000, ge=1, description="Socket time-out of one command.")

    @model_validator(mode="after")
    def _cluster_has_one_database(self) -> Self:
        if self.is_cluster and urlsplit(self.url).path not in ("", "/", "/0"):
            raise ValueError("a Redis Cluster has database 0 alone: let the URL end with the port")
        return self


class PostgresSettings(_Group):
    """Where cases, alerts and the outbox live."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_POSTGRES_")
    dsn: SecretStr = Field(description="libpq URL, password included: postgresql://user:password@host:port/db.")
    pool_size: int = Field(4, ge=1, le=64, description="Connections one process may hold.")


class IngestSettings(_Group):
    """Time bounds of a transaction, relative to the moment it comes in."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_INGEST_")
    enforce_time_bounds: bool = Field(True, description="Off for replays of history.")
    max_future_s: int = Field(300, ge=0, description="How far ahead of the clock an event may be.")
    max_age_s: int = Field(30 * 86_400, ge=0, description="How far behind the clock an event may be.")

    def bounds(self) -> TimeBounds:
        """The same as the domain wants them."""
        return TimeBounds(self.max_future_s * 1000, self.max_age_s * 1000, self.enforce_time_bounds)


class ModelSettings(_Group):
    """Which model and which policy decide."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_MODEL_")
    directory: Path = Field(
        RUN_DIR / "models", description="Folder of model versions; the file `active` names the serving one."
    )
    policy_file: Path = Field(
        ROOT / "fraud_prevention" / "policy" / "rules.yaml", description="Rules and thresholds that decide."
    )


class StreamSettings(_Group):
    """The Spark job."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_STREAM_")
    bundle_dir: Path = Field(
        RUN_DIR / "bundles", description="Copies of the models that plans decide with; driver and tasks share it."
    )
    runner: Literal["spark", "lite"] = Field(
        "spark", description="Who works: Spark, or this one process, for small installations and low latency."
    )
    max_offsets_per_trigger: int = Field(
        150_000,
        ge=1,
        description="Hard cap of one micro-batch, in records; a task needs about 5 KB for each of its own.",
    )
    record_cache_mb: int = Field(
        512, ge=0, description="Records that each worker process keeps in memory between micro-batches."
    )
    master: str = Field("local[2]", description="Spark master; a cluster manager overrides it.")
    driver_memory: str = Field("1g", description="Heap of the driver (and of the workers in local mode).")
    starting_offsets: Literal["earliest", "latest"] = Field(
        "earliest", description="Where a stream without a plan starts."
    )


class ApiSettings(_Group):
    """The synchronous decision API."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_API_")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on.")
    deadline_ms: int = Field(
        150,
        ge=1,
        description="Time within which an answer is owed; later ones count as late. Budget of one Redis command, its repeat included.",
    )
    ack_timeout_ms: int = Field(
        2_000,
        ge=10,
        description="How long a decision may wait for Kafka's acknowledgements before it is refused (503); a retry repeats it.",
    )
    claim_ttl_ms: int = Field(
        5_000, ge=100, description="Life of a claim on a transaction id; longer than the longest attempt."
    )
    answer_ttl_s: int = Field(
        86_400, ge=60, description="Life of a stored answer; older ones are looked up in PostgreSQL."
    )
    lookup_timeout_ms: int = Field(
        200,
        ge=1,
        description="Budget of looking up an old decision in PostgreSQL, from the wait for a connection to the answer.",
    )
    threads: int = Field(
        32, ge=1, le=128, description="Requests handled at once; most of a request's time is waiting for the log."
    )
    max_body_bytes: int = Field(
        2_097_152,
        ge=1_024,
        description="A larger request is refused before it is parsed; above 1 MB, so that an oversized field is still named.",
    )

    @model_validator(mode="after")
    def _claim_outlives_an_attempt(self) -> Self:
        # At most five commands to Redis (claim, two for the state, two at the end), and as much as one of them for
        # computing, beside the look-up and the wait for the log.
        longest_ms = self.ack_timeout_ms + 6 * self.deadline_ms + self.lookup_timeout_ms
        if self.claim_ttl_ms <= longest_ms:
            raise ValueError(f"claim_ttl_ms must be above {longest_ms}, the longest an attempt may take")
        return self


class SinkSettings(_Group):
    """The consumers that fill the stores."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_SINK_")
    group: str = Field(
        "storage-sink",
        description="Consumer group, whose members share the partitions. Its positions live in PostgreSQL; those at the broker are for people who watch it.",
    )
    batch_size: int = Field(5_000, ge=1, description="Records written in one database transaction at most.")
    alert_ttl_s: int = Field(86_400, ge=1, description="Life of `fraud_alert:{transaction_id}` in Redis.")


class DashboardSettings(_Group):
    """The officers' dashboard: its API and its pages."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_DASHBOARD_")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    allowed_hosts: str = Field(
        "",
        pattern=r"^([A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*)?$",
        description="Comma-separated host names, without ports, by which requests may ask for the dashboard and its "
        "API; those of the loopback always may.",
    )
    api_port: int = Field(8081, ge=0, le=65_535, description="Port of the dashboard API.")
    web_port: int = Field(3000, ge=0, le=65_535, description="Port of the pages.")
    officer: str = Field("local-officer", description="Who acts, where no sign-in is configured.")
    feed_size: int = Field(200, ge=1, description="Decisions kept for a page that has just been opened.")
    feed_clients: int = Field(
        32, ge=1, le=512, description="Pages that may follow the feed at once; each holds a thread."
    )
    threads: int = Field(8, ge=1, le=128, description="Other requests that are handled at once.")


class SkewSettings(_Group):
    """The skew meter: served feature vectors against recomputed ones."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_SKEW_")
    port: int = Field(9108, ge=0, le=65_535, description="Port of its metrics on the loopback, 0 for any.")
    every_s: float = Field(5.0, gt=0, description="Seconds between two looks at the log.")
    share: float = Field(0.01, gt=0, le=1, description="Share of the transactions that are compared.")
    pending: int = Field(
        20_000, ge=1, description="Vectors that may wait for their other side, about 1 KB each; the oldest are dropped."
    )


class ReadySettings(_Group):
    """How a process without a port shows that it works."""

    model_config = SettingsConfigDict(env_prefix="FRAUD_READY_")
    file: Path | None = Field(None, description="Touched while the process works, removed when it stops.")


GROUPS: tuple[type[_Group], ...] = (
    KafkaSettings,
    RedisSettings,
    PostgresSettings,
    IngestSettings,
    ModelSettings,
    StreamSettings,
    ApiSettings,
    SinkSettings,
    DashboardSettings,
    SkewSettings,
    ReadySettings,
)


def _known_variables() -> set[str]:
    return {f"{g.model_config['env_prefix']}{name}".upper() for g in GROUPS for name in g.model_fields}


def check_environment() -> None:
    """Refuse environment variables that look like settings and are none.

    Raises UnknownSetting, which names the variable and the closest group.
    """
    known = _known_variables()
    prefixes = tuple(str(g.model_config["env_prefix"]) for g in GROUPS)
    for name in sorted(os.environ):
        if name.startswith(prefixes) and name not in known:
            raise UnknownSetting(f"{name} is not a setting; `fraud settings` lists them all")


def load_run_env(path: Path = RUN_DIR / "env") -> dict[str, str]:
    """Put the running local stack's addresses into the environment and return them.

    Variables that are set already win; names that an older version has written and this one does not know are left
    out. Returns {} where no stack has written the file.
    """
    if not path.exists():
        return {}
    pairs = dict(line.split("=", 1) for line in path.read_text().splitlines() if line and not line.startswith("#"))
    known = _known_variables()
    pairs = {name: value for name, value in pairs.items() if name in known}
    for name, value in pairs.items():
        os.environ.setdefault(name, value)
    return pairs
