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
        raise ValueError("Networks are written like 10.0.0.0/8, separated by commas.") from None


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
        None, description="URL under which others reach this installation; by default made of host and port."
    )
    data_dir: Path = Field(
        Path("data"),
        description="Folder of the embedded database, the master key and first-run.json; made with mode 0700.",
    )
    sftp_port: PortOrAny = Field(
        2222,
        description="Port that files are dropped at over SFTP, on the same address; 0 for any that is free.",
    )
    sftp_pick_up_minutes: int = Field(
        60,
        ge=1,
        le=1_440,
        description="Every so many minutes of the day (UTC) dropped files are imported: 60 is every hour, on the hour.",
    )
    sftp_file_bytes_max: int = Field(
        1_000_000_000, ge=1_000, description="Largest file that is taken over SFTP, in bytes."
    )
    sftp_quota_bytes: int = Field(
        5_000_000_000, ge=1_000, description="What the folders of one SFTP login hold at most, in bytes."
    )
    sftp_sessions_max: int = Field(
        64, ge=1, description="SFTP connections at a time to one process; of one login at most 8."
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="PostgreSQL 16 or newer to use instead of the embedded one.",
    )
    database_connections: int = Field(
        12, ge=2, le=200, description="Connections each process keeps to the database at most."
    )
    postgres_account: AccountChoice = Field(
        AccountChoice.AUTO,
        description="As whom root runs the embedded PostgreSQL: `namespace`, `user`, or `auto` to find out.",
    )
    postgres_home: Path = Field(
        Path("/var/lib/getbill"),
        description="Where the system user's cluster and copied binaries lie, when root needs one.",
    )
    master_key: SecretStr | None = Field(
        None,
        description="Master key of the vault, 32 bytes in base64; after a rotation the older ones follow, "
        "separated by commas.",
    )
    master_key_file: Path | None = Field(
        None,
        description="File with the master key, made at the first start; by default master.key in the data folder.",
    )
    erasure_days: int = Field(
        30,
        ge=1,
        description="Within so many days of an erasure no backup that was made before it can be opened any more "
        "(docs/runbook.md).",
    )
    erasure_journal: Path | None = Field(
        None,
        description="File that keeps erased debts erased after a restore; by default erasures.jsonl in the data folder.",
    )
    tls_cert: Path | None = Field(
        None, description="Certificate chain (PEM): the API then speaks TLS 1.3 and nothing lower."
    )
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate.")
    trusted_proxies: Networks = Field(
        (),
        description="Networks, separated by commas, of the TLS proxies whose X-Forwarded-For and -Proto are believed.",
    )
    smtp_host: str | None = Field(
        None, description="Mail server for live e-mails; without one no live e-mail is sent."
    )
    smtp_port: Port = Field(587, description="Port of the mail server.")
    smtp_user: str | None = Field(None, description="User name at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    smtp_tls: SmtpTls = Field(
        SmtpTls.STARTTLS, description="Protection of the connection: `starttls`, `tls` or `none`."
    )
    smtp_from: EmailStr | None = Field(None, description="Sender address of e-mails to debtors.")
    smtp_bounces: EmailStr | None = Field(
        None, description="Address that mail servers report bounces to; the sender address by default."
    )
    bounce_maildir: Path | None = Field(
        None, description="Maildir that mails to that address are delivered into; the worker reads it."
    )
    gateways_file: Path | None = Field(
        None,
        description="JSON file of the gateways that carry live SMS, AI calls, letters and WhatsApp (docs/providers.md).",
    )
    rate_limit_live: int = Field(
        1_000, ge=1, description="Requests a minute of one live client, unless the client has its own limit."
    )
    rate_limit_sandbox: int = Field(100, ge=1, description="Requests a minute of one sandbox workspace.")
    rate_limit_anonymous: int = Field(
        600, ge=1, description="Requests a minute without a good credential, per client address and process."
    )
    connections_per_address_max: int = Field(
        256,
        ge=1,
        description="Connections of one address to one process on which no credential has been shown yet.",
    )
    connections_per_proxy_max: int = Field(
        2_048, ge=1, description="The same of one trusted proxy, which speaks for many."
    )
    connections_max: int = Field(
        4_096,
        ge=1,
        description="Connections to one process on which no credential has been shown yet, in all.",
    )
    head_bytes_max: int = Field(
        65_536, ge=1_000, description="Largest request line and headers that are read, in bytes; 431 beyond."
    )
    head_seconds_max: int = Field(
        10, ge=1, description="Seconds in which a request's headers have to be complete; 408 after."
    )
    body_bytes_per_second_min: int = Field(
        500, ge=0, description="Slowest rate at which a request body may come, in bytes a second; 408 below."
    )
    body_bytes_max: int = Field(
        1_000_000, ge=10_000, description="Largest request body that is read, in bytes; 413 beyond."
    )
    import_bytes_max: int = Field(
        512 * 1024 * 1024, ge=1_000_000, description="Largest file of debts that is taken in, in bytes."
    )
    webhook_networks: Networks = Field(
        (), description="Private networks, separated by commas, that live webhooks may be sent to."
    )
    ca_bundle: Path | None = Field(
        None,
        description="File (PEM) with certificate authorities of your own, trusted by webhooks beside the system's.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Token that `GET /metrics` is read with, as Bearer; by default metrics.token in the data folder.",
    )
    access_log_days: int = Field(90, ge=1, description="Days the access log is kept.")
    log_level: LogLevel = Field(
        LogLevel.INFO,
        description="From which weight on lines are logged: `debug`, `info`, `warning`, `error`.",
    )

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("GETBILL_TLS_CERT and GETBILL_TLS_KEY go together.")
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
                "No database is named: set DATABASE_URL, or run `getbill serve`, which brings one."
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
