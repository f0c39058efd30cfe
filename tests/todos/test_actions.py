"""Todos: asked once while open, decided once, withdrawn when nothing is left to decide."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

import make
from calls import Site
from getbill import todos
from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database.transactions import Database, Transaction
from getbill.kit.messages import message
from getbill.todos import Todo, TodoDecided
from installation import Installation
from make import Company

TODOS = "/external-api/v1/todos"
SUBJECT = ids.new()


@dataclass
class Questions:
    """The todos of one workspace, changed through actions and read over HTTP."""

    database: Database
    workspace: Workspace
    site: Site

    async def change(self, action: Callable[[Transaction, UUID], Any]) -> None:
        async with self.database.transaction(self.workspace.now()) as tx:
            action(tx, self.workspace.id)

    async def ask(self, type_: str, subject_id: UUID = SUBJECT, **reason: Any) -> None:
        await self.change(
            lambda tx, workspace_id: todos.create(tx, workspace_id, type_, subject_id, None, **reason)
        )

    async def withdraw(self, type_: str, subject_id: UUID = SUBJECT) -> None:
        await self.change(lambda tx, workspace_id: todos.withdraw(tx, workspace_id, type_, subject_id))

    async def listed(self, query: str = "", **headers: str) -> list[dict[str, Any]]:
        answered = await self.site.get(TODOS + query, **headers)
        assert answered.status == 200, answered.body
        return list(answered.json()["data"])

    async def close(self, decision: str) -> Todo:
        (answer,) = await self.listed("?state=open")
        todo = await todos.find(self.database, self.workspace.id, ids.read("todo", answer["id"]))
        async with self.database.transaction(self.workspace.now()) as tx:
            return await todos.close(tx, todo, decision, "client_1")


@pytest.fixture
def questions(installation: Installation, company: Company, sandbox: Site) -> Questions:
    return Questions(installation.database, company.sandbox, sandbox)


async def test_what_is_open_is_not_asked_again_and_once_decided_it_may_be(questions: Questions) -> None:
    await questions.ask("unknown_contact")
    await questions.ask("unknown_contact")
    once = await questions.listed()

    closed = await questions.close("sent")
    await questions.ask("unknown_contact")

    assert len(once) == 1
    assert (closed.decision, closed.decided_by, closed.created_at <= closed.decided_at) == (
        "sent",
        "client_1",
        True,
    )
    assert [todo["state"] for todo in await questions.listed()] == ["open", "decided"]


async def test_one_subject_may_have_questions_of_several_kinds(questions: Questions) -> None:
    for kind in todos.KINDS:
        await questions.ask(kind)

    answer = {todo["type"]: todo for todo in await questions.listed()}

    assert answer.keys() == todos.KINDS.keys()
    for name, kind in todos.KINDS.items():
        assert answer[name]["subject_id"] == ids.show(kind.subject, SUBJECT)
        assert answer[name]["decisions"] == list(kind.decisions)


async def test_what_needs_no_decision_any_more_is_gone_and_cannot_be_decided(questions: Questions) -> None:
    await questions.ask("set_aside")
    (answer,) = await questions.listed()
    todo = await todos.find(questions.database, questions.workspace.id, ids.read("todo", answer["id"]))

    await questions.withdraw("set_aside", ids.new())
    await questions.withdraw("unknown_contact")
    (still,) = await questions.listed()
    await questions.withdraw("set_aside")
    (gone,) = await questions.listed()

    assert still == answer
    assert (gone["state"], gone["decision"], gone["decided_by"]) == ("decided", "gone", None)
    assert gone["decisions"] == []
    async with questions.database.transaction(questions.workspace.now()) as tx:
        with pytest.raises(TodoDecided):
            await todos.close(tx, todo, "retry", "client_1")


async def test_a_reason_is_told_in_the_language_of_the_request_and_kept_when_asked_again(
    questions: Questions,
) -> None:
    await questions.ask("set_aside", reason=message("This company does not exist."))
    (todo_id,) = [todo["id"] for todo in await questions.listed()]
    todo = await todos.find(questions.database, questions.workspace.id, ids.read("todo", todo_id))

    await questions.close("retry")
    await questions.change(lambda tx, _: todos.ask_again(tx, todo))

    (french,) = await questions.listed("?state=open", Accept_Language="fr")
    (english,) = await questions.listed("?state=open", Accept_Language="en")
    assert french["id"] != todo_id
    assert french["reason"] == "Cette entreprise n'existe pas."
    assert english["reason"] == "This company does not exist."
    # The title has both languages whoever reads it.
    assert french["title"] == english["title"]
    assert "Cette entreprise n'existe pas." in french["title"]["fr"]
    assert "This company does not exist." in french["title"]["en"]


async def test_a_todo_that_there_is_not_is_refused(questions: Questions) -> None:
    for path in (f"{TODOS}/{ids.show('todo', ids.new())}", f"{TODOS}?debt_id=debt_nothing"):
        assert (await questions.site.get(path)).status == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [("?state=maybe", 400), ("?limit=0", 400), ("?cursor=nonsense", 400), ("?asked=1", 400)],
)
async def test_a_query_that_asks_for_nothing_is_refused(
    questions: Questions, query: str, status: int
) -> None:
    assert (await questions.site.get(TODOS + query)).status == status


async def test_a_cursor_of_another_workspace_opens_no_page(
    questions: Questions, installation: Installation, client: Site
) -> None:
    for number in range(2):
        await questions.ask("set_aside", UUID(int=number))
    page = (await questions.site.get(f"{TODOS}?limit=1")).json()["pagination"]
    other = await make.company(installation.database, installation.vault)

    refused = await client.with_token(other.key).get(f"{TODOS}?limit=1&cursor={page['next_cursor']}")

    assert (page["total"], refused.status) == (2, 400)
