"""The whole API, and a company whose debtors are recognised across debts."""

from debts.conftest import other_workspace, site, workspace  # noqa: F401 - fixtures of the whole API
