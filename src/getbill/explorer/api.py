"""Routes of the explorer's pages.

Their content security policy allows only this installation's own files.
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from getbill import access, events, streams
from getbill.explorer import problems
from getbill.explorer.document import pushed_sample
from getbill.kit import json
from getbill.kit.errors import NotFound
from getbill.kit.http import language_of
from getbill.kit.messages import LANGUAGES, excerpt, message

router = APIRouter(include_in_schema=False)

HOME: Final = Path(str(files("getbill.explorer")))
# Built from the npm package `swagger-ui-dist`.
SWAGGER_UI: Final = Path(str(files("getbill"))) / "static" / "swagger"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
}


def mount_assets(app: FastAPI) -> None:
    """Serve the explorer's own files and Swagger UI's."""
    app.mount("/docs/assets", StaticFiles(directory=HOME / "assets"), name="explorer-assets")
    app.mount("/docs/swagger-ui", StaticFiles(directory=SWAGGER_UI, check_dir=False), name="swagger-ui")


@router.get("/docs")
async def explorer(request: Request) -> Response:
    """Show the API and run its calls."""
    is_built = (SWAGGER_UI / "swagger-ui-bundle.js").is_file()
    return _page(request, "docs.html", is_built=is_built, scopes=access.SCOPES)


@router.get("/docs/errors")
async def errors(request: Request) -> Response:
    """List every problem with its meaning and remedy."""
    return _page(request, "errors.html", problems=problems.problem_types())


@router.get("/problems/{code}")
async def problem(request: Request, code: str) -> Response:
    """Explain one problem: the target of the `type` of every refusal."""
    matches = [problem_type for problem_type in problems.problem_types() if problem_type.code == code]
    if not matches:
        raise NotFound(
            message(
                "There is no problem {code}. All problems are listed at /docs/errors.", code=excerpt(code)
            )
        )
    return _page(request, "errors.html", problems=matches)


@router.get("/docs/events")
async def list_events(request: Request) -> Response:
    """List every webhook event, each with a sample payload."""
    samples = {entry.kind: json.pretty(pushed_sample(entry)) for entry in events.CATALOGUE}
    facts = {"catalogue": events.CATALOGUE, "samples": samples, "guarantee": streams.GUARANTEE}
    return _page(request, "events.html", **facts)


def _page(request: Request, template: str, **facts: Any) -> Response:
    language = _page_language(request)
    text = _templates().get_template(template).render(language=language, path=request.url.path, **facts)
    return HTMLResponse(text, headers=_HEADERS)


def _page_language(request: Request) -> str:
    """Return the page's language: `?lang=`, else by Accept-Language as in every response."""
    named = request.query_params.get("lang", "")[:2].lower()
    return named if named in LANGUAGES else language_of(request)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HOME / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    return environment


def _sentence(text: str) -> Markup:
    """Render text in backticks, in docstrings and problems, as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before
