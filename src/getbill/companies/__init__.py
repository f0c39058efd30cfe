"""Companies, their workspaces and their people.

A company collects with GetBill. It has one live workspace and any number of sandboxes; a workspace is the
tenant: everything belongs to exactly one. Each workspace carries its own time.
"""

from getbill.companies.actions import create, create_user
from getbill.companies.model import ROLES, Company, User, Workspace
from getbill.companies.queries import company, users, workspace, workspaces_of

__all__ = [
    "ROLES",
    "Company",
    "User",
    "Workspace",
    "company",
    "create",
    "create_user",
    "users",
    "workspace",
    "workspaces_of",
]
