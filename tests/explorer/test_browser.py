"""The explorer as somebody uses it: authorise in the browser, run a call, see the debt."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Error, Page, Request, async_playwright

from getbill.explorer.api import SWAGGER_UI

# Without these a browser keeps asking for hosts of its maker's.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CREATE = "#operations-Debts-create_debt"


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    if not (SWAGGER_UI / "swagger-ui-bundle.js").is_file():
        pytest.skip("the explorer is not built: run bin/assets")
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        except Error as error:
            pytest.skip(f"there is no Chromium: {error.message.splitlines()[0]}")
        page = await browser.new_page(viewport={"width": 1280, "height": 1000}, locale="en-GB")
        page.set_default_timeout(30_000)
        yield page
        await browser.close()


def watch(page: Page) -> tuple[list[str], list[str]]:
    """Have every complaint of the browser and every address it asks noted."""
    complaints: list[str] = []
    asked: list[str] = []

    def on_request(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            asked.append(request.url)

    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", on_request)
    return complaints, asked


async def create_debt(page: Page) -> str:
    """Run the example of POST /debts and return the status that the page shows."""
    await page.click(f"{CREATE} .opblock-summary-control")
    await page.click(f"{CREATE} button.try-out__btn")
    await page.click(f"{CREATE} button.execute")
    shown = await page.text_content(f"{CREATE} .live-responses-table tbody td.response-col_status")
    return str(shown).strip()


async def test_a_sandbox_key_authorises_and_a_call_creates_a_debt(
    page, running, company, tmp_path: Path
) -> None:
    complaints, asked = watch(page)
    await page.goto(f"{running}/docs")

    await page.click("button.authorize")
    await page.fill("#auth-bearer-value", company.key)
    await page.click('button[aria-label="Apply credentials"]')
    await page.click("button.btn-done")
    status = await create_debt(page)

    await page.screenshot(path=tmp_path / "created.png")
    shown = await page.text_content(f"{CREATE} .live-responses-table tbody .highlight-code")
    assert status.startswith("201")
    assert '"reference": "F-2024-0847"' in str(shown)
    assert complaints == []
    assert [address for address in asked if not address.startswith(running)] == []


async def test_client_credentials_authorise_too(page, running, company) -> None:
    complaints, _ = watch(page)
    await page.goto(f"{running}/docs")

    await page.click("button.authorize")
    await page.fill("#client_id_clientCredentials", company.client_id)
    await page.fill("#client_secret_clientCredentials", company.client_secret)
    await page.click('button[aria-label="Apply given OAuth2 credentials"]')
    await page.click("button.btn-done")
    status = await create_debt(page)

    assert status.startswith("201")
    assert complaints == []


async def test_without_a_credential_the_call_is_refused_with_the_way_out(page, running) -> None:
    await page.goto(f"{running}/docs")

    status = await create_debt(page)

    shown = await page.text_content(f"{CREATE} .live-responses-table tbody .highlight-code")
    assert status.startswith("401")
    assert "Send an access token or a sandbox key" in str(shown)
