"""OpenSSH's own `sftp` against our server: what comes in whole, what is refused, and that nothing leads out."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import make
from dropping import Client, Served, cut_key
from getbill import sftp
from getbill.access import Actor
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Statement
from getbill.sftp import credentials
from make import Company
from waiting import until

Serve = Callable[..., Any]


@pytest.fixture
async def client(served: Served) -> Client:
    return await served.let_in(key=True)


async def test_a_dropped_file_is_whole_once_it_is_closed(served: Served, client: Client) -> None:
    client.file("debts.csv", b"reference;amount\nF-1;10\n")

    output = await client.run("put debts.csv incoming/", "put debts.csv at-the-root.csv", "ls -l incoming")

    assert output.status == 0, output.text
    assert await served.names(client.login) == {"debts.csv": (24, "whole")}
    assert await served.names(client.login, "") == {"at-the-root.csv": (24, "whole")}
    assert await served.content(client.login, "/incoming/debts.csv") == b"reference;amount\nF-1;10\n"
    assert "getbill" in output.text


async def test_a_password_opens_too(served: Served) -> None:
    client = await served.let_in()
    client.file("debts.csv", b"x")

    output = await client.run("put debts.csv")

    assert output.status == 0, output.text
    assert await served.names(client.login, "") == {"debts.csv": (1, "whole")}


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE clients SET revoked_at = now() WHERE id = $1",
        "UPDATE clients SET scopes = '{debts:write}' WHERE id = $1",
    ],
    ids=["revoked", "scope removed"],
)
async def test_a_login_reads_for_as_long_as_its_creator_may_and_drops_files_on(
    serve: Serve, company: Company, ending: str
) -> None:
    served = await serve(login_check_seconds=0)
    database = served.state.database
    shown_id, _ = await make.client(database, company.founded, "debts:read", "debts:write", is_live=False)
    creator = Actor("client", ids.read("client", shown_id))
    client = await served.let_in(created_by=creator)
    client.file("debts.csv", b"reference;amount\nF-1;10\n")
    dropping, reading = "put debts.csv incoming/", "get incoming/debts.csv back.csv"
    before = await client.run(dropping, reading)
    await database.execute(Statement("test.ending", "The creator's right ends.", ending), creator.id)

    refused = await client.run(dropping, reading)
    dropped = await client.run(dropping, "ls incoming")
    login = await credentials.find_login(database, served.workspace.id, client.login.id)
    async with database.transaction(clock.wall()) as tx:
        rotated, password = await credentials.rotate_login(tx, login, clock.wall())
    again = await replace(client, password=password).run(reading)

    assert [item.status for item in (before, refused, dropped, again)] == [0, 1, 0, 0], (
        before,
        refused,
        again,
    )
    assert "ermission denied" in refused.text
    assert (login.may_read, rotated.may_read) == (False, True)


async def test_a_large_file_arrives_as_it_was_sent_and_is_read_back(served: Served, client: Client) -> None:
    content = os.urandom(3_000_001)
    client.file("large.csv", content)

    output = await client.run("put large.csv incoming/large.csv", "get incoming/large.csv back.csv")

    assert output.status == 0, output.text
    assert client.got("back.csv") == content


async def test_an_upload_that_broke_off_is_resumed_where_it_was(served: Served, client: Client) -> None:
    content = os.urandom(2_000_000)
    # Too slow to end by itself: 100 kB/s.
    client.file("whole.csv", content)
    broken = await client.start("put whole.csv incoming/debts.csv", options=("-l800",))
    await until(lambda: size_of(served, client, "debts.csv"))
    os.killpg(broken.pid, 9)
    await broken.communicate()
    await until(lambda: state_of(served, client, "debts.csv", "cut"))
    stored, _ = (await served.names(client.login))["debts.csv"]

    output = await client.run("reput whole.csv incoming/debts.csv")

    assert output.status == 0, output.text
    assert 0 < stored < len(content)
    assert await served.names(client.login) == {"debts.csv": (len(content), "whole")}
    assert await served.content(client.login, "/incoming/debts.csv") == content


async def test_what_is_half_there_is_completed_by_reput(served: Served, client: Client) -> None:
    content = os.urandom(600_000)
    client.file("debts.csv", content[:300_000])
    await client.run("put debts.csv incoming/debts.csv")
    client.file("debts.csv", content)

    output = await client.run("reput debts.csv incoming/debts.csv")

    assert output.status == 0, output.text
    assert await served.content(client.login, "/incoming/debts.csv") == content


async def test_a_file_is_renamed_replaced_and_removed(served: Served, client: Client) -> None:
    client.file("debts.csv", b"new")
    client.file("old.csv", b"old!")

    output = await client.run(
        "put old.csv incoming/debts.csv",
        "put debts.csv incoming/debts.csv.part",
        "rename incoming/debts.csv.part incoming/debts.csv",
        "put debts.csv incoming/gone.csv",
        "rm incoming/gone.csv",
    )

    names = await served.names(client.login)
    assert output.status == 0, output.text
    # What was whole is imported too, under a name of its own.
    assert (len(names), names["debts.csv"]) == (2, (3, "whole"))
    assert await served.content(client.login, "/incoming/debts.csv") == b"new"


async def test_a_shorter_file_in_place_of_a_longer_has_nothing_of_it(served: Served, client: Client) -> None:
    client.file("long.csv", os.urandom(900_000))
    client.file("short.csv", b"short")

    await client.run("put long.csv incoming/debts.csv.part")
    await client.run("put short.csv incoming/debts.csv.part")

    assert await served.names(client.login) == {"debts.csv.part": (5, "whole")}
    assert await served.content(client.login, "/incoming/debts.csv.part") == b"short"


async def test_a_wrong_key_and_a_wrong_password_open_nothing(served: Served, client: Client) -> None:
    with_password = await served.let_in()
    cut_key(client.folder / "other")

    by_key = await replace(client, key=client.folder / "other").run("ls")
    by_password = await replace(with_password, password="guessed").run("ls")
    nobody = await replace(client, login=replace(client.login, username="nobody")).run("ls")
    unused = await replace(client, key=None, password="none set").run("ls")

    assert [output.status for output in (by_key, by_password, nobody, unused)] == [255] * 4
    assert all("Permission denied" in output.text for output in (by_key, by_password, nobody, unused))


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "/etc/passwd",
        "incoming/../../etc/passwd",
        "incoming/../../../proc/self/environ",
    ],
)
async def test_no_path_leads_out(served: Served, client: Client, path: str) -> None:
    output = await client.run(f"get {path} stolen")
    client.file("mine", b"mine")
    put = await client.run(f"put mine {path}")

    assert (output.status, put.status) == (1, 1)
    assert not (client.folder / "stolen").exists()
    assert await served.names(client.login, "") == {}
    assert await served.names(client.login) == {}


async def test_the_way_up_ends_at_the_root(client: Client) -> None:
    output = await client.run("cd incoming", "cd ../../../..", "pwd", "ls")

    assert "Remote working directory: /\n" in output.text
    assert output.text.split("ls\n")[1].split() == ["incoming", "processed", "rejected", "reports"]


async def test_there_are_no_links_and_no_other_folders(served: Served, client: Client) -> None:
    client.file("debts.csv", b"x")

    linked = await client.run("symlink /etc/passwd incoming/link")
    hard = await client.run("put debts.csv incoming/", "ln incoming/debts.csv incoming/hard")
    result = await client.run("mkdir incoming/deeper")
    dropped = await client.run("rmdir processed")
    put = await client.run("put debts.csv processed/debts.csv")
    moved = await client.run("rename incoming/debts.csv processed/debts.csv")

    assert [output.status for output in (linked, hard, result, dropped, put, moved)] == [1] * 6
    assert await served.names(client.login) == {"debts.csv": (1, "whole")}
    assert await served.names(client.login, "processed") == {}


async def test_one_login_sees_nothing_of_another(served: Served, client: Client) -> None:
    other = await served.let_in(key=True)
    client.file("debts.csv", b"secret")
    await client.run("put debts.csv incoming/")

    output = await other.run("get incoming/debts.csv")
    listed = await other.run("ls incoming")

    assert output.status == 1
    assert "debts.csv" not in listed.text.replace("ls incoming", "")


async def test_two_uploads_at_once_to_one_name_leave_the_file_of_the_later(
    served: Served, client: Client
) -> None:
    first, second = b"1" * 3_000_000, b"2" * 500_000
    client.file("first.csv", first)
    client.file("second.csv", second)
    slow = await client.start("put first.csv incoming/debts.csv", options=("-l800",))
    await until(lambda: size_of(served, client, "debts.csv"))

    quick = await client.run("put second.csv incoming/debts.csv")
    lost = await slow.communicate()

    assert quick.status == 0, quick.text
    assert slow.returncode == 1
    assert b"Failure" in lost[0]
    assert await served.names(client.login) == {"debts.csv": (500_000, "whole")}
    assert await served.content(client.login, "/incoming/debts.csv") == second


async def test_two_uploads_at_once_to_two_names_both_arrive(served: Served, client: Client) -> None:
    contents = {"a.csv": os.urandom(1_500_000), "b.csv": os.urandom(1_500_000)}
    for name, content in contents.items():
        client.file(name, content)

    output = await asyncio.gather(*(client.run(f"put {name} incoming/") for name in contents))

    assert [item.status for item in output] == [0, 0]
    for name, content in contents.items():
        assert await served.content(client.login, f"/incoming/{name}") == content


async def test_a_file_too_large_is_refused_and_left_cut(serve: Serve) -> None:
    served = await serve(file_bytes_max=400_000)
    client = await served.let_in(key=True)
    client.file("large.csv", os.urandom(500_000))

    output = await client.run("put large.csv incoming/")

    assert output.status == 1
    size, state = (await served.names(client.login))["large.csv"]
    assert size <= 400_000
    assert state == "cut"


async def test_full_folders_take_nothing_until_something_goes(serve: Serve) -> None:
    served = await serve(quota_bytes=1_000_000)
    client = await served.let_in(key=True)
    client.file("debts.csv", os.urandom(700_000))
    await client.run("put debts.csv incoming/a.csv")

    full = await client.run("put debts.csv incoming/b.csv")
    after = await client.run("rm incoming/a.csv", "put debts.csv incoming/b.csv")

    assert (full.status, after.status) == (1, 0)
    assert await served.names(client.login) == {"b.csv": (700_000, "whole")}


async def test_sessions_are_limited_by_login_and_in_all(serve: Serve) -> None:
    served = await serve(sessions_per_login=1, sessions_max=2)
    client, other = await served.let_in(key=True), await served.let_in(key=True)
    client.file("slow.csv", os.urandom(3_000_000))
    slow = await client.start("put slow.csv incoming/", options=("-l800",))
    await until(lambda: size_of(served, client, "slow.csv"))

    same = await client.run("ls")
    beside = await other.run("ls")
    os.killpg(slow.pid, 9)
    await slow.communicate()

    assert same.status == 255
    assert "Too many sessions" in same.text
    assert beside.status == 0


async def test_too_many_wrong_passwords_shut_the_door_to_an_address_but_not_to_its_keys(serve: Serve) -> None:
    served = await serve(failures_max=2)
    client, with_key = await served.let_in(), await served.let_in(key=True)
    wrong = replace(client, password="guessed")

    for _ in range(2):
        await wrong.run("ls")
    output = await client.run("ls")
    by_key = await with_key.run("ls")

    assert (output.status, by_key.status) == (255, 0)


async def test_ten_wrong_passwords_shut_a_login_to_passwords_for_a_quarter_of_an_hour(serve: Serve) -> None:
    served = await serve(failures_max=1_000)
    client = await served.let_in(key=True, has_password=True)
    with_password = replace(client, key=None)
    database, now = served.state.database, clock.wall()
    assert client.password is not None

    # Connections that asked who it is before the first wrong password came, and one that asks later.
    claim = await credentials.find_candidate(database, client.login.username)
    assert await credentials.check_password(database, claim, client.password, now)
    for _ in range(10):
        assert not await credentials.check_password(database, claim, "guessed", now)
    waiting = await credentials.check_password(database, claim, client.password, now + timedelta(minutes=14))
    over = await credentials.check_password(database, claim, client.password, now + timedelta(minutes=15))
    shut = await with_password.run("ls")
    by_key = await client.run("ls")

    assert (waiting, over) == (False, True)
    assert (shut.status, by_key.status) == (255, 0)


async def test_a_password_that_was_replaced_since_opens_no_more(served: Served) -> None:
    client = await served.let_in()
    database, now = served.state.database, clock.wall()
    claim = await credentials.find_candidate(database, client.login.username)
    assert client.password is not None

    async with database.transaction(now) as tx:
        await sftp.rotate_login(tx, client.login, now)

    assert not await credentials.check_password(database, claim, client.password, now)


async def test_a_revoked_login_opens_no_more(served: Served, client: Client) -> None:
    async with served.state.database.transaction(clock.wall()) as tx:
        await sftp.revoke_login(tx, client.login, clock.wall())

    assert (await client.run("ls")).status == 255


async def test_whoever_is_in_when_their_login_is_revoked_is_put_out(serve: Serve) -> None:
    served = await serve(login_check_seconds=0)
    client = await served.let_in(key=True)
    # Too slow to end by itself: 100 kB/s.
    client.file("debts.csv", os.urandom(3_000_000))
    inside = await client.start("put debts.csv incoming/", options=("-l800",))
    await until(lambda: size_of(served, client, "debts.csv"))

    async with served.state.database.transaction(clock.wall()) as tx:
        await sftp.revoke_login(tx, client.login, clock.wall())
    async with asyncio.timeout(10):
        await inside.communicate()

    assert inside.returncode != 0
    await until(lambda: state_of(served, client, "debts.csv", "cut"))
    assert (await served.names(client.login))["debts.csv"][0] < 3_000_000


async def test_a_rotated_password_opens_and_the_old_one_does_not(served: Served) -> None:
    client = await served.let_in()
    async with served.state.database.transaction(clock.wall()) as tx:
        _, fresh = await sftp.rotate_login(tx, client.login, clock.wall())

    assert (await client.run("ls")).status == 255
    assert (await replace(client, password=fresh).run("ls")).status == 0


async def test_the_host_key_stays_whoever_serves(serve: Serve) -> None:
    first, second = await serve(), await serve()
    client = await first.let_in(key=True)

    await client.run("ls")
    base = client.folder / "known_hosts"
    base.write_text(base.read_text().replace(str(first.port), str(second.port)))
    output = await replace(client, port=second.port).run("ls", options=("-oStrictHostKeyChecking=yes",))

    assert output.status == 0, output.text


async def test_nothing_lies_readable_in_the_database(served: Served, client: Client) -> None:
    client.file("dupont-jean.csv", b"Jean Dupont;jean@dupont.example\n" * 10)

    await client.run("put dupont-jean.csv incoming/")

    rows = await served.state.database.pool.fetch(
        "SELECT f.name, c.sealed FROM sftp_files f JOIN sftp_chunks c ON c.file_id = f.id WHERE f.login_id = $1",
        client.login.id,
    )
    assert len(rows) == 1
    assert b"dupont" not in rows[0]["name"].lower() + rows[0]["sealed"].lower()


async def test_no_shell_and_no_command(client: Client) -> None:
    process = await asyncio.create_subprocess_exec(
        "ssh", *client.words, f"-p{client.port}", f"{client.login.username}@127.0.0.1", "id",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()

    assert process.returncode == 255
    assert b"uid=" not in output


async def size_of(served: Served, client: Client, name: str) -> bool:
    return (await served.names(client.login)).get(name, (0, ""))[0] > 0


async def state_of(served: Served, client: Client, name: str, state: str) -> bool:
    return (await served.names(client.login))[name][1] == state
