"""Request bodies of debtors: update, split and merge.

Names are ours in snake_case; the docs' camelCase is read too. Checks are those of a debt's debtor.
"""

from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from getbill.debts.wire.bodies import DebtChangeBody, DebtorBody, NewDebtBody
from getbill.debts.wire.fields import DEBTOR_FIELDS, body_fields
from getbill.kit.errors import FieldError
from getbill.kit.http import with_fields
from getbill.kit.messages import message

DEBTS_MAX: Final = 1000
# The docs' names of fields, and ours.
CAMEL_CASE: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "dateOfBirth": "birthdate",
    "date_of_birth": "birthdate",
}
_OUR_FIELDS: Final = body_fields(DEBTOR_FIELDS)


def without_debtor(error: FieldError) -> FieldError:
    """Return an error of a debt's debtor as one of the debtor alone."""
    return replace(error, pointer=error.pointer.removeprefix("/debtor"))


def _nested(raw: dict[str, Any]) -> dict[str, Any]:
    return {"debtor": {CAMEL_CASE.get(name, name): value for name, value in raw.items()}}


@with_fields({alias: _OUR_FIELDS[name] for alias, name in CAMEL_CASE.items()})
class DebtorChangeBody(DebtorBody):
    """Fields of a debtor to change. Omitted fields keep their values; null clears an optional field."""

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and of fields that are sent under two names."""
        names = [CAMEL_CASE.get(name, name) for name in raw]
        repeated = [
            FieldError(
                f"/{name}",
                "twice",
                message("Send {flat} or {path}, not both: they are one field.", flat=name, path=ours),
            )
            for name, ours in CAMEL_CASE.items()
            if name in raw and names.count(ours) > 1
        ]
        return repeated + [without_debtor(error) for error in DebtChangeBody.cross_field_errors(_nested(raw))]

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors that depend on the workspace's time."""
        return [without_debtor(error) for error in DebtChangeBody.workspace_errors(_nested(raw), caller)]


class SplitBody(BaseModel):
    """The debts that belong to another person, and that person."""

    model_config = ConfigDict(extra="forbid")

    debts: Annotated[list[str], Field(min_length=1, max_length=DEBTS_MAX)] = Field(
        description="Ids of the debts that belong to the other person: some of the debtor's, never all."
    )
    debtor: DebtorBody = Field(description="The other person; a name is required.")

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between the fields of the person."""
        errors = NewDebtBody.cross_field_errors({"debtor": raw.get("debtor")})
        return [error for error in errors if error.pointer.startswith("/debtor")]

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors of the person that depend on the workspace: birth date, or an expensive number."""
        return NewDebtBody.workspace_errors({"debtor": raw.get("debtor")}, caller)


class MergeBody(BaseModel):
    """The debtor whose debts move to this one."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    debtor_id: str = Field(
        description="Id of the other debtor, who ends.", examples=["debtor_01m804scmte4gbpp4yw1mc91gy"]
    )
