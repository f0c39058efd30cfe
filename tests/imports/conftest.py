"""A sender of files into the sandbox of a company of this test alone, and imports that move as their table says."""

import pytest

from calls import Site
from getbill.imports.model import TRANSITIONS
from imports.sender import Sender
from installation import Installation
from make import Company

_HELD = """
    CREATE OR REPLACE FUNCTION held_to_moves() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        IF NOT (OLD.state || ' ' || NEW.state = ANY ('{%s}')) THEN
            RAISE EXCEPTION 'An import moved from % to %.', OLD.state, NEW.state;
        END IF;
        RETURN NEW;
    END $body$;
    CREATE OR REPLACE TRIGGER held_to_moves BEFORE UPDATE ON imports
        FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION held_to_moves();
    """


@pytest.fixture
async def moves(installation: Installation) -> None:
    """The table of moves as a trigger, so that every statement of every test is held to it."""
    if await installation.database.pool.fetchval("SELECT to_regproc('held_to_moves')") is not None:
        return
    allowed = ",".join(f'"{old} {new}"' for old, news in TRANSITIONS.items() for new in news)
    await installation.database.pool.execute(_HELD.replace("'{%s}'", f"'{{{allowed}}}'"))


@pytest.fixture
def sender(installation: Installation, company: Company, client: Site, moves: None) -> Sender:
    """Who sends files."""
    return Sender(installation, company, client.with_token(company.key))
