"""What `getbill serve` says: secrets to a person at a terminal at the first start, to nobody else."""

from pathlib import Path

import pytest

from getbill.process import startup_banner
from getbill.process.bootstrap import Credentials
from getbill.settings import Settings

CREDENTIALS = Credentials(
    base_url="http://127.0.0.1:8000",
    dashboard_email="admin@demo.example",
    dashboard_password="a-password-of-the-dashboard",
    sandbox_api_key="gbk_sandbox_first",
    client_id="client_1",
    client_secret="gbs_first",
    sftp_host="127.0.0.1",
    sftp_port=2222,
    sftp_username="sandbox-files",
    sftp_password="a-password-of-sftp",
)


@pytest.mark.parametrize(
    ("is_first", "is_terminal", "is_shown"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_secrets_are_shown_once_and_to_a_person(
    tmp_path: Path, is_first: bool, is_terminal: bool, is_shown: bool
) -> None:
    settings = Settings(data_dir=tmp_path)

    banner_text = startup_banner.banner_text(
        settings, CREDENTIALS, is_first=is_first, is_terminal=is_terminal
    )

    for secret in ("gbk_sandbox_first", "gbs_first", "a-password-of-sftp"):
        assert (secret in banner_text) == is_shown
    assert str(settings.first_run_file) in banner_text


def test_where_the_token_of_metrics_lies_is_said_and_not_the_token(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.metrics_token_file.write_text("a-token-that-is-long-enough\n")

    banner_text = startup_banner.banner_text(settings, CREDENTIALS, is_first=True, is_terminal=True)

    assert str(settings.metrics_token_file) in banner_text
    assert "a-token-that-is-long-enough" not in banner_text
