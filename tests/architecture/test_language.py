"""Names are the field's words: each says what a thing is, and means one thing."""

from architecture.language import ambiguous_classes, bare_names, repeated_functions
from architecture.source import modules

BARE_PER_THOUSAND_MAX = 2
AMBIGUOUS_MAX = 8
# Verbs that are called through their package, as in `debts.create`, and methods of one protocol.
CALLED_THROUGH_THEIR_PACKAGE = [
    "add",
    "check",
    "claim",
    "close",
    "count",
    "create",
    "delete",
    "erase",
    "find",
    "read",
    "revoke",
    "rotate",
    "run",
    "send",
    "start",
    "tick",
    "update",
    "write",
]
METHODS_OF_ONE_PROTOCOL = {
    "cross_field_errors": "a body says what is wrong between its fields",
    "first_allowed": "a rule of contact says when it allows one",
    "message": "whatever has a code and facts has the message made of them",
    "public_id": "the id that callers see",
    "seal": "whatever is kept sealed seals itself with its key",
    "transition": "a model's move to another state, held to its table of moves",
    "workspace_errors": "a body says what is wrong with it in the workspace of its caller",
    "upgrade": "a revision of the database, called by Alembic",
}
VERBS = {*CALLED_THROUGH_THEIR_PACKAGE, *METHODS_OF_ONE_PROTOCOL}


def test_names_say_what_a_thing_is() -> None:
    program = modules()
    names = bare_names(program)

    allowed = BARE_PER_THOUSAND_MAX * sum(module.lines for module in program) / 1000
    assert len(names) <= allowed, "Say what was found, asked or given:\n" + "\n".join(names)


def test_a_class_name_has_one_meaning() -> None:
    ambiguous = ambiguous_classes(modules())

    assert len(ambiguous) <= AMBIGUOUS_MAX, f"Add the noun that tells them apart: {ambiguous}"


def test_a_function_name_leads_to_one_place() -> None:
    repeated = repeated_functions(modules())

    assert repeated.keys() <= VERBS, (
        f"Add its object, or list the verb: { {name: repeated[name] for name in repeated.keys() - VERBS} }"
    )


def test_every_listed_verb_is_needed() -> None:
    assert repeated_functions(modules()).keys() >= VERBS
