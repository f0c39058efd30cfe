"""Companies, their workspaces and their staff.

A company collects debts with GetBill. It has one live workspace and any number of sandboxes. A workspace is
the tenant: everything belongs to exactly one, and each has its own clock.
"""

from getbill.companies.actions import (
    CompanyChanges,
    CompanyExists,
    CreatedCompany,
    NewUser,
    UserExists,
    activate_user,
    create,
    create_user,
    deactivate_user,
    set_letterhead,
    set_password,
    set_refused_zones,
    update,
)
from getbill.companies.collectors import (
    CollectorFile,
    collector_file,
    declare,
    declare_in,
)
from getbill.companies.contact_switches import (
    DRY_RUN,
    MINIMUM_MAX,
    ON,
    STOPPED,
    ContactChanges,
    ContactSwitches,
    check_minimum,
    resume_all,
    stop_all,
    switch,
    switches,
)
from getbill.companies.deletion import CompanyHasDebts, delete
from getbill.companies.logos import Logo, check_logo, logo, set_logo
from getbill.companies.model import ROLES, Company, OwnScenario, SandboxOnly, User, Workspace
from getbill.companies.queries import (
    admins,
    companies,
    company,
    demo_company_id,
    user,
    users,
    workspace,
    workspace_ids,
    workspaces_of,
)
from getbill.companies.replans import report_channels, request_replan
from getbill.companies.visits import visit_workspaces
