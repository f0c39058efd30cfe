"""The route for gateway reports, signed by the Standard Webhooks specification 1.0."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, companies, followups
from getbill.channels import Channel
from getbill.channels.senders import GatewaySettings
from getbill.contacts.callbacks import status_callbacks, wire
from getbill.contacts.callbacks.wire import ReportAccepted, ReportBody
from getbill.kit import clock, ids
from getbill.kit.database import Database
from getbill.kit.errors import Conflict, NotFound, Unauthenticated
from getbill.kit.http import Route, answer, body, problems
from getbill.kit.messages import excerpt, message
from getbill.kit.signing import secret_key, standard_verifies

router = APIRouter(prefix="/gateways", tags=["Gateways"], route_class=Route)

# Tolerated clock difference of a gateway; an older report may be a replay.
_TOLERANCE_SECONDS = 300


class ReportNotSigned(Unauthenticated):
    """The report is not signed with the secret of this channel's gateway, or its signature is too old."""

    code = "report-not-signed"
    way_out = "Sign id, timestamp and raw body with the gateway's secret, according to Standard Webhooks 1.0."


class ReportTooEarly(Conflict):
    """The message is still being handed over."""

    code = "report-too-early"
    way_out = "Send the report again in a few seconds."


@router.post(
    "/{channel}/status", response_model=ReportAccepted, responses=problems(400, 401, 404, 409, 413, 415, 422)
)
async def report_status(
    request: Request,
    channel: str,
    report: Annotated[ReportBody, body(ReportBody)],
    webhook_id: Annotated[str, Header()] = "",
    webhook_timestamp: Annotated[str, Header()] = "",
    webhook_signature: Annotated[str, Header()] = "",
) -> Response:
    """Accept a gateway's report on a message: delivered, answered, unanswered or failed.

    A repeated report changes nothing. On 409, send the report again in a few seconds.
    """
    gateway = _find_gateway(request, channel)
    signature_headers = (webhook_id, webhook_timestamp, webhook_signature)
    _verify(gateway, await request.body(), signature_headers)
    database: Database = request.app.state.database
    workspace_id = ids.read("workspace", report.workspace)
    workspace = await companies.workspace(database, access.auth_context_of(request).vault, workspace_id)
    followup = await followups.find(database, workspace, ids.read("followup", report.id))
    if followup.step is None or followup.channel != gateway.channel:
        raise NotFound(
            message("There is no {channel} message {id}.", channel=gateway.channel, id=excerpt(report.id))
        )
    has_changed = await status_callbacks.receive_callback(
        database, workspace, followup.id, wire.parse_report(report)
    )
    if not has_changed and followup.status == "in_progress":
        raise ReportTooEarly(message("{id} is still being sent.", id=excerpt(report.id)))
    return answer(200, {"changed": has_changed})


def _find_gateway(request: Request, channel: str) -> GatewaySettings:
    gateways: dict[Channel, GatewaySettings] = request.app.state.gateways
    gateway = next((candidate for candidate in gateways.values() if candidate.channel == channel), None)
    if gateway is None:
        raise NotFound(message("No gateway is configured for '{channel}'.", channel=excerpt(channel)))
    return gateway


def _verify(gateway: GatewaySettings, raw: bytes, signature_headers: tuple[str, str, str]) -> None:
    message_id, timestamp, signatures = signature_headers
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise ReportNotSigned(message("The header webhook-timestamp is missing: a Unix time in seconds."))
    if abs(clock.wall().timestamp() - int(timestamp)) > _TOLERANCE_SECONDS:
        raise ReportNotSigned(
            message("The report's timestamp differs from the current time by more than five minutes.")
        )
    key = secret_key(gateway.secret.get_secret_value())
    if not standard_verifies(key, message_id, int(timestamp), raw, signatures):
        raise ReportNotSigned(message("The signature does not match this channel's gateway."))
