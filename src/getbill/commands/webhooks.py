"""`getbill webhooks`: the webhook endpoints of a company."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer

from getbill import webhooks
from getbill.access import OPERATOR
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName, CreatorEmail
from getbill.companies import Workspace
from getbill.events import KINDS
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.settings import Settings
from getbill.vault import Vault

commands = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Manage webhook endpoints and their deliveries."
)

POLL_SECONDS = 1.0
_UNREACHABLE_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

WorkspaceName = Annotated[str, typer.Option("--workspace", help="Kind, name or id of the workspace.")]
WebhookId = Annotated[str, typer.Argument(help="Id of the webhook, as shown by `list`.", metavar="WEBHOOK")]


class HeaderUnreadable(CannotRun):
    """A header is not in the form of a name, a colon and a value."""


@commands.command("list")
def list_webhooks(company: CompanyName = None, workspace: WorkspaceName = "live") -> None:
    """List a workspace's webhooks, without their secrets."""

    async def find_webhooks(database: Database, vault: Vault) -> list[dict[str, Any]]:
        target = await selection.load_workspace(database, vault, company, workspace)
        return [webhooks.serialize(endpoint) for endpoint in await webhooks.list_endpoints(database, target)]

    selection.print_json(connection.run(find_webhooks))


@commands.command()
def create(  # noqa: PLR0913 the options of a command are its parameters
    url: Annotated[
        str,
        typer.Argument(
            help="URL that receives the events: https, or in a sandbox also http on the loopback."
        ),
    ],
    event: Annotated[
        list[str] | None, typer.Option(help="Event to send; repeatable. Defaults to the six main ones.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="Display name.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(help='Additional header, "Name: value"; repeatable.')
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Key of `data` to send; repeatable. Defaults to all.")
    ] = None,
    retry_seconds: Annotated[
        list[int] | None,
        typer.Option(help="Seconds until the next attempt; repeatable. Defaults to the standard schedule."),
    ] = None,
    rate_per_second: Annotated[
        int | None, typer.Option(help="Maximum number of requests per second.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Maximum number of concurrent requests.")] = None,
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
    created_by: CreatorEmail = None,
) -> None:
    """Create a webhook endpoint for future events, and print its signing secret."""
    options = {
        "url": url,
        "events": event or None,
        "description": description,
        "headers": dict(_parse_header(text) for text in header or ()),
        "fields": field or None,
        "retry_schedule": retry_seconds or None,
        "rate_per_second": rate_per_second,
        "concurrency": concurrency,
    }
    webhook_body = {name: value for name, value in options.items() if value is not None}

    async def create_webhook(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        new_endpoint = webhooks.read_new(
            webhook_body, webhooks.EgressPolicy(target.is_live, Settings().webhook_networks)
        )
        creator = await selection.find_creator(database, target.company, created_by)
        async with database.transaction(target.now()) as tx:
            created_endpoint = await webhooks.create(tx, target, new_endpoint, creator)
        return webhooks.serialize(created_endpoint.endpoint) | {"secret": created_endpoint.secret}

    selection.print_json(connection.run(create_webhook))
    selection.remind_to_keep_secret()


def _parse_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise HeaderUnreadable(f'Write a header as "Name: value", not {name!r}.')
    return name.strip(), value.strip()


@commands.command()
def rotate(
    webhook: WebhookId,
    overlap_hours: Annotated[
        int,
        typer.Option(
            min=0, max=webhooks.OVERLAP_HOURS_MAX, help="Hours during which the old secret also signs."
        ),
    ] = webhooks.OVERLAP_HOURS_DEFAULT,
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
) -> None:
    """Replace the signing secret without interruption, and print the new one."""

    async def rotate_secret(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        async with database.transaction(target.now()) as tx:
            rotated_endpoint = await webhooks.rotate(
                tx, target, ids.read("we", webhook), overlap_hours, OPERATOR
            )
        return webhooks.serialize(rotated_endpoint.endpoint) | {"secret": rotated_endpoint.secret}

    selection.print_json(connection.run(rotate_secret))
    selection.remind_to_keep_secret()


@commands.command("test")
def send_sample(
    webhook: WebhookId,
    event: Annotated[str, typer.Option(help="Event of the sample.")] = "debt.created",
    is_next: Annotated[
        bool, typer.Option("--next-secret", help="Sign with the new secret of a rotation.")
    ] = False,
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
) -> None:
    """Send a sample now and print request and response; fails unless the endpoint accepted it."""
    if event not in KINDS:
        raise CannotRun(f"There is no event {event!r}. Valid events: {', '.join(KINDS)}.")

    async def send_test(settings: Settings, database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        endpoint = await webhooks.find(database, target, ids.read("we", webhook))
        poster = webhooks.WebhookClient(
            settings.webhook_networks, tls=webhooks.client_tls(settings.ca_bundle)
        )
        async with poster:
            test_delivery = await webhooks.EndpointTester(poster).send(
                target, endpoint, event, is_next=is_next
            )
        return webhooks.serialize_test(test_delivery, endpoint)

    outcome = connection.run_with_settings(send_test)
    selection.print_json(outcome)
    if outcome["status"] != "delivered":
        raise typer.Exit(1)


@commands.command()
def disable(webhook: WebhookId, company: CompanyName = None, workspace: WorkspaceName = "live") -> None:
    """Disable a webhook endpoint; its events are kept until it is enabled again."""
    _update_webhook(webhook, company, workspace, {"is_enabled": False})


@commands.command()
def enable(
    webhook: WebhookId,
    send_missed: Annotated[
        bool,
        typer.Option("--send-missed/--skip-missed", help="Send or drop the events missed while disabled."),
    ] = True,
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
) -> None:
    """Enable a webhook endpoint."""
    _update_webhook(webhook, company, workspace, {"is_enabled": True, "send_missed": send_missed})


def _update_webhook(webhook: str, company: str | None, workspace: str, changes: dict[str, Any]) -> None:
    async def update_endpoint(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        async with database.transaction(target.now()) as tx:
            endpoint = await webhooks.update(tx, target, ids.read("we", webhook), changes, OPERATOR)
            return webhooks.serialize(endpoint)

    selection.print_json(connection.run(update_endpoint))


@commands.command()
def delete(webhook: WebhookId, company: CompanyName = None, workspace: WorkspaceName = "live") -> None:
    """Delete a webhook endpoint with its pending deliveries; its log is kept."""

    async def delete_endpoint(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        async with database.transaction(target.now()) as tx:
            await webhooks.delete(tx, target, ids.read("we", webhook))
        return {"id": webhook, "deleted": True}

    selection.print_json(connection.run(delete_endpoint))


@commands.command()
def replay(  # noqa: PLR0913 the options of a command are its parameters
    webhook: WebhookId,
    webhook_id: Annotated[
        list[str] | None, typer.Option(help="Event to send, by `webhook_id`; repeatable.")
    ] = None,
    delivery: Annotated[list[str] | None, typer.Option(help="Delivery to send (wd_...); repeatable.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Start of the range, such as 2024-03-15T14:32:07Z.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="End of the range (exclusive). Defaults to now.")
    ] = None,
    event: Annotated[list[str] | None, typer.Option(help="In a range: only this event; repeatable.")] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="In a range: only deliveries with this status, such as `exhausted`."),
    ] = None,
    to_webhook: Annotated[str | None, typer.Option(help="Target webhook; defaults to the same one.")] = None,
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
) -> None:
    """Send events again: selected events, selected deliveries, or a range of time."""
    options = {
        "webhook_ids": webhook_id or None,
        "deliveries": delivery or None,
        "from": since,
        "to": until,
        "events": event or None,
        "status": status or None,
        "to_webhook": to_webhook,
    }
    replay_body = {name: value for name, value in options.items() if value is not None}

    async def replay_events(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        replay_request = webhooks.read_replay(replay_body, ids.read("we", webhook))
        async with database.transaction(target.now()) as tx:
            replay_counts = await webhooks.replay(tx, target, replay_request, OPERATOR)
        return {"replayed": replay_counts.replayed, "already_pending": replay_counts.already_pending}

    selection.print_json(connection.run(replay_events))


@commands.command()
def tail(
    webhook: Annotated[str | None, typer.Option(help="Only this webhook.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
) -> None:
    """Print each delivery attempt as it finishes, until Ctrl-C."""

    async def follow_deliveries(database: Database, vault: Vault) -> None:
        target = await selection.load_workspace(database, vault, company, workspace)
        endpoint_id = None
        if webhook is not None:
            endpoint_id = (await webhooks.find(database, target, ids.read("we", webhook))).id
        await _print_deliveries(database, target, endpoint_id, as_json=as_json)

    connection.run(follow_deliveries)


async def _print_deliveries(
    database: Database, target: Workspace, endpoint_id: UUID | None, *, as_json: bool
) -> None:
    follower = webhooks.LogTail(database, target, endpoint_id, clock.wall())
    typer.echo("Waiting for new entries. Press Ctrl-C to stop.", err=True)
    is_unreachable = False
    while True:
        try:
            async for delivery in follower.poll():
                typer.echo(json.write(delivery).decode() if as_json else _delivery_line(delivery))
            if is_unreachable:
                typer.echo("The database is available again.", err=True)
            is_unreachable = False
        except BrokenPipeError:
            raise
        except _UNREACHABLE_ERRORS:
            if not is_unreachable:
                typer.echo("The database is not available; retrying every second.", err=True)
            is_unreachable = True
        await asyncio.sleep(POLL_SECONDS)


def _delivery_line(delivery: dict[str, Any]) -> str:
    last_attempt = delivery["last_attempt"] or {}
    words = [
        delivery["settled_at"],
        delivery["status"],
        str(last_attempt.get("status") or "-"),
        f"{last_attempt['duration_ms']}ms" if last_attempt else "-",
        delivery["event"],
        delivery["webhook_id"],
        delivery["debt_id"] or "-",
        delivery["endpoint_id"],
        "replay" if delivery["replay"] else "",
        last_attempt.get("error") or "",
    ]
    return " ".join(word for word in words if word)
