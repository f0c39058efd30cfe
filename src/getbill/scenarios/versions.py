"""The versions of a workspace's own scenarios: immutable, and cached by every process.

A version never changes, so a cached one is never stale. The current version is stored on the workspace, which
is loaded with the caller and invalidated when it changes.
"""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message
from getbill.scenarios import catalogue
from getbill.scenarios.catalogue import ScenarioUnknown
from getbill.scenarios.checks import parse
from getbill.scenarios.model import Scenario

Key = tuple[str, int]
_CACHE_MAX = 5000

_LOAD = Statement(
    "scenarios.load",
    "Some versions of a workspace's own scenarios.",
    """
    SELECT s.name, s.version, s.content FROM scenarios s
    JOIN unnest($2::text[], $3::integer[]) AS wanted (name, version)
        ON wanted.name = s.name AND wanted.version = s.version
    WHERE s.workspace_id = $1
    """,
)
_cache: dict[tuple[UUID, str, int], Scenario] = {}


async def load(
    source: Database | Transaction, workspace: Workspace, keys: Iterable[Key]
) -> dict[Key, Scenario]:
    """Return versions by name and number; query only those this process has not cached.

    Raises ScenarioUnknown for an unknown one.
    """
    scenarios: dict[Key, Scenario] = {}
    missing: list[Key] = []
    for key in keys:
        scenario = _cached_version(workspace, key)
        if scenario is None:
            missing.append(key)
        else:
            scenarios[key] = scenario
    if missing:
        scenarios |= await _fetch(source, workspace.id, missing)
        for name, version in missing:
            if (name, version) not in scenarios:
                raise ScenarioUnknown(
                    message(
                        "There is no version {version} of the scenario '{name}'.",
                        version=version,
                        name=excerpt(name),
                    )
                )
    return scenarios


async def current(source: Database | Transaction, workspace: Workspace, name: str) -> Scenario:
    """Return the version that a new debt gets."""
    key = name, catalogue.version_of(workspace, name)
    return (await load(source, workspace, [key]))[key]


async def find(database: Database, workspace: Workspace, name: str, version: int | None) -> Scenario:
    """Return a version of a scenario, by default the current one; raise NotFound for an unknown one."""
    key = name, catalogue.version_of(workspace, name) if version is None else version
    try:
        return (await load(database, workspace, [key]))[key]
    except ScenarioUnknown as error:
        raise NotFound(error.detail) from None


def _cached_version(workspace: Workspace, key: Key) -> Scenario | None:
    name, version = key
    own_scenario = workspace.own_scenarios.get(name)
    if own_scenario is None or version < own_scenario.since:
        try:
            return catalogue.built_in(name, version)
        except ScenarioUnknown:
            pass  # Published by the workspace after its cached copy was loaded.
    return _cache.get((workspace.id, name, version))


async def _fetch(
    source: Database | Transaction, workspace_id: UUID, missing: list[Key]
) -> dict[Key, Scenario]:
    fetch: Callable[..., Awaitable[list[Record]]]
    fetch = source.peek if isinstance(source, Transaction) else source.fetch
    rows = await fetch(_LOAD, workspace_id, *map(list, zip(*missing, strict=True)))
    scenarios = {(row["name"], row["version"]): parse(row["content"]) for row in rows}
    for (name, version), scenario in scenarios.items():
        while len(_cache) >= _CACHE_MAX:
            del _cache[next(iter(_cache))]
        _cache[workspace_id, name, version] = scenario
    return scenarios
