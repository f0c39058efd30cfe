"""The API as one ASGI application: every package's routes behind authentication, built from the settings.

It opens the database on startup, checks it (revision, master key), and closes it on shutdown.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

import getbill
from getbill import access, events, explorer, health, imports, reactions, streams, vault, webhooks
from getbill.channels.senders import read_gateways
from getbill.compliance import api as compliance_api
from getbill.contacts import api as contacts_api
from getbill.contacts import callbacks_router
from getbill.credentials import api as credentials_api
from getbill.creditors import api as creditors_api
from getbill.debts import ErasureJournal
from getbill.debts import api as debts_api
from getbill.embedded import Outage
from getbill.followups import api as followups_api
from getbill.imports import api as imports_api
from getbill.kit import clock
from getbill.kit.database import open_database
from getbill.kit.http import DirectRouter, describe, handle_problems, include_routes
from getbill.migrations import check_revision
from getbill.payments import api as payments_api
from getbill.process.warm_up import warm_up
from getbill.reports import api as reports_api
from getbill.sandbox import api as sandbox_api
from getbill.scenarios import api as scenarios_api
from getbill.settings import Settings
from getbill.sftp import api as sftp_api
from getbill.streams import api as streams_api
from getbill.templates import api as templates_api
from getbill.todo_decisions import api as todo_decisions_api
from getbill.todos import api as todos_api
from getbill.webhooks import EndpointTester, WebhookClient, client_tls
from getbill.webhooks import api as webhooks_api

_DESCRIPTION = """
GetBill is self-hosted software for amicable debt collection. Create a debt, and GetBill contacts the debtor by e-mail,
SMS, AI call and letter until the debtor pays, agrees to a payment plan or disputes the debt. Signed webhooks notify
your systems.

Authorize with a sandbox key, or with the client credentials of a live OAuth client.
"""


def create_app(settings: Settings, outage: Outage | None = None) -> FastAPI:
    """Create the API of an installation; with an outage, report its reason while the database is down."""
    app = FastAPI(
        title="GetBill API",
        version=getbill.__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # `describe` has the route, which serializes the document once.
        openapi_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
        # Telemetry has no collector; checking for one at every request is not free.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.outage = outage
    apis = (
        compliance_api,
        credentials_api,
        creditors_api,
        debts_api,
        todo_decisions_api,
        followups_api,
        imports_api,
        payments_api,
        reports_api,
        sandbox_api,
        scenarios_api,
        sftp_api,
        streams_api,
        templates_api,
        contacts_api,
        todos_api,
        webhooks_api,
    )
    # The path of a batch also matches the route of one debt.
    include_routes(app.router, imports.batch_router, callbacks_router, *(api.router for api in apis))
    include_routes(app.router, access.router, health.router, explorer.router)
    explorer.mount_assets(app)
    handle_problems(app)
    describe(app, explorer.finish_document, explorer.MODELS)
    # The last one added is the outermost.
    app.add_middleware(DirectRouter, api=app)
    app.add_middleware(access.Middleware)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    warm_up()
    async with health.open_when_ready(app, partial(open_state, app, settings), app.state.outage):
        yield


async def open_state(app: FastAPI, settings: Settings, stack: AsyncExitStack) -> None:
    """Open what the routes need, to be closed by the stack: database, vault, authentication context."""
    state: Any = app.state
    dsn = settings.dsn
    await check_revision(dsn)
    state.database = await open_database(dsn, reactions.before_commit, size=settings.database_connections)
    stack.push_async_callback(state.database.close)
    state.vault = await vault.unlock(state.database, settings.master_key_text, settings.key_file)
    await stack.enter_async_context(vault.hold_keys(state.database, state.vault, "api"))
    # Before the first request: debtors erased after a restored backup was made are erased again, and the
    # streams get a new epoch.
    state.journal = ErasureJournal(settings.erasure_journal_file)
    await state.journal.erase_again(state.database, state.vault)
    await state.journal.write(state.database)
    await events.HighWaterMarks(settings.marks_file).check(state.database)
    await access.prepare(state.database, state.vault, clock.wall(), settings.access_log_days)
    await webhooks.keep_partitions(state.database, clock.wall())
    state.auth = access.open_auth_context(state.database, state.vault, settings)
    stack.push_async_callback(state.auth.close)
    state.metrics_token = health.read_token(settings)
    state.gateways = read_gateways(settings.gateways_file)
    state.trials = EndpointTester(
        await stack.enter_async_context(
            WebhookClient(settings.webhook_networks, tls=client_tls(settings.ca_bundle))
        )
    )
    state.summaries = imports.summaries
    state.checkers = imports.Checkers()
    stack.callback(state.checkers.close)
    state.long_polling = streams.LongPolling(state.database, dsn)
    stack.push_async_callback(state.long_polling.close)
