"""The settings of one installation, in one typed object.

They are read once from the environment when a process starts and passed down from there: no other module
reads the environment. Secrets never appear in its repr; README.md's table is this file's, checked by a test.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    EmailStr,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from getbill.embedded import AccountChoice, ClusterOptions
from getbill.kit import validation
from getbill.kit.exit_errors import CannotRun
from getbill.kit.messages import VALUE

PREFIX: Final = "GETBILL_"
# For tests only, not settings of an installation: the failpoint of a process, and the confirmation that it is
# intended.
CRASH_AT: Final = "GETBILL_CRASH_AT"
CRASH_MEANT: Final = "GETBILL_TEST_CRASHES"


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError(
            "Write networks in CIDR notation, such as 10.0.0.0/8, separated by commas."
        ) from None


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Port = Annotated[int, Field(ge=1, le=65_535)]
PortOrAny = Annotated[int, Field(ge=0, le=65_535)]


class SmtpTls(StrEnum):
    """Transport security of the connection to the mail server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class LogLevel(StrEnum):
    """Minimum log level."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """The settings of one installation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: Port = Field(8000, description="Port the API listens on.")
    base_url: str | None = Field(
        None, description="Public URL of this installation; derived from host and port by default."
    )
    data_dir: Path = Field(
        Path("data"),
        description="Folder of the embedded database, the master key and first-run.json; created with mode 0700.",
    )
    sftp_port: PortOrAny = Field(
        2222,
        description="Port of the SFTP server, on the same address; 0 for any free port.",
    )
    sftp_pick_up_minutes: int = Field(
        60,
        ge=1,
        le=1_440,
        description="Interval of SFTP pickups in minutes, counted from midnight UTC; 60 is every hour, on the hour.",
    )
    sftp_file_bytes_max: int = Field(
        1_000_000_000, ge=1_000, description="Maximum size of an SFTP upload, in bytes."
    )
    sftp_quota_bytes: int = Field(
        5_000_000_000, ge=1_000, description="Maximum total size of the folders of one SFTP login, in bytes."
    )
    sftp_sessions_max: int = Field(
        64, ge=1, description="Maximum number of concurrent SFTP connections per process; 8 per login."
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="URL of a PostgreSQL 16 or newer, used instead of the embedded one.",
    )
    database_connections: int = Field(
        12, ge=2, le=200, description="Maximum number of database connections per process."
    )
    postgres_account: AccountChoice = Field(
        AccountChoice.AUTO,
        description="Account for the embedded PostgreSQL if started by root: `namespace`, `user`, or `auto` to detect it.",
    )
    postgres_home: Path = Field(
        Path("/var/lib/getbill"),
        description="Folder of the cluster and copied binaries of the system user, if root needs one.",
    )
    master_key: SecretStr | None = Field(
        None,
        description="Master key of the vault, 32 bytes in base64; after a rotation followed by the older ones, separated by commas.",
    )
    master_key_file: Path | None = Field(
        None,
        description="File of the master key, created at the first start; by default master.key in the data folder.",
    )
    erasure_days: int = Field(
        30,
        ge=1,
        description="Days after an erasure until no earlier backup can be opened any more (docs/runbook.md).",
    )
    erasure_journal: Path | None = Field(
        None,
        description="File that keeps erased debts erased after a restore; by default erasures.jsonl in the data folder.",
    )
    tls_cert: Path | None = Field(
        None, description="Certificate chain (PEM); enables TLS 1.3, the only version accepted."
    )
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate.")
    trusted_proxies: Networks = Field(
        (),
        description="Networks, separated by commas, of the TLS proxies whose X-Forwarded-For and -Proto are trusted.",
    )
    smtp_host: str | None = Field(None, description="Mail server for live e-mails; required to send any.")
    smtp_port: Port = Field(587, description="Port of the mail server.")
    smtp_user: str | None = Field(None, description="User name at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    smtp_tls: SmtpTls = Field(
        SmtpTls.STARTTLS, description="Protection of the connection: `starttls`, `tls` or `none`."
    )
    smtp_from: EmailStr | None = Field(None, description="Sender address of e-mails to debtors.")
    smtp_bounces: EmailStr | None = Field(
        None, description="Address for bounces; defaults to the sender address."
    )
    bounce_maildir: Path | None = Field(None, description="Maildir of that address, read by the worker.")
    gateways_file: Path | None = Field(
        None,
        description="JSON file of the gateways for live SMS, AI calls, letters and WhatsApp (docs/providers.md).",
    )
    rate_limit_live: int = Field(
        1_000, ge=1, description="Requests per minute of a live client without a limit of its own."
    )
    rate_limit_sandbox: int = Field(100, ge=1, description="Requests per minute of a sandbox workspace.")
    rate_limit_anonymous: int = Field(
        600,
        ge=1,
        description="Requests per minute without a valid credential, per client address and process.",
    )
    connections_per_address_max: int = Field(
        256,
        ge=1,
        description="Maximum number of unauthenticated connections of one address, per process.",
    )
    connections_per_proxy_max: int = Field(
        2_048,
        ge=1,
        description="Maximum number of unauthenticated connections of one trusted proxy, per process.",
    )
    connections_max: int = Field(
        4_096,
        ge=1,
        description="Maximum number of unauthenticated connections in total, per process.",
    )
    head_bytes_max: int = Field(
        65_536, ge=1_000, description="Maximum size of request line and headers, in bytes; 431 above."
    )
    head_seconds_max: int = Field(
        10, ge=1, description="Maximum time for a complete request head, in seconds; 408 after."
    )
    body_bytes_per_second_min: int = Field(
        500, ge=0, description="Minimum rate of a request body, in bytes per second; 408 below."
    )
    body_bytes_max: int = Field(
        1_000_000, ge=10_000, description="Maximum size of a request body, in bytes; 413 above."
    )
    import_bytes_max: int = Field(
        512 * 1024 * 1024, ge=1_000_000, description="Maximum size of an imported file, in bytes."
    )
    webhook_networks: Networks = Field(
        (), description="Private networks, separated by commas, to which live webhooks may be sent."
    )
    ca_bundle: Path | None = Field(
        None,
        description="PEM file of certificate authorities trusted for webhooks in addition to the system's.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Bearer token of `GET /metrics`; by default the content of metrics.token in the data folder.",
    )
    access_log_days: int = Field(90, ge=1, description="Retention of the access log, in days.")
    log_level: LogLevel = Field(
        LogLevel.INFO,
        description="Minimum log level: `debug`, `info`, `warning` or `error`.",
    )

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("GETBILL_TLS_CERT and GETBILL_TLS_KEY must be set together.")
        return self

    @property
    def url(self) -> str:
        """The public URL of this installation, without a trailing slash."""
        if self.base_url:
            return self.base_url.rstrip("/")
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def dsn(self) -> str:
        """The DSN of this process's database."""
        if self.database_url is None:
            raise CannotRun(
                "No database is configured: set DATABASE_URL, or run `getbill serve`, which includes one."
            )
        return self.database_url.get_secret_value()

    @property
    def cluster_options(self) -> ClusterOptions:
        """The options of the embedded database."""
        return ClusterOptions(account=self.postgres_account, home=self.postgres_home)

    @property
    def master_key_text(self) -> str | None:
        """The master keys in the environment, None if they are in the file."""
        return self.master_key.get_secret_value() if self.master_key else None

    def with_dsn(self, dsn: str) -> Self:
        """Return the same settings with another DSN."""
        return self.model_copy(update={"database_url": SecretStr(dsn)})

    @property
    def key_file(self) -> Path:
        """The file that holds the master key if the environment does not."""
        return self.master_key_file or self.data_dir / "master.key"

    @property
    def erasure_journal_file(self) -> Path:
        """The journal of erasures, which survives a restore of the database."""
        return self.erasure_journal or self.data_dir / "erasures.jsonl"

    @property
    def first_run_file(self) -> Path:
        """The file with the demo company's credentials."""
        return self.data_dir / "first-run.json"

    @property
    def metrics_token_file(self) -> Path:
        """The file that holds the metrics token if the environment does not."""
        return self.data_dir / "metrics.token"

    @property
    def marks_file(self) -> Path:
        """The file of the event streams' high-water marks, which survives a restore of the database."""
        return self.data_dir / "streams.jsonl"

    @property
    def handovers_folder(self) -> Path:
        """The folder of the workers' journals of hand-overs, on a disk of this machine."""
        return self.data_dir / "handovers"


def names() -> dict[str, str]:
    """Return the environment variable of every setting, by the setting's name."""
    return {
        name: "DATABASE_URL" if name == "database_url" else f"{PREFIX}{name.upper()}"
        for name in Settings.model_fields
    }


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that look like our settings but are unknown: usually typing errors."""
    valid_names = {*names().values(), *((CRASH_AT, CRASH_MEANT) if crash_point(environment) else ())}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in valid_names)


def crash_point(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the failpoint at which a test makes this process die; None unless both variables are set."""
    return environment.get(CRASH_AT) if environment.get(CRASH_MEANT) == "1" else None


def error_sentences(error: ValidationError) -> list[str]:
    """Return the errors in the environment, by variable and without the values: some are secrets."""
    by_name = names()
    sentences = []
    for detail in error.errors(include_input=False, include_url=False):
        where = by_name.get(str(detail["loc"][0]), str(detail["loc"][0])) if detail["loc"] else ""
        is_ours = detail["type"] == "value_error"
        sentence = (
            detail["msg"].removeprefix("Value error, ")
            if is_ours
            else validation.error_sentence(detail, VALUE)
        )
        sentences.append(f"{where}: {sentence}" if where else sentence)
    return sentences
