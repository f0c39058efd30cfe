"""The routes of reports and statistics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller
from getbill.kit.database import Database
from getbill.kit.http import Route, answer, problems, refuse_empty_range
from getbill.reports import queries, wire
from getbill.reports.wire import PeriodQuery, ReportShown, StatisticsShown

router = APIRouter(prefix="/external-api/v1", route_class=Route)

ReadsReports = Annotated[Caller, Depends(access.requires("reports:read"))]
ReadsCompany = Annotated[Caller, Depends(access.requires("company:read"))]


@router.get("/reports", tags=["Reports"], response_model=ReportShown, responses=problems(400))
async def get_report(
    request: Request, caller: ReadsReports, query: Annotated[PeriodQuery, Query()]
) -> Response:
    """Return the resolution rate, the amounts recovered and the average delay of a period.

    By default the last 90 days of the workspace's time.
    """
    database: Database = request.app.state.database
    today = caller.workspace.now().date()
    from_on, to_on = queries.period_of(query.from_on, query.to_on, today)
    refuse_empty_range("from", from_on, "to", to_on)
    return answer(
        200, wire.serialize_report(await queries.report(database, caller.workspace.id, from_on, to_on))
    )


@router.get("/company/statistics", tags=["Company"], response_model=StatisticsShown)
async def get_statistics(request: Request, caller: ReadsCompany) -> Response:
    """Return debts by status, open and recovered amounts, and the resolution rate."""
    database: Database = request.app.state.database
    return answer(200, wire.serialize_statistics(await queries.statistics(database, caller.workspace.id)))
