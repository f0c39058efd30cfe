"""The whole API, and a company that collects for other creditors too."""

from debts.conftest import other_workspace, site, workspace  # noqa: F401 - fixtures of the whole API
