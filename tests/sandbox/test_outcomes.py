"""The table of outcomes: over the API and in the guide, it is the one that the fakes read."""

import re
from pathlib import Path

import collecting
from calls import Site
from collecting import ContactWorkspace
from getbill.channels.senders import FICTION_RANGES, SIMULATED_DEBTORS
from getbill.kit import phones

GUIDE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
SECTION = GUIDE.split("## Simulated debtors")[1].split("\n## ")[0]


async def test_the_outcomes_are_listed_with_an_address_and_what_happens(workspace: ContactWorkspace) -> None:
    answered = await workspace.get("/sandbox/outcomes")

    assert answered.status == 200
    data = {line["outcome"]: line for line in answered.json()["data"]}
    assert list(data) == [debtor.name for debtor in SIMULATED_DEBTORS]
    assert data["promise"] == {
        "outcome": "promise",
        "email": "promise@example.com",
        "phone_ends_with": "84",
        "channels": ["email", "ai_call"],
        "description": "The debtor promises the balance for the fifth day after the contact, and pays on that day.",
    }
    assert (data["bounce"]["phone_ends_with"], data["bounce"]["channels"]) == (None, ["email"])
    assert (data["no-texts"]["email"], data["no-texts"]["channels"]) == (None, ["sms", "whatsapp"])
    ranges = answered.json()["phone_ranges"]
    assert ranges[0] == {
        "country": "FR",
        "kind": "mobile",
        "regulator": "Arcep, decision 2018-0881",
        "first": "+33639989980",
        "last": "+33639989999",
    }
    for line in ranges:
        assert phones.parse(line["first"]) == line["first"]
        assert phones.parse(line["last"]) == line["last"]


async def test_the_outcomes_are_described_in_the_callers_language(workspace: ContactWorkspace) -> None:
    answered = await workspace.get("/sandbox/outcomes", **{"Accept-Language": "fr"})

    assert answered.headers["content-language"] == "fr"
    descriptions = {line["outcome"]: line["description"] for line in answered.json()["data"]}
    assert descriptions["pays"] == "Le débiteur paie le solde deux jours après le contact."


async def test_live_simulates_nothing(site: Site) -> None:
    live = await collecting.open_live(site)

    answered = await live.get("/sandbox/outcomes")

    assert (answered.status, answered.json()["type"]) == (403, "/problems/sandbox-only")


def test_the_guide_has_a_row_for_each_outcome() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in SECTION.splitlines()
        if line.startswith("| `")
    ]

    assert rows == [
        [
            f"`{debtor.name}`",
            f"`{debtor.name}@`" if debtor.email else "",
            f"`{debtor.digits}`" if debtor.digits else "",
            str(debtor.description.filled({})),
        ]
        for debtor in SIMULATED_DEBTORS
    ]


def test_the_guide_names_every_range_and_who_reserves_it() -> None:
    rows = SECTION.split("| country |")[1]
    digits = re.sub(r"\D", "", rows.replace("+", ""))
    for fiction_range in FICTION_RANGES:
        assert fiction_range.regulator in rows
        if fiction_range.country in {"US", "CA"}:
            assert "`555-0180` to `555-0199` in every area code" in rows
        else:
            national = "0" + fiction_range.start[3:]
            # The last hundred of the range, as it is dialled in its country; German and British ones without their last 9.
            assert national in digits or national[:-1] in digits, national
