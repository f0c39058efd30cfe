"""The startup banner of `getbill serve`: its address, the credentials, and a first call to try."""

from typing import Final

from getbill import __version__
from getbill.kit import master_key_lifetime
from getbill.process.bootstrap import Credentials
from getbill.settings import Settings

_FIRST_DEBT: Final = """\
  curl -X POST {url}/external-api/v1/debts \\
    -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"debtor": {{"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"}},
         "amount": 2340.00, "currency": "EUR", "reference": "F-2024-0847", "due_date": "2024-01-15",
         "scenario": "standard_3_waves"}}'
"""
# Credentials without a use yet are in the file only.
_LATER: Final = frozenset({"dashboard_email", "dashboard_password"})
STEPS: Final = (
    "Starting PostgreSQL",
    "Creating the tables",
    "Creating the demo company and its sandbox data",
    "Starting the API, the worker and SFTP",
)


def step_line(number: int) -> str:
    """Return the line that announces a step of the first start, with the total; numbered from 1."""
    return f"First start, {number} of {len(STEPS)}: {STEPS[number - 1]}"


def banner_text(
    settings: Settings, credentials: Credentials | None, *, is_first: bool, is_terminal: bool = True
) -> str:
    """Return the banner; it contains secrets at the first start only, and only on a terminal.

    Piped output ends up in logs, which are kept and read by others: there the banner names the file instead.
    """
    shows_secrets = is_first and is_terminal
    lines = [
        f"GetBill {__version__} is running on {settings.url}",
        "",
        f"  API       {settings.url}/external-api/v1",
        f"  Explorer  {settings.url}/docs",
        f"  SFTP      {settings.host} port {settings.sftp_port}",
        f"  Data      {settings.data_dir}",
    ]
    if settings.metrics_token is None and settings.metrics_token_file.exists():
        lines.append(f"  Metrics   {settings.url}/metrics (token in {settings.metrics_token_file})")
    if credentials is not None:
        lines += [f"  Access    {settings.first_run_file} (readable by its owner only)", ""]
        if is_first:
            lines += _backups(settings)
        if shows_secrets:
            lines += [f"  {name:<19}{value}" for name, value in credentials.items() if name not in _LATER]
            lines.append("")
        key = credentials["sandbox_api_key"] if shows_secrets else "SANDBOX_API_KEY"
        lines += ["Create a debt in the sandbox, which contacts no real person:", ""]
        lines.append(_FIRST_DEBT.format(url=settings.url, key=key))
    lines.append("Press Ctrl-C to stop.")
    return "\n".join(lines)


def _backups(settings: Settings) -> list[str]:
    """Return how long a database backup can be opened, if we destroy replaced master keys."""
    if settings.master_key is not None:
        return []
    days = master_key_lifetime.use_and_retention(settings.erasure_days)[1].days
    return [
        f"Database backups can be opened for {days} days. After that, replaced versions of the master key are destroyed, so",
        "erased people stay erased (GETBILL_ERASURE_DAYS). Store master.key and erasures.jsonl apart from the backups.",
        "",
    ]
