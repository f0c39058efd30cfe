"""A company's logo: a picture that goes with every e-mail."""

import pytest

import collecting
from companies.conftest import Change
from getbill import companies
from getbill.companies import Logo
from getbill.kit.database.transactions import Database
from getbill.kit.errors import Invalid
from installation import Installation
from make import Company


async def test_a_picture_that_no_mail_should_carry_is_no_logo(database: Database) -> None:
    workspace = await collecting.new_engine(database)
    company = (await workspace.snapshot()).company

    for image, code in ((b"<svg/>", "unknown-picture"), (b"\xff\xd8\xff" + b"x" * 200_000, "too-large")):
        with pytest.raises(Invalid) as refusal:
            await companies.set_logo(database, company.id, image)
        assert [error.code for error in refusal.value.errors] == [code]


async def test_a_logo_is_kept_for_each_workspace_and_replaced(
    installation: Installation, company: Company, change: Change
) -> None:
    company_id = company.founded.company_id
    assert await change(companies.logo, company.live.id) is None

    await companies.set_logo(installation.database, company_id, b"\x89PNG\r\n\x1a\n-first")
    stored = await companies.set_logo(installation.database, company_id, b"\xff\xd8\xff-second")

    assert stored == Logo("image/jpeg", b"\xff\xd8\xff-second")
    assert await change(companies.logo, company.live.id) == stored
    assert await change(companies.logo, company.sandbox.id) == stored
