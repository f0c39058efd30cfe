"""Processes: the command line, the API, the worker, and the supervisor of them all on one machine."""
