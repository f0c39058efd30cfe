"""The built-in rules: dated records in `rules`, one file per country, and the product's own policy.

Engineering inputs, not legal advice. Rules on the content of messages, on fees and on interest are not here:
they do not decide whether a contact may be made now. Law limits telemarketing, not reminders of an existing
debt (art. L223-1 and D223-9 C. conso.); its hours are used as a safe harbour against harassment (art. 222-16
C. pén.), and are marked as policy.
"""

from importlib.resources import files

from getbill.compliance.model import Rulebook, parse

LETTER_R124_4 = "FR-R124-4"


def _sort_key(name: str) -> tuple[bool, str]:
    """Return the sort key of a file: the product's own policy first, which applies everywhere."""
    return name != "policy.json", name


STANDARD = Rulebook(
    tuple(
        rule
        for file in sorted(
            (files("getbill.compliance") / "rules").iterdir(), key=lambda file: _sort_key(file.name)
        )
        for rule in parse(file.read_bytes())
    )
)
