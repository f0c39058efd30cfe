"""What is wrong with a template is said in French too."""

import re

import pytest

from getbill import channels
from getbill.channels import Wording
from templates.test_hostile import PAGES, PLAIN, SOURCES

# What a sentence repeats, and names of the language of templates.
QUOTED = re.compile(r"«[^»]*»|<[^>]*>|\([^)]*\)|{{.*?}}")


@pytest.mark.parametrize("added", [*SOURCES, *PAGES])
def test_what_is_refused_is_said_in_french_too(added: str) -> None:
    for fault in channels.faults(Wording("s", PLAIN, f"{PLAIN}\n{added}"), "wave_1_email", "en"):
        french = fault.detail.translated("fr")
        assert french.startswith(("Ligne ", "Un message compte "))
        assert (
            re.search(r"\b(the|cannot|stands?|is|at most|write|there|of)\b", QUOTED.sub("", french)) is None
        )
