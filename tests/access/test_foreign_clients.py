"""OAuth clients of other languages, as integrators use them, against the running server."""

import asyncio
import json
import shutil
import subprocess

import pytest

from getbill.kit import ids

RUBY = """
require "json"
require "oauth2"

client = OAuth2::Client.new(ENV["CLIENT_ID"], ENV["CLIENT_SECRET"], site: ENV["SITE"], token_url: "/token")
token = client.client_credentials.get_token(scope: "company:read debts:read")
profile = token.get("/external-api/v1/company/profile").parsed
puts JSON.generate(scope: token.params["scope"], expires_in: token.expires_in, company: profile["id"])
"""


async def test_rubys_oauth2_gets_a_token_and_calls_with_it(running, company) -> None:
    if shutil.which("ruby") is None or await _ends(["ruby", "-e", 'require "oauth2"']) != 0:
        pytest.skip("did not run: there is no Ruby with the gem oauth2 (Debian: ruby-oauth2)")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "SITE": running,
        "CLIENT_ID": company.client_id,
        "CLIENT_SECRET": company.client_secret,
    }

    ran = await asyncio.to_thread(
        subprocess.run,
        ["ruby", "-e", RUBY],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "scope": "company:read debts:read",
        "expires_in": 3600,
        "company": ids.show("company", company.founded.company_id),
    }


async def _ends(command: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()
