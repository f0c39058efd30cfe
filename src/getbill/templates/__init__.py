"""Templates: what a workspace says to debtors, in its own words or in ours.

A template has a name, and a wording for each language. A published wording is never edited: a change is a new
version, in force from the next message on. Where a workspace has none of its own, the built-in one speaks.
"""

from getbill.templates.api import router
from getbill.templates.model import Edition, TemplateSet
from getbill.templates.queries import in_force, names

__all__ = ["Edition", "TemplateSet", "in_force", "names", "router"]
