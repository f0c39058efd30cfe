"""A todo: its subject, its possible answers, and the decision.

Every type of todo is defined here with its texts; a todo is decided once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.kit.errors import Conflict

# The decision of a todo that became obsolete.
OBSOLETE = "gone"


@dataclass(frozen=True, slots=True)
class TodoKind:
    """A type of todo: the id prefix of its subject, its texts in French and English, and its answers.

    In the texts `{name}` is the name of the subject, `{reason}` the reason of the todo.
    """

    subject: str
    french: str
    english: str
    decisions: tuple[str, ...]


KINDS: Mapping[str, TodoKind] = {
    "unknown_contact": TodoKind(
        "followup",
        "Personne ne sait si ce message est parti. L'a-t-il été ?",
        "Nobody knows whether this message left. Was it sent?",
        ("sent", "not_sent"),
    ),
    "import_mapping": TodoKind(
        "import",
        "Le fichier {name} attend qu'une personne dise ce que sont ses colonnes. L'importer tel que proposé ?",
        "The file {name} waits for a person to say what its columns are. Import it as proposed?",
        ("confirm", "discard"),
    ),
    "webhook_rights": TodoKind(
        "we",
        "Ce webhook ne reçoit que des identifiants : personne ne répond plus de son droit de lire les dettes. Lui"
        " envoyer à nouveau les données ?",
        "This webhook is sent ids only: nobody answers for its right to read debts any more. Send it data again?",
        ("send_data", "ids_only"),
    ),
    "escalation": TodoKind(
        "debt",
        "Le scénario est terminé et la dette n'est pas réglée. Que faire ?",
        "The scenario is over and the debt is not paid. What follows?",
        ("escalate", "continue", "write_off", "archive"),
    ),
    "set_aside": TodoKind(
        "aside",
        "Mis de côté parce que le traitement a échoué ; le reste continue. Réessayer ? ({reason})",
        "It failed and was set aside; everything else goes on. Try it again? ({reason})",
        ("retry", "dismiss"),
    ),
}


class TodoDecided(Conflict):
    """The todo was decided already, or became obsolete."""

    code = "todo-decided"
    way_out = "Read the todo: `decision` and `decided_by` say what was decided."


@dataclass(frozen=True, slots=True)
class Todo:
    """A todo of one workspace. Instants are workspace time; `decided_by` is null if it became obsolete."""

    workspace_id: UUID
    id: UUID
    type: str
    subject_id: UUID
    debt_id: UUID | None
    created_at: datetime
    decided_at: datetime | None
    decision: str | None
    decided_by: str | None
    reason: str | None = None
    reason_fr: str | None = None

    @property
    def kind(self) -> TodoKind:
        """The type of the todo, with its possible answers."""
        return KINDS[self.type]

    @staticmethod
    def from_row(row: Record) -> "Todo":
        """Return the todo of a row."""
        return Todo(**row)
