"""A message in doubt, of which a todo asks."""

from todo_decisions.conftest import doubt, site  # noqa: F401 - fixtures of the whole API
