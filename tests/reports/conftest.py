"""The whole API, and a company whose figures are asked."""

from debts.conftest import site, workspace  # noqa: F401 - fixtures of the whole API
