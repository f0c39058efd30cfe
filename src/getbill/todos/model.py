"""A todo: its subject, its possible answers, and the decision.

Every type of todo is defined here with its texts; a todo is decided once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.kit.errors import Conflict
from getbill.kit.messages import Template, template
from getbill.kit.money import Money

# The decision of a todo that became obsolete.
OBSOLETE = "gone"


@dataclass(frozen=True, slots=True)
class TodoKind:
    """A type of todo: the id prefix of its subject, its title, and its answers.

    In the title `{name}` is the name of the subject, `{reason}` the reason of the todo.
    """

    subject: str
    title: Template
    decisions: tuple[str, ...]


KINDS: Mapping[str, TodoKind] = {
    "unknown_contact": TodoKind(
        "followup",
        template("It is not known whether this message was sent. Was it sent?"),
        ("sent", "not_sent"),
    ),
    "import_mapping": TodoKind(
        "import",
        template("The columns of the file {name} must be confirmed by a person. Import it as proposed?"),
        ("confirm", "discard"),
    ),
    "webhook_rights": TodoKind(
        "we",
        template(
            "This webhook receives ids only: no credential vouches for its right to read debts any more. Send it data again?"
        ),
        ("send_data", "ids_only"),
    ),
    "escalation": TodoKind(
        "debt",
        template("The scenario has ended and the debt is not paid. What happens next?"),
        ("escalate", "continue", "write_off", "archive"),
    ),
    "reopening": TodoKind(
        "debt",
        template(
            "A resolved debt has a balance again, and its debtor was not being contacted. Contact them again? ({reason})"
        ),
        ("resume", "keep"),
    ),
    "overpayment": TodoKind(
        "debt",
        template("More was paid than owed. Refund the difference, or keep it? ({reason})"),
        ("refund", "keep"),
    ),
    "small_balance": TodoKind(
        "debt",
        template("The balance is too small to contact the debtor. Write it off? ({reason})"),
        ("write_off", "keep"),
    ),
    "dispute": TodoKind(
        "debt",
        template("The debtor disputes the debt, which is on hold. What happens next?"),
        ("continue", "write_off", "archive"),
    ),
    "set_aside": TodoKind(
        "aside",
        template("Processing failed and was set aside; everything else continues. Retry? ({reason})"),
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
    # The amount that the question is about, in minor units.
    minor: int | None = None
    currency: str | None = None

    @property
    def amount(self) -> Money | None:
        """The amount that the question is about, if it is about one."""
        return None if self.minor is None or self.currency is None else Money(self.minor, self.currency)

    @property
    def kind(self) -> TodoKind:
        """The type of the todo, with its possible answers."""
        return KINDS[self.type]

    @staticmethod
    def from_row(row: Record) -> "Todo":
        """Return the todo of a row."""
        return Todo(**row)
