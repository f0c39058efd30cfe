"""Message templates of a workspace: its own versions, and the built-in ones.

A template has a name and a wording per language. A published wording is immutable: a change is a new version,
in force from the next message on. Without an own version, the workspace uses the built-in one.
"""

from getbill.templates.model import TemplateSet
from getbill.templates.queries import in_force, names
