"""A scenario ends after its last step, on whatever day it begins."""

import json
from typing import Any

import pytest

from calls import Site
from getbill.kit.calendar import Region
from getbill.scenarios import BUILT_IN, parse
from getbill.scenarios.ending import ends_too_early

FRANCE = Region("FR")


def scenario(steps: list[tuple[int, str]], end: int, unit: str = "days", **changes: Any) -> dict[str, Any]:
    named = [
        {
            "key": f"step_{at}",
            "wave": 1,
            "offset": offset,
            "unit": unit,
            "channel": "email",
            "template": "wave_1_email",
        }
        for at, (offset, unit) in enumerate(steps)
    ]
    return {"name": "ours", "steps": named, "end": {"offset": end, "unit": unit}} | changes


def verdict(content: dict[str, Any]) -> str | None:
    whole = content | {"id": "01930000-0000-7000-8000-000000000000", "version": 1}
    return ends_too_early(parse(json.dumps(whole)), FRANCE)


@pytest.mark.parametrize(
    "content",
    [
        # A Saturday moves the step to Monday.
        scenario([(7, "days")], 8),
        # Five business days are seven days at least.
        scenario([(5, "business_days")], 7),
        # The last of five steps of one day is taken on the fifth day it may be.
        scenario([(0, "days")] * 5, 3),
        # Late in the evening is the next day.
        scenario([(0, "hours"), (47, "hours")], 2),
        # A spacing of a week between three steps.
        scenario([(0, "days"), (1, "days"), (2, "days")], 10, spacing_days=7),
        # Christmas is longer than a weekend.
        scenario([(0, "days")], 2),
    ],
)
def test_an_end_that_can_fall_before_the_last_step_is_found(content: dict[str, Any]) -> None:
    sentence = verdict(content)

    assert sentence is not None
    assert "end the scenario on day" in sentence


@pytest.mark.parametrize(
    "content",
    [
        scenario([(0, "days"), (7, "days")], 12),
        scenario([(0, "days"), (5, "business_days")], 20),
        scenario([(0, "days")], 0, exclusions={"weekends": False, "public_holidays": False}),
        scenario([(0, "days"), (2, "days")], 2, exclusions={"weekends": False, "public_holidays": False}),
        scenario([(0, "hours"), (4, "hours")], 1, exclusions={"weekends": False, "public_holidays": False}),
        scenario(
            [(3660, "business_days")], 3660 * 24 // 24, "business_days", exclusions={"public_holidays": True}
        ),
    ],
)
def test_an_end_after_every_step_stays(content: dict[str, Any]) -> None:
    assert verdict(content) is None


def test_the_scenarios_that_come_with_getbill_end_after_their_steps() -> None:
    assert [item.name for item in BUILT_IN if ends_too_early(item, FRANCE)] == []


async def test_writing_one_is_refused_with_the_day_that_would_be_right(sandbox: Site) -> None:
    early = scenario([(0, "days"), (7, "days")], 8)
    refused = await sandbox.post("/external-api/v1/scenarios", early)

    [error] = refused.json()["errors"]
    assert (refused.status, error["pointer"]) == (422, "/end/offset")
    needed = int(error["detail"].split("on day ")[1].split(" ")[0])
    accepted = await sandbox.post("/external-api/v1/scenarios", early | {"end": {"offset": needed}})
    assert accepted.status == 201


async def test_a_step_speaks_a_language_that_there_is(sandbox: Site) -> None:
    content = scenario([(0, "days")], 20)
    content["steps"][0]["language"] = "zz"

    answer = await sandbox.post("/external-api/v1/scenarios", content)

    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/steps/0/language")
