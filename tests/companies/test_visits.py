"""Visits to all workspaces: one that fails does not stop the others, a database that fails does."""

from uuid import UUID

import asyncpg
import pytest

from getbill import companies
from installation import Installation


async def test_every_workspace_is_visited_once_and_the_results_are_added(installation: Installation) -> None:
    visited = []

    async def visit(workspace_id: UUID) -> int:
        visited.append(workspace_id)
        return 2

    total = await companies.visit_workspaces(installation.database, "test", visit)

    assert visited == await companies.workspace_ids(installation.database)
    assert len(visited) >= 2
    assert total == 2 * len(visited)


async def test_a_workspace_that_fails_stops_no_other_and_its_error_is_raised_after_them(
    installation: Installation,
) -> None:
    first, *others = await companies.workspace_ids(installation.database)
    visited = []

    async def visit(workspace_id: UUID) -> None:
        visited.append(workspace_id)
        if workspace_id == first:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await companies.visit_workspaces(installation.database, "test", visit)

    assert visited == [first, *others]


async def test_a_lost_database_ends_the_visits_at_once(installation: Installation) -> None:
    visited = []

    async def visit(workspace_id: UUID) -> None:
        visited.append(workspace_id)
        raise asyncpg.ConnectionDoesNotExistError

    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await companies.visit_workspaces(installation.database, "test", visit)

    assert len(visited) == 1
