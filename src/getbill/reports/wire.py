"""Request and response schemas of reports."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from getbill.kit import json
from getbill.kit.errors import WrongValue
from getbill.kit.http import Day, MoneyNumber, QueryDay
from getbill.kit.messages import VALUE, message
from getbill.kit.money import Money
from getbill.reports.queries import Report, Statistics


def _plausible(value: date) -> date:
    if not 1990 <= value.year <= 2200:
        raise WrongValue(message("{subject} must be between 1990-01-01 and 2200-12-31.", subject=VALUE))
    return value


DayReported = Annotated[QueryDay, AfterValidator(_plausible)]


class PeriodQuery(BaseModel):
    """The days that a report covers."""

    model_config = ConfigDict(extra="forbid")

    from_on: DayReported | None = Field(
        None, alias="from", description="First day, YYYY-MM-DD. Defaults to 90 days before `to`."
    )
    to_on: DayReported | None = Field(
        None, alias="to", description="Last day, YYYY-MM-DD. Defaults to today in workspace time."
    )


class Period(BaseModel):
    """The days that a report covers, both included."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from": "2024-01-01", "to": "2024-03-30"}]})

    from_on: Day = Field(alias="from")
    to_on: Day = Field(alias="to")


Amounts = Annotated[dict[str, MoneyNumber], Field(examples=[{"EUR": 2340.00}])]
Rate = Annotated[float | None, Field(ge=0, le=1, examples=[0.4])]


class ReportShown(BaseModel):
    """The results of collection in a period."""

    period: Period
    resolution_rate: Rate = Field(
        description="Share of the debts created in the period that are resolved, 0 to 1; null if none were created."
    )
    amounts_recovered: Amounts = Field(
        description="Payments minus refunds, chargebacks and reversals in the period, by currency."
    )
    average_delay_days: float | None = Field(
        description="Average number of days from creation to resolution of the debts resolved in the period."
    )
    debts_created: int
    debts_resolved: int


class DebtCounts(BaseModel):
    """The number of debts, in total and by status."""

    total: int
    by_status: dict[str, int] = Field(examples=[{"pending": 3, "in_progress": 8, "resolved": 5}])


class StatisticsShown(BaseModel):
    """The current state of the company's debt collection."""

    debts: DebtCounts
    open_amounts: Amounts = Field(description="Outstanding balance of open debts, by currency.")
    recovered_amounts: Amounts = Field(
        description="Payments minus refunds, chargebacks and reversals, by currency."
    )
    resolution_rate: Rate = Field(description="Share of debts that are resolved, 0 to 1; null without debts.")


def _amounts(amounts: list[Money]) -> dict[str, Any]:
    return {money.currency: money.decimal for money in amounts}


def serialize_report(report: Report) -> dict[str, Any]:
    """Return a report as a response."""
    return {
        "period": {"from": json.day(report.from_on), "to": json.day(report.to_on)},
        "resolution_rate": report.resolution_rate,
        "amounts_recovered": _amounts(report.recovered),
        "average_delay_days": report.average_delay_days,
        "debts_created": report.created,
        "debts_resolved": report.resolved,
    }


def serialize_statistics(statistics: Statistics) -> dict[str, Any]:
    """Return a workspace's statistics as a response."""
    return {
        "debts": {"total": statistics.total, "by_status": statistics.by_status},
        "open_amounts": _amounts(statistics.open),
        "recovered_amounts": _amounts(statistics.recovered),
        "resolution_rate": statistics.resolution_rate,
    }
