"""What `getbill serve` says once it answers: where it is, how to get in, and the first call to try."""

from typing import Final

from getbill import __version__, vault
from getbill.first_run import Credentials
from getbill.settings import Settings

_FIRST_DEBT: Final = """\
  curl -X POST {url}/external-api/v1/debts \\
    -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"debtor": {{"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"}},
         "amount": 2340.00, "currency": "EUR", "reference": "F-2024-0847", "due_date": "2024-01-15",
         "scenario": "standard_3_waves"}}'
"""


def text(settings: Settings, credentials: Credentials | None, *, is_first: bool) -> str:
    """Return the start-up text; the secrets stand in it at the first start only."""
    lines = [
        f"GetBill {__version__} answers on {settings.url}",
        "",
        f"  API       {settings.url}/external-api/v1",
        f"  Explorer  {settings.url}/docs",
        f"  SFTP      {settings.host} port {settings.sftp_port}",
        f"  Data      {settings.data_dir}",
    ]
    if credentials is not None:
        lines += [f"  Access    {settings.first_run_file} (readable by its owner alone)", ""]
        if is_first:
            lines += _backups(settings)
            lines += [f"  {name:<19}{value}" for name, value in credentials.items()]
            lines.append("")
        key = credentials["sandbox_api_key"] if is_first else "SANDBOX_API_KEY"
        lines += ["Create a debt in the sandbox, where nobody real is contacted:", ""]
        lines.append(_FIRST_DEBT.format(url=settings.url, key=key))
    lines.append("Ctrl-C stops everything.")
    return "\n".join(lines)


def _backups(settings: Settings) -> list[str]:
    """Return how long a backup of the database opens, where the master key is ours to destroy."""
    if settings.master_key is not None:
        return []
    days = vault.lasting(settings.erasure_days)[1].days
    return [
        f"A backup of the database opens for {days} days, an older one never: replaced versions of the master key are",
        "destroyed, so that who is erased stays erased (GETBILL_ERASURE_DAYS). Keep master.key and erasures.jsonl apart.",
        "",
    ]
