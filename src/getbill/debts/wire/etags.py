"""Entity tags of debts and debtors, and the precondition of a change."""

from typing import Annotated

from fastapi import Header

from getbill.debtors import Debtor
from getbill.debts.model import Debt
from getbill.kit.errors import PreconditionFailed
from getbill.kit.messages import message

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="ETag of the version you read; a newer version is not overwritten (412).",
    ),
]


def etag(debt: Debt) -> str:
    """Return the entity tag of a debt: it changes with the debt and with its debtor."""
    return f'"{debt.version}-{debt.debtor.version}"'


def debtor_etag(debtor: Debtor) -> str:
    """Return the entity tag of a debtor: it changes with their identity."""
    return f'"{debtor.version}"'


def check_etag(current_tag: str, if_match: str | None) -> None:
    """Raise PreconditionFailed unless the requested version is the current one."""
    if if_match is None or if_match.strip() == "*":
        return
    if current_tag not in [tag.strip() for tag in if_match.split(",")]:
        raise PreconditionFailed(
            message("The ETag is now {now}. Read the object again and repeat the change.", now=current_tag),
            headers={"ETag": current_tag},
        )
