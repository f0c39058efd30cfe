"""The whole API, and a company whose debtors are recognised across debts."""

from debts.conftest import house, site  # noqa: F401 - fixtures of the whole API
