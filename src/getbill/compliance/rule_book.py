"""The rules that come with GetBill: dated records in `rules`, one file for each country, and the product's own policy.

Engineering inputs, not legal advice. The rules on what a message must say, on fees and on interest are not here: they
do not bear on whether a contact may be made now. Law limits telemarketing, not reminders of a debt that exists (art.
L223-1 and D223-9 C. conso.); its hours are taken as a safe harbour against harassment (art. 222-16 C. pén.), and are
named policy.
"""

from importlib.resources import files

from getbill.compliance.model import Rulebook, parse

LETTER_R124_4 = "FR-R124-4"


def _sort_key(name: str) -> tuple[bool, str]:
    """Return where a file stands: the product's own policy first, which holds everywhere."""
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
