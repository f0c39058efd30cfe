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
# The contrast (WCAG 2.2, 1.4.3) of every method, title and path against what is behind it, layer over layer.
CONTRAST = """() => {
  const rgba = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
  const behind = one => one === null ? [255, 255, 255]
    : over(rgba(getComputedStyle(one).backgroundColor), behind(one.parentElement));
  const light = color => color.map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const parts = ".opblock-summary-method, .opblock-summary-description, .opblock-summary-path, .opblock-tag small, nav a";
  return Object.fromEntries([...document.querySelectorAll(parts)].map(one => {
    const back = behind(one), front = over(rgba(getComputedStyle(one).color), back);
    const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
    return [one.className + " " + one.textContent, (high + .05) / (low + .05)];
  }));
}"""


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
    job: list[str] = []

    def on_request(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            job.append(request.url)

    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", on_request)
    return complaints, job


async def create_debt(page: Page) -> str:
    """Run the example of POST /debts and return the status that the page shows."""
    await page.click(f"{CREATE} .opblock-summary-control")
    await page.click(f"{CREATE} button.try-out__btn")
    await page.click(f"{CREATE} button.execute")
    text_content = await page.text_content(f"{CREATE} .live-responses-table tbody td.response-col_status")
    return str(text_content).strip()


async def test_a_sandbox_key_authorises_and_a_call_creates_a_debt(
    page, running, company, tmp_path: Path
) -> None:
    complaints, request = watch(page)
    await page.goto(f"{running}/docs")

    await page.click("button.authorize")
    await page.fill("#auth-bearer-value", company.key)
    await page.click('button[aria-label="Apply credentials"]')
    await page.click("button.btn-done")
    status = await create_debt(page)

    await page.screenshot(path=tmp_path / "created.png")
    text_content = await page.text_content(f"{CREATE} .live-responses-table tbody .highlight-code")
    assert status.startswith("201")
    assert '"reference": "F-2024-0847"' in str(text_content)
    assert complaints == []
    assert [address for address in request if not address.startswith(running)] == []


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

    text_content = await page.text_content(f"{CREATE} .live-responses-table tbody .highlight-code")
    assert status.startswith("401")
    assert "Send an access token or a sandbox key" in str(text_content)


async def test_the_explorer_opens_with_debts_and_every_other_group_folded(page, running) -> None:
    complaints, _ = watch(page)
    await page.goto(f"{running}/docs")
    await page.wait_for_selector(CREATE)

    groups = await page.locator(".opblock-tag[data-tag]").evaluate_all(
        "them => them.map(one => [one.dataset.tag, one.dataset.isOpen])"
    )

    assert groups[0] == ["Debts", "true"]
    assert {is_open for _, is_open in groups[1:]} == {"false"}
    assert len(groups) > 15
    assert complaints == []


async def test_a_link_to_an_operation_opens_its_group(page, running) -> None:
    await page.goto(f"{running}/docs#/Webhooks/create_webhook")

    await page.wait_for_selector("#operations-Webhooks-create_webhook .opblock-body")

    assert await page.locator(CREATE).count() == 0


async def test_an_operation_is_called_by_its_title(page, running) -> None:
    await page.goto(f"{running}/docs")

    title = page.locator(f"{CREATE} .opblock-summary-description")
    path = page.locator(f"{CREATE} .opblock-summary-path")
    places = [await item.bounding_box() for item in (title, path)]

    assert await title.text_content() == "Create a debt"
    assert places[0]["x"] < places[1]["x"]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/docs/events"])
async def test_every_page_is_read_without_scrolling_sideways_at_390_pixels(
    page, running, path: str, color_scheme: str
) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme=color_scheme)
    await page.goto(f"{running}{path}")
    if path == "/docs":
        for operation in ("create_debt", "list_debts"):
            await page.click(f"#operations-Debts-{operation} .opblock-summary-control")
            await page.wait_for_selector(f"#operations-Debts-{operation} .responses-table")

    too_wide = await page.evaluate(
        """() => [...document.querySelectorAll("table, td, th, p, h1, h2, .opblock, .opblock-summary")]
        .filter(one => !one.closest("pre") && one.getBoundingClientRect().right > 390)
        .map(one => one.className || one.tagName)"""
    )
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert too_wide == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(28, 32, 34)"}[color_scheme]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
async def test_methods_and_titles_are_contrasted_enough(page, running, color_scheme: str) -> None:
    await page.emulate_media(color_scheme=color_scheme)
    await page.goto(f"{running}/docs")
    await page.wait_for_selector(CREATE)

    ratios = await page.evaluate(CONTRAST)

    assert len(ratios) > 20
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}
