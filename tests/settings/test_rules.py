from pathlib import Path

import pytest
from pydantic import ValidationError

from getbill import settings
from getbill.kit.exit_errors import CannotRun
from getbill.settings import Settings


@pytest.fixture(autouse=True)
def only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.names().values():
        monkeypatch.delenv(name, raising=False)


def test_without_any_setting_it_runs_here_on_its_own_database() -> None:
    chosen = Settings()

    assert chosen.url == "http://127.0.0.1:8000"
    assert chosen.data_dir == Path("data")
    assert chosen.first_run_file == Path("data/first-run.json")
    assert chosen.key_file == Path("data/master.key")
    assert chosen.database_url is None


def test_an_empty_variable_is_one_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GETBILL_PORT", "")
    monkeypatch.setenv("DATABASE_URL", "")

    assert (Settings().port, Settings().database_url) == (8000, None)


def test_no_secret_appears_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "GETBILL_MASTER_KEY", "GETBILL_SMTP_PASSWORD"):
        monkeypatch.setenv(name, "open-sesame")

    chosen = Settings()

    assert "open-sesame" not in f"{chosen!r} {chosen}"
    assert chosen.dsn == "open-sesame"
    assert chosen.master_key_text == "open-sesame"


def test_complaints_name_the_variable_and_not_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GETBILL_PORT", "open-sesame")
    monkeypatch.setenv("GETBILL_WEBHOOK_NETWORKS", "10.0.0.0/8, open-sesame")

    with pytest.raises(ValidationError) as refusal:
        Settings()

    error_sentences = settings.error_sentences(refusal.value)
    assert [sentence.split(":")[0] for sentence in error_sentences] == [
        "GETBILL_PORT",
        "GETBILL_WEBHOOK_NETWORKS",
    ]
    assert (
        error_sentences[1]
        == "GETBILL_WEBHOOK_NETWORKS: Write networks in CIDR notation, such as 10.0.0.0/8, separated by commas."
    )
    assert error_sentences[0] == "GETBILL_PORT: The value must be an integer, such as 3."
    assert "open-sesame" not in " ".join(error_sentences)


def test_a_certificate_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GETBILL_TLS_CERT", "cert.pem")

    with pytest.raises(ValidationError) as refusal:
        Settings()

    assert settings.error_sentences(refusal.value) == [
        "GETBILL_TLS_CERT and GETBILL_TLS_KEY must be set together."
    ]


def test_networks_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GETBILL_TRUSTED_PROXIES", "10.0.0.0/8, ::1/128")

    assert [str(network) for network in Settings().trusted_proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("chosen", "url"),
    [
        ({"port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"tls_cert": "c", "tls_key": "k"}, "https://127.0.0.1:8000"),
        ({"base_url": "https://collect.example/"}, "https://collect.example"),
    ],
)
def test_the_url_is_what_others_call(chosen: dict[str, object], url: str) -> None:
    assert Settings.model_validate(chosen).url == url


def test_a_slip_of_the_pen_is_noticed() -> None:
    assert settings.unknown_variables({"GETBILL_PROT": "1", "GETBILL_PORT": "1", "PATH": "/"}) == [
        "GETBILL_PROT"
    ]


def test_a_process_without_a_database_says_how_to_get_one() -> None:
    with pytest.raises(CannotRun, match="set DATABASE_URL, or run `getbill serve`"):
        _ = Settings().dsn


@pytest.mark.parametrize(
    ("environment", "point"),
    [
        ({"GETBILL_CRASH_AT": "webhooks.posted", "GETBILL_TEST_CRASHES": "1"}, "webhooks.posted"),
        ({"GETBILL_CRASH_AT": "webhooks.posted"}, None),
        ({"GETBILL_TEST_CRASHES": "1"}, None),
    ],
)
def test_a_process_dies_at_a_point_only_where_it_is_said_to_be_meant(
    environment: dict[str, str], point: str | None
) -> None:
    assert settings.crash_point(environment) == point
    assert settings.unknown_variables(environment) == ([] if point else sorted(environment))
