"""Processes: the command line, the API, the worker, and the supervisor that runs them on one machine."""
