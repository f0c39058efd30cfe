"""Checks of a batch: its own fields, the sender's names of rows, and suggestions that can mean one thing."""

from typing import Any

import pytest

import make
from calls import Answer, Site
from getbill.kit import json


async def send(site: Site, body: Any) -> Answer:
    return await site.call(
        "POST", "/external-api/v1/debts/batch", body=json.write(body), headers={"accept-language": "en"}
    )


async def test_a_hidden_character_in_a_batchs_name_and_a_flag_that_is_a_text_are_refused(
    sandbox: Site,
) -> None:
    body = {"debts": [make.debt()], "batch_name": "Aut\u202eumn", "accept_expensive_destination": "yes"}

    refused = await send(sandbox, body)

    assert refused.status == 422
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/accept_expensive_destination", "not-true-or-false"),
        ("/batch_name", "characters"),
    ]


@pytest.mark.parametrize("temp_id", [True, 1.5, "x" * 201, ["a"]])
async def test_a_temp_id_that_is_neither_a_short_text_nor_an_integer_refuses_its_row(
    sandbox: Site, temp_id: Any
) -> None:
    answered = await send(sandbox, {"debts": [make.debt(temp_id=temp_id), make.debt(temp_id=7)]})

    shown = answered.json()
    assert (shown["created"], shown["errors"]) == (1, 1)
    (finding,) = shown["error_report"]["findings"]
    assert (finding["index"], finding["temp_id"], finding["column"]) == (0, None, "/temp_id")
    assert finding["message"] == "A temp_id must be a string of at most 200 characters, or an integer."


@pytest.mark.parametrize(
    ("changes", "column", "suggestion"),
    [
        ({"debtor": {"language": "fr-FR"}}, "/debtor/language", "fr"),
        ({"debtor": {"language": "french"}}, "/debtor/language", None),
        ({"amount": "1 234,50"}, "/amount", 1234.5),
        # Grouped as no country does: it is no number in any notation.
        ({"amount": "1,23.4,5"}, "/amount", None),
        # 1234 or 1.234 euros.
        ({"amount": "1.234"}, "/amount", None),
        ({"due_date": "15/01/2026"}, "/due_date", "2026-01-15"),
        # In January or in February.
        ({"due_date": "02/01/2026"}, "/due_date", None),
        ({"due_date": "2026"}, "/due_date", None),
    ],
)
async def test_a_value_is_suggested_where_only_one_can_be_meant(
    sandbox: Site, changes: dict[str, Any], column: str, suggestion: Any
) -> None:
    answered = await send(sandbox, {"debts": [make.debt(**changes)]})

    (finding,) = answered.json()["error_report"]["findings"]
    assert (finding["column"], finding["suggestion"]) == (column, suggestion)
