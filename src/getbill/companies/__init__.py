"""Companies, their workspaces and their people.

A company collects with GetBill. It has one live workspace and any number of sandboxes; a workspace is the
tenant: everything belongs to exactly one. Each workspace carries its own time.
"""

from getbill.companies.actions import (
    CompanyExists,
    Founded,
    NewUser,
    UserExists,
    create,
    create_user,
    set_password,
)
from getbill.companies.model import ROLES, Company, OwnScenario, SandboxOnly, User, Workspace
from getbill.companies.queries import companies, company, demo, users, workspace, workspaces_of

__all__ = [
    "ROLES",
    "Company",
    "CompanyExists",
    "Founded",
    "NewUser",
    "OwnScenario",
    "SandboxOnly",
    "User",
    "UserExists",
    "Workspace",
    "companies",
    "company",
    "create",
    "create_user",
    "demo",
    "set_password",
    "users",
    "workspace",
    "workspaces_of",
]
