"""A creditor who sends files into the sandbox of a company of this test alone."""

import sys
from pathlib import Path

import pytest

from calls import Site
from installation import Installation
from make import Company

sys.path.insert(0, str(Path(__file__).parent))

from bringing import Sender


@pytest.fixture
def sender(installation: Installation, company: Company, client: Site) -> Sender:
    """Who sends files."""
    return Sender(installation, company, client.with_token(company.key))
