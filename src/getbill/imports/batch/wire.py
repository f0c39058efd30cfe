"""Request and response bodies of batches, with the documented names `temp_id` and `batch_name`.

`created` counts accepted rows in the response to a batch, and created debts when the batch is read later; at
the end `created` and `errors` sum to `total`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit.http import Flag, Instant
from getbill.kit.text.names import Name

# An invalid row is not an error of the request: the response is 202 and the report names it. So the OpenAPI
# document requires no more of a row than the request does.
BatchRow = Annotated[
    Any,
    Field(
        description="A debt, as in `POST /debts`, and `temp_id`: your id of the row (string or integer), repeated in each of its findings."
    ),
]


class BatchBody(BaseModel):
    """Thousands of debts in one request: at most 10,000 rows and 20 MB."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "debts": [
                        {
                            "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com"},
                            "amount": 2340.00,
                            "reference": "F-2024-0847",
                            "temp_id": "row-1",
                        }
                    ]
                }
            ]
        },
    )

    debts: Annotated[list[BatchRow], Field(min_length=1, max_length=10_000)]
    batch_name: Name | None = Field(None, max_length=200, description="Name of the batch.")
    accept_expensive_destination: Flag | None = Field(
        None, description="Default of `accept_expensive_destination` for rows that do not set it."
    )


class BatchFinding(BaseModel):
    """An error in a row, and how to fix it."""

    model_config = ConfigDict(title="BatchFinding")

    line: int = Field(
        description="Row number, from 0, equal to `index`, because a batch has no lines. For a file, the line number from 1."
    )
    index: int = Field(description="Position of the row in `debts`, from 0.")
    temp_id: str | int | None = Field(description="Your id of the row, as sent.")
    reference: str | None = Field(
        description="`reference` of the row, as sent; null if it has none.", examples=["F-2024-0847"]
    )
    column: str | None = Field(
        description="JSON pointer to the field in the row (RFC 6901).", examples=["/debtor/email"]
    )
    letter: str | None
    value: Any = Field(description="Value that was sent.")
    code: str
    severity: Literal["error", "warning"]
    message: str
    suggestion: str | float | None = Field(
        description="Suggested value, in the format of the field, if only one reading is possible:"
        ' 12.50 for `"12,50"`, `2024-01-15` for `"15/01/2024"`; otherwise null.'
    )
    outcome: str
    debt_id: str | None


class ErrorReport(BaseModel):
    """The first findings, and the URL of all of them."""

    rows: int = Field(description="Number of rows with findings.")
    findings: list[BatchFinding] = Field(description="The first 100 findings.")
    more: str | None = Field(description="URL of all findings; null if `findings` is complete.")


class BatchShown(BaseModel):
    """A batch and its progress."""

    batch_id: str = Field(examples=["batch_01m804scmte4gbpp4yw1mc91gy"])
    name: str
    status: Literal["processing", "completed", "failed", "undone"]
    total: int
    created: int = Field(
        description="Number of debts: accepted when the batch is created, created so far when it is read"
        " later."
    )
    unchanged: int = Field(
        description="Number of those rows whose debt already existed, created from the same body."
    )
    errors: int
    error_report: ErrorReport
    created_at: Instant
    completed_at: Instant | None
