"""Why a process cannot start or go on, said to the person who started it.

Every such reason is one sentence with the way out in it; the command line prints it without a traceback.
"""


class CannotRun(Exception):
    """A process stops here, for a reason that its operator can do something about."""
