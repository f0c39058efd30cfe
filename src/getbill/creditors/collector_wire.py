"""The role in which the company collects as JSON: its body and its answer."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from getbill.companies import CollectorFile
from getbill.kit import json
from getbill.kit.errors import FieldError
from getbill.kit.http import Day, JsonBody, check_day_text
from getbill.kit.messages import message
from getbill.kit.text.body_types import Iban, Text

_WrittenDay = Annotated[date, BeforeValidator(check_day_text)]
_Line = Annotated[Text, Field(max_length=60)]
_ADDRESS_LINES_MAX: Final = 5


class CollectorBody(BaseModel):
    """The role of the company and what it has on file. Omitted fields keep their values; null clears one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "collector": "third_party",
                    "registration_number": "RCS Lyon 552 100 554",
                    "address": ["4 rue Haute", "69002 LYON"],
                    "insurer": "Assurances du Midi",
                    "insurance_policy": "RC-2026-0042",
                    "client_iban": "FR7630006000011234567890189",
                    "declared_on": "2026-01-15",
                    "declared_to": "Tribunal judiciaire de Lyon",
                }
            ]
        },
    )

    collector: Literal["creditor", "third_party"] | None = Field(
        None, description="`third_party` if the company collects the debts of others."
    )
    registration_number: Text | None = Field(None, description="Register and number of the company.")
    address: Annotated[list[_Line], Field(max_length=_ADDRESS_LINES_MAX)] | None = Field(
        None, description="Lines of the company's address."
    )
    insurer: Text | None = Field(None, description="Insurer of the company's professional liability.")
    insurance_policy: Text | None = Field(None, description="Number of the insurance policy.")
    insured_until: _WrittenDay | None = Field(
        None, description="Last day of the insurance, YYYY-MM-DD; null if it has none."
    )
    client_iban: Iban | None = Field(
        None, description="IBAN of the account that holds creditors' money alone; debtors pay there."
    )
    declared_on: _WrittenDay | None = Field(
        None, description="Day of the declaration to the public prosecutor, YYYY-MM-DD."
    )
    declared_to: Text | None = Field(
        None, description="Court to whose prosecutor the company declared itself."
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the error of a role that would be cleared."""
        if "collector" not in raw or raw["collector"] is not None:
            return []
        detail = message("{name} cannot be null; omit it to keep its value.", name="collector")
        return [FieldError("/collector", "required", detail)]


class CollectorShown(BaseModel):
    """The role in which the company collects, and what it has on file as a third party."""

    collector: Literal["creditor", "third_party"] = Field(
        description="Whether the company collects its own debts, or those of others."
    )
    registration_number: str | None = Field(description="Register and number of the company.")
    address: list[str] = Field(description="Lines of the company's address.")
    insurer: str | None = Field(description="Insurer of the company's professional liability.")
    insurance_policy: str | None = Field(description="Number of the insurance policy.")
    insured_until: Day | None = Field(description="Last day of the insurance.")
    client_iban: str | None = Field(description="IBAN of the account that holds creditors' money alone.")
    declared_on: Day | None = Field(description="Day of the declaration to the public prosecutor.")
    declared_to: str | None = Field(description="Court of that prosecutor.")
    missing: list[str] = Field(
        description="Fields that a third party lacks; in live it contacts nobody before they are on file."
    )


_BODY: Final = JsonBody(CollectorBody, optional=False)


def read_collector_changes(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that some fields request; raise Invalid with every wrong one."""
    return collector_changes(_BODY.check(dict(raw)))


def collector_changes(collector_body: CollectorBody) -> dict[str, Any]:
    """Return the changes that a body requests."""
    changes = {name: getattr(collector_body, name) for name in collector_body.model_fields_set}
    if "address" in changes:
        changes["address"] = tuple(changes["address"] or ())
    return changes


def serialize_collector(collector_file: CollectorFile, today: date) -> dict[str, Any]:
    """Return the role of a company, and what it has on file, as the API shows it."""
    is_third_party = collector_file.collector == "third_party"
    return {
        "collector": collector_file.collector,
        "registration_number": collector_file.registration_number,
        "address": list(collector_file.address),
        "insurer": collector_file.insurer,
        "insurance_policy": collector_file.insurance_policy,
        "insured_until": json.day(collector_file.insured_until),
        "client_iban": collector_file.client_iban,
        "declared_on": json.day(collector_file.declared_on),
        "declared_to": collector_file.declared_to,
        "missing": list(collector_file.missing_fields(today)) if is_third_party else [],
    }
