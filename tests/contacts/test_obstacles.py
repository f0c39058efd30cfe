"""What a step lacks: known when the plan is made, told with its way out, and gone once it is supplied."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

import collecting
from calls import Site
from collecting import IBAN, JEAN, LYON, ContactWorkspace, Provider, WorkspaceEngine, at
from debts.test_rules import WORKSPACE, a_debt
from getbill import companies, compliance, contacts, debts, scenarios
from getbill.channels import Channel
from getbill.channels.senders import Senders
from getbill.contacts.schedule import reasons
from getbill.contacts.sending import StepNotPossible, load_render_context, render_message
from getbill.debtors import Identity
from getbill.debts import Debt, Details
from getbill.debts.obstacles import obstacles_of
from getbill.kit import ids
from getbill.kit.database.transactions import Database
from getbill.scenarios import Step

OTHER_IBAN = "DE89370400440532013000"
LETTERHEAD = ["1 rue du Four", "34000 MONTPELLIER"]
DEBT: dict[str, Any] = {
    "debtor": {
        "name": "Jean Dupont",
        "email": "jean.dupont@example.com",
        "phone": "+33612345678",
        "address": {
            "street_address": "12 rue des Lilas",
            "postal_code": "69003",
            "city": "Lyon",
            "country": "FR",
        },
    },
    "amount": 2340,
    "reference": "F-1",
}
SUPPRESSED = "never allowed: POLICY-SUPPRESSION"


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("obstacles")) as site:
        yield site
        await site.app.state.database.pool.execute("DELETE FROM contact_providers")


@pytest.fixture
async def live(site: Site) -> ContactWorkspace:
    workspace = await collecting.open_live(site)
    await workspace.engine.set_clock("2026-01-05 09:00")
    return workspace


@pytest.fixture
async def sandbox(site: Site) -> ContactWorkspace:
    workspace = await collecting.open_sandbox(site)
    await workspace.engine.set_clock("2026-01-05 09:00")
    return workspace


async def provide(workspace: ContactWorkspace, *channels: Channel) -> None:
    """Have the installation restart with providers for these channels."""
    engine = workspace.engine
    engine.context = replace(
        engine.context, senders=Senders({channel: Provider(channel) for channel in channels})
    )
    await contacts.report_providers(engine.context)
    # The workspaces of other tests have keys of their own.
    await engine.database.pool.execute("DELETE FROM replans WHERE workspace_id <> $1", engine.id)
    workspace.site.app.state.auth.invalidate(engine.id)


async def planned(workspace: ContactWorkspace, debt_id: str, **headers: str) -> dict[str, dict[str, Any]]:
    timeline = (await workspace.get(f"/debts/{debt_id}/timeline", **headers)).json()
    return {step["step"]: step for step in timeline["planned"]}


async def next_action_at(workspace: ContactWorkspace, debt_id: str) -> str:
    answered = await workspace.get(f"/debts/{debt_id}")
    return str(answered.json()["next_action_at"])


def codes(step: dict[str, Any]) -> list[str]:
    return [reason["rule"] for reason in step["blocked_by"]]


# --- the pure function ---

STEPS = scenarios.built_in("standard_3_waves").steps
BY_KEY = {step.key: step for step in STEPS}
LIVE = replace(
    WORKSPACE,
    kind="live",
    provided_channels=frozenset(Channel),
    template_names=frozenset(),
    company=replace(WORKSPACE.company, iban=IBAN, address=("1 rue du Four",), imprint="RCS Lyon 123"),
)


def lacking(debt: Debt, step: Step) -> list[str]:
    return [obstacle.code for obstacle in obstacles_of(debts.message_means(debt), step)]


def in_live(who: Identity = LYON, details: Details | None = None, **changes: Any) -> Debt:
    company = changes.pop("company", {})
    workspace = replace(LIVE, company=replace(LIVE.company, **company), **changes)
    return replace(a_debt(identity=who, details=details or Details()), workspace=workspace)


def test_a_step_that_lacks_nothing_has_no_obstacle() -> None:
    assert [lacking(in_live(), step) for step in STEPS] == [[]] * len(STEPS)


@pytest.mark.parametrize(
    ("debt", "step", "expected"),
    [
        (in_live(provided_channels=frozenset({"sms"})), "wave_1_email", ["NO-PROVIDER"]),
        (in_live(provided_channels=None), "wave_1_email", []),
        (in_live(company={"iban": None}), "wave_1_email", ["NO-MEANS-OF-PAYMENT"]),
        (in_live(company={"iban": None, "phone": "+33123456789"}), "wave_1_email", []),
        (in_live(company={"iban": None}, details=Details(iban=IBAN)), "wave_1_email", []),
        (in_live(details=Details(payment_link="ftp://pay.example")), "wave_1_sms", ["NO-MEANS-OF-PAYMENT"]),
        (in_live(company={"address": ()}), "wave_3_letter", ["NO-LETTERHEAD"]),
        (in_live(company={"imprint": None}), "wave_3_letter", ["NO-IMPRINT"]),
        (in_live(company={"imprint": None, "country": "DE"}), "wave_3_letter", []),
        (in_live(company={"address": ()}), "wave_1_email", []),
        (in_live(replace(LYON, street_address="x" * 300)), "wave_3_letter", ["ADDRESS-TOO-LONG"]),
        (in_live(replace(LYON, street_address="rue " * 60)), "wave_1_sms", []),
        (
            in_live(
                replace(LYON, street_address="rue " * 60),
                provided_channels=frozenset(),
                company={"iban": None, "address": (), "imprint": None},
            ),
            "wave_3_letter",
            ["NO-PROVIDER", "NO-MEANS-OF-PAYMENT", "NO-LETTERHEAD", "NO-IMPRINT", "ADDRESS-TOO-LONG"],
        ),
    ],
)
def test_a_step_names_everything_that_it_lacks(debt: Debt, step: str, expected: list[str]) -> None:
    assert lacking(debt, BY_KEY[step]) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (replace(BY_KEY["wave_1_email"], language="it"), ["TEMPLATE-MISSING"]),
        (replace(BY_KEY["wave_1_email"], language="es"), []),
        (replace(BY_KEY["wave_1_email"], template="gone_email"), ["TEMPLATE-MISSING"]),
        (replace(BY_KEY["wave_1_email"], template="ours_email", language="it"), []),
    ],
)
def test_a_template_that_is_missing_is_an_obstacle(step: Step, expected: list[str]) -> None:
    debt = in_live(template_names=frozenset({"ours_email"}))

    assert lacking(debt, step) == expected


def test_a_notice_of_a_third_party_is_not_sent_by_a_company_that_is_none() -> None:
    (letter,) = [step for step in scenarios.built_in("third_party_fr").steps if step.notices]
    third_party = in_live(company={"collector": "third_party"}, details=Details(iban=OTHER_IBAN))

    assert (lacking(in_live(), letter), lacking(third_party, letter)) == (["NOT-THIRD-PARTY"], [])


@pytest.mark.parametrize("street", ["rue", "é" * 38, "ß" * 19, "ß" * 38, "x" * 39, "a b " * 9, "a\tb" * 10])
@pytest.mark.parametrize("name", ["Jean", "J" * 38, "Jean " * 40])
async def test_what_is_planned_can_be_written(database: Database, street: str, name: str) -> None:
    debt = in_live(replace(LYON, street_address=street, name=name))
    async with database.transaction(at("2026-01-05 09:00")) as tx:
        context = await load_render_context(tx, debt.workspace_id, [debt])

    for step in STEPS:
        if lacking(debt, step):
            with pytest.raises(StepNotPossible):
                render_message(debt, step, "key", at("2026-01-05 09:00"), context)
        else:
            assert render_message(debt, step, "key", at("2026-01-05 09:00"), context).text


def test_every_stored_reason_has_its_code_and_every_obstacle_its_way_out() -> None:
    for code, text in debts.OBSTACLE_TEXTS.items():
        stored = text.format(channel="sms", template="wave_1_sms", language="it")
        assert debts.is_obstacle(stored)
        shown = reasons.stored_reason(stored)
        assert (shown.code, shown.text) == (code, stored)
        assert shown.way_out
    assert reasons.stored_reason(SUPPRESSED).way_out is not None
    assert reasons.stored_reason("550 5.1.1 No such user") == (None, "550 5.1.1 No such user", None)


def test_every_rule_has_its_text_in_the_catalogue() -> None:
    assert {rule.says for rule in compliance.STANDARD.rules} <= set(reasons.RULE_TEXTS)


# --- over the API ---


async def test_a_live_workspace_without_any_provider_shows_it_and_plans_once_there_is_one(
    live: ContactWorkspace,
) -> None:
    await provide(live)

    debt = (await live.post("/debts", DEBT)).json()
    steps = await planned(live, debt["id"])
    await provide(live, Channel.EMAIL)
    read = await planned(live, debt["id"])
    await live.engine.replan()

    assert debt["next_action_at"] == steps["end"]["due_at"] == "2026-02-03T23:00:00Z"
    assert {key: codes(step) for key, step in steps.items()} == {
        "wave_1_email": ["NO-PROVIDER"],
        "wave_1_sms": ["NO-PROVIDER"],
        "wave_2_call": ["NO-PROVIDER"],
        "wave_2_email": ["NO-PROVIDER"],
        "wave_3_letter": ["NO-PROVIDER", "NO-LETTERHEAD", "NO-IMPRINT"],
        "wave_3_call": ["NO-PROVIDER"],
        "end": [],
    }
    assert "restart the worker" in steps["wave_1_email"]["blocked_by"][0]["way_out"]
    assert read["wave_1_email"]["due_at"] == "2026-01-05T09:00:00Z"
    assert await next_action_at(live, debt["id"]) == "2026-01-05T09:00:00Z"
    await live.engine.send_due_live()
    assert await live.engine.followups(ids.read("debt", debt["id"])) == [("email", "sent")]


async def test_an_address_suppressed_after_planning_is_promised_no_more(sandbox: ContactWorkspace) -> None:
    debt = (await sandbox.post("/debts", DEBT)).json()

    entry = (await sandbox.post("/suppressions", {"email": "jean.dupont@example.com"})).json()
    steps, due_at = await planned(sandbox, debt["id"]), await next_action_at(sandbox, debt["id"])
    await sandbox.call("DELETE", f"/suppressions/{entry['id']}")

    assert debt["next_action_at"] == "2026-01-05T09:00:00Z"
    assert due_at == steps["wave_1_sms"]["due_at"] == "2026-01-08T09:00:00Z"
    (reason,) = steps["wave_1_email"]["blocked_by"]
    assert (steps["wave_1_email"]["due_at"], reason["rule"]) == (None, "POLICY-SUPPRESSION")
    assert "DELETE /suppressions/{id}" in reason["way_out"]
    assert await next_action_at(sandbox, debt["id"]) == "2026-01-05T09:00:00Z"
    assert await sandbox.engine.ledger(ids.read("debt", debt["id"])) == [
        ("wave_1_email", "stopped"),
        ("wave_1_email", "skipped"),
        ("wave_1_email", "planned"),
        ("wave_1_sms", "stopped"),
    ]


async def test_a_suppression_of_two_hundred_people_at_one_address_plans_all_of_them_anew(
    sandbox: ContactWorkspace,
) -> None:
    created = [
        (
            await sandbox.post(
                "/debts",
                {
                    "debtor": {"name": f"Person {number}", "email": "office@example.com"},
                    "amount": 100,
                    "reference": f"F-{number}",
                },
            )
        ).json()
        for number in range(200)
    ]

    await sandbox.post("/suppressions", {"email": "office@example.com"})

    rows = await sandbox.engine.database.pool.fetch(
        "SELECT next_action_at FROM debts WHERE workspace_id = $1", sandbox.engine.id
    )
    assert len(created) == 200
    assert {row["next_action_at"] for row in rows} == {at("2026-02-03 23:00")}


async def test_a_consent_plans_the_call_that_it_allows_and_withdrawn_twice_it_is_planned_no_more(
    sandbox: ContactWorkspace,
) -> None:
    steps = [{"key": "call", "wave": 1, "offset": 0, "channel": "ai_call", "template": "wave_2_call"}]
    await sandbox.post("/scenarios", {"name": "calls", "steps": steps, "end": {"offset": 20}})
    address = {"street_address": "1 F Street", "postal_code": "20001", "city": "Washington", "country": "US"}
    debtor = {"name": "Jane Roe", "phone": "+12025550143", "address": address}
    debt = (await sandbox.post("/debts", DEBT | {"debtor": debtor, "scenario": "calls"})).json()
    before = await planned(sandbox, debt["id"])

    body = {"phone": "+12025550143", "consent": "artificial_voice", "source": "a form"}
    consent = (await sandbox.post("/consents", body)).json()
    allowed, allowed_at = await planned(sandbox, debt["id"]), await next_action_at(sandbox, debt["id"])
    withdrawals = [await sandbox.call("DELETE", f"/consents/{consent['id']}") for _ in range(2)]

    (reason,) = before["call"]["blocked_by"]
    assert (reason["rule"], reason["way_out"]) == (
        "US-TCPA",
        "Record the debtor's consent with POST /consents.",
    )
    assert debt["next_action_at"] == before["end"]["due_at"]
    assert allowed_at == allowed["call"]["due_at"]
    assert [answered.status for answered in withdrawals] == [200, 200]
    assert await next_action_at(sandbox, debt["id"]) == before["end"]["due_at"]


async def test_a_company_without_an_iban_promises_nothing_until_it_has_one(live: ContactWorkspace) -> None:
    await provide(live, Channel.EMAIL)
    company = (await live.engine.snapshot()).company

    async def change(**values: str) -> None:
        async with live.engine.database.transaction(at("2026-01-05 09:00")) as tx:
            await companies.update(tx, company.id, companies.CompanyChanges(**values))
        live.site.app.state.auth.invalidate(company.id)
        await live.engine.replan()

    debt = (await live.post("/debts", DEBT)).json()
    await change(iban="", email="")
    steps, due_at = await planned(live, debt["id"]), await next_action_at(live, debt["id"])
    await change(iban=IBAN)

    assert codes(steps["wave_1_email"]) == ["NO-MEANS-OF-PAYMENT"]
    assert due_at == steps["end"]["due_at"]
    assert await next_action_at(live, debt["id"]) == debt["next_action_at"] == "2026-01-05T09:00:00Z"


async def test_a_message_that_cannot_be_written_is_told_with_all_its_obstacles(
    live: ContactWorkspace,
) -> None:
    await provide(live, Channel.LETTER)
    address = DEBT["debtor"]["address"] | {"street_address": "boulevard " * 30}
    debt = (await live.post("/debts", DEBT | {"debtor": DEBT["debtor"] | {"address": address}})).json()

    refused = await live.get(f"/debts/{debt['id']}/timeline/wave_3_letter")
    french = await live.get(f"/debts/{debt['id']}/timeline/wave_3_letter", Accept_Language="fr")

    assert refused.status == 409
    assert refused.json()["detail"] == (
        "The step would be skipped: the company has no letterhead, the company's letterhead has no imprint,"
        " the address does not fit the envelope window."
    )
    assert len(refused.json()["ways_out"]) == 3
    assert french.json()["detail"].startswith("L'étape serait sautée : l'entreprise n'a pas d'en-tête")
    assert french.json()["ways_out"][2].startswith("Raccourcissez l'adresse du débiteur")


async def test_a_timeline_speaks_french_and_its_codes_stay(live: ContactWorkspace) -> None:
    await provide(live, Channel.EMAIL)
    debt = (await live.post("/debts", DEBT)).json()
    await live.engine.send_due_live()

    answered = await live.get(f"/debts/{debt['id']}/timeline", Accept_Language="fr")

    timeline = answered.json()
    assert answered.headers["content-language"] == "fr"
    skipped = {attempt["step"]: attempt for attempt in timeline["past"] if attempt["state"] == "skipped"}
    assert skipped["wave_1_sms"]["reason"] == "pas de prestataire pour sms"
    assert skipped["wave_1_sms"]["reason_code"] == "NO-PROVIDER"
    assert skipped["wave_1_sms"]["way_out"].startswith("Configurez SMTP ou une passerelle")
    (email,) = [step for step in timeline["planned"] if step["step"] == "wave_2_email"]
    assert email["moved_by"][-1]["says"] == "E-mails et lettres : de 8 h à 20 h là où est le débiteur."


async def test_a_preview_knows_the_debtor_s_suppressions_and_the_installation_s_providers(
    live: ContactWorkspace,
) -> None:
    await provide(live, Channel.EMAIL, Channel.SMS)
    await live.post("/suppressions", {"email": "jean.dupont@example.com"})

    preview = await live.post("/scenarios/standard_3_waves/preview", {"debt": DEBT})
    debt = (await live.post("/debts", DEBT)).json()

    steps = {step["step"]: step for step in preview.json()["planned"]}
    assert steps == await planned(live, debt["id"])
    assert (codes(steps["wave_1_email"]), codes(steps["wave_2_call"])) == (
        ["POLICY-SUPPRESSION"],
        ["NO-PROVIDER"],
    )


async def test_a_step_in_a_language_without_a_template_is_told(sandbox: ContactWorkspace) -> None:
    steps = [
        {
            "key": "ask",
            "wave": 1,
            "offset": 0,
            "channel": "email",
            "template": "wave_1_email",
            "language": "it",
        },
        {"key": "again", "wave": 1, "offset": 3, "channel": "email", "template": "wave_1_email"},
    ]
    await sandbox.post("/scenarios", {"name": "italian", "steps": steps, "end": {"offset": 20}})

    debt = (await sandbox.post("/debts", DEBT | {"scenario": "italian"})).json()

    steps_by_key = await planned(sandbox, debt["id"])
    assert codes(steps_by_key["ask"]) == ["TEMPLATE-MISSING"]
    assert debt["next_action_at"] == steps_by_key["again"]["due_at"] == "2026-01-08T07:00:00Z"


async def test_a_debt_whose_contact_is_set_aside_promises_nothing(sandbox: ContactWorkspace) -> None:
    debt = (await sandbox.post("/debts", DEBT)).json()
    await sandbox.engine.database.pool.execute(
        "UPDATE contacts SET state = 'set_aside', reason = 'broken' WHERE workspace_id = $1",
        sandbox.engine.id,
    )

    steps = await planned(sandbox, debt["id"])

    assert {step["due_at"] for step in steps.values()} == {None}
    assert {codes(step)[0] for step in steps.values()} == {"CONTACT-SET-ASIDE"}


async def test_a_bounce_plans_the_other_debts_of_its_address_anew(sandbox: ContactWorkspace) -> None:
    body = DEBT | {"debtor": {"name": "Jean Dupont", "email": "office@example.com", "phone": "+33612345678"}}
    debt = (await sandbox.post("/debts", body)).json()
    engine: WorkspaceEngine = sandbox.engine
    snapshot = await engine.snapshot()
    async with engine.database.transaction(snapshot.now()) as tx:
        hashed = compliance.hash_of(snapshot, "office@example.com", None)
        await compliance.suppress(tx, snapshot.id, "email", hashed, "hard_bounce")
        await companies.request_replan(tx, snapshot.id, hashed)
    read = await planned(sandbox, debt["id"])

    await engine.replan()

    assert await next_action_at(sandbox, debt["id"]) == read["wave_1_sms"]["due_at"] == "2026-01-08T09:00:00Z"


async def test_a_request_that_begins_again_is_followed_from_its_start(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(JEAN)
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        await companies.request_replan(tx, snapshot.id)
        await companies.request_replan(tx, snapshot.id)

    seen_count = await workspace.replan()

    rows = await workspace.database.pool.fetch("SELECT * FROM replans WHERE workspace_id = $1", snapshot.id)
    assert (seen_count, rows) == (1, [])
    assert await workspace.ledger(debt.id) == [("wave_1_email", "planned")]
