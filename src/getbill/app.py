"""The HTTP application: every route of every concept, put together for one process."""

from fastapi import FastAPI

from getbill.settings import Settings


def create_app(settings: Settings, _dsn: str) -> FastAPI:
    """Return the application that answers for one installation."""
    app = FastAPI(title="GetBill", servers=[{"url": settings.url}])

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
