"""Routes that are called the short way answer as FastAPI's own would."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from calls import Site
from getbill.kit.http.openapi import describe
from getbill.kit.http.routes import DirectRouter, Route, include_routes


class Header:
    """A dependency of our kind: it takes the request alone."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, request: Request) -> str:
        return request.headers.get(self.name, "none")


async def color(request: Request) -> str:
    return request.headers.get("color", "none")


def application(route_class: type[APIRoute]) -> Site:
    router = APIRouter(prefix="/things", route_class=route_class)

    @router.get("/{thing}")
    async def read(
        request: Request,
        size: Annotated[str, Depends(Header("size"))],
        thing: str,
        color: Annotated[str, Depends(color)],
    ) -> Response:
        return PlainTextResponse(f"{request.method} {thing} {size} {color}")

    @router.get("/{thing}/parts/{part}")
    async def read_part(thing: str, part: int, page: Annotated[int, Query()] = 1) -> Response:
        return PlainTextResponse(f"{thing} {part} {page}")

    @router.get("/{thing}/plain")
    async def read_plain(thing: str) -> dict[str, str]:
        return {"thing": thing}

    @router.get("/{thing}/twice")
    async def read_twice(thing: str, pages: Annotated[int, Query()] = 1) -> Response:
        return PlainTextResponse(f"{thing} the first way {pages}")

    @router.get("/{thing}/{part}")
    async def read_any(thing: str, part: str) -> Response:
        if part == "none":
            raise HTTPException(404, "none")
        return PlainTextResponse(f"{thing} the second way {part}")

    app = FastAPI()
    include_routes(app.router, router)
    app.add_middleware(DirectRouter, api=app)
    return Site(app)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/things/ab", 200, "GET ab large red"),
        ("/things/a/parts/2?page=3", 200, "a 2 3"),
        ("/things/a/parts/b", 422, None),
        ("/things/a/plain", 200, '{"thing":"a"}'),
        ("/things/a/twice", 200, "a the first way 1"),
        ("/things/a/b.c", 200, "a the second way b.c"),
        ("/things/a/none", 404, '{"detail":"none"}'),
        ("/nothing/a", 404, '{"detail":"Not Found"}'),
    ],
)
async def test_a_route_answers_as_fastapis_own(path: str, status: int, text: str | None) -> None:
    ours, theirs = [
        await application(kind).get(path, size="large", color="red") for kind in (Route, APIRoute)
    ]

    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert ours.status == status
    assert text is None or ours.body.decode() == text


async def test_openapi_sees_no_difference() -> None:
    ours, theirs = [await application(kind).get("/openapi.json") for kind in (Route, APIRoute)]

    assert ours.json() == theirs.json()


async def test_the_document_is_written_once_and_not_for_each_request() -> None:
    app = FastAPI(openapi_url=None)
    describe(app, lambda _document, _routes: None)
    first = await Site(app).get("/openapi.json")
    app.openapi()["info"]["title"] = "Another"

    again = await Site(app).get("/openapi.json")

    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
