"""The whole API, and a company whose figures are asked."""

from debts.conftest import house, site  # noqa: F401 - fixtures of the whole API
