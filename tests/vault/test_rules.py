"""Sealing: what opens, what does not, and how master keys are read."""

import base64
import hmac
import stat
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit import ids
from getbill.kit.master_key_lifetime import use_and_retention
from getbill.vault import (
    Key,
    KeyFile,
    Lookup,
    MasterKeyMissing,
    MasterKeyWrong,
    SealBroken,
    Vault,
    Version,
    Versions,
    read_master_keys,
    write_master_keys,
)


@given(st.binary(), st.binary(max_size=64))
def test_what_is_sealed_opens_in_its_place_and_only_there(plain: bytes, place: bytes) -> None:
    key = Key.new()

    sealed = key.seal(plain, place)

    assert key.open(sealed, place) == plain
    with pytest.raises(SealBroken):
        key.open(sealed, place + b"elsewhere")


@given(st.binary(min_size=1), st.data())
def test_a_changed_byte_breaks_the_seal(plain: bytes, data: st.DataObject) -> None:
    key = Key.new()
    sealed = bytearray(key.seal(plain, b"place"))

    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1

    with pytest.raises(SealBroken):
        key.open(bytes(sealed), b"place")


def test_a_sealed_value_names_its_key() -> None:
    key = Key.new()

    sealed = key.seal(b"Jean Dupont", b"place")

    assert sealed[1:9] == key.id
    assert b"Jean" not in sealed


def test_another_key_does_not_open() -> None:
    sealed = Key.new().seal(b"plain", b"place")

    with pytest.raises(SealBroken, match="another key"):
        Key.new().open(sealed, b"place")


def test_a_key_never_shows_its_secret() -> None:
    key = Key.new()

    assert repr(key) == f"Key({key.id.hex()})"


def test_a_wrapped_key_comes_back_for_its_own_subject_alone() -> None:
    vault, key = Vault([Key.new()]), Key.new()
    workspace_id, subject_id = ids.new(), ids.new()

    wrapped = vault.wrap(key, workspace_id, subject_id)

    assert vault.unwrap(wrapped, workspace_id, subject_id).secret == key.secret
    with pytest.raises(SealBroken):
        vault.unwrap(wrapped, workspace_id, ids.new())


def test_an_older_master_key_still_unwraps() -> None:
    old, new, key = Key.new(), Key.new(), Key.new()
    workspace_id, subject_id = ids.new(), ids.new()
    wrapped = Vault([old]).wrap(key, workspace_id, subject_id)

    result = Vault([new, old]).unwrap(wrapped, workspace_id, subject_id)

    assert result.secret == key.secret
    with pytest.raises(SealBroken, match="was not given"):
        Vault([new]).unwrap(wrapped, workspace_id, subject_id)


def test_an_unwrapped_key_is_remembered_for_its_place_alone_and_forgotten_in_time() -> None:
    master, key = Key.new(), Key.new()
    workspace_id, subject_id = ids.new(), ids.new()
    remembering, forgetful = Vault([master]), Vault([master], cache_seconds=0)
    wrapped = remembering.wrap(key, workspace_id, subject_id)

    first = remembering.unwrap(wrapped, workspace_id, subject_id)
    seen_once = forgetful.unwrap(wrapped, workspace_id, subject_id)

    assert remembering.unwrap(wrapped, workspace_id, subject_id) is first
    assert forgetful.unwrap(wrapped, workspace_id, subject_id) is not seen_once
    with pytest.raises(SealBroken):
        remembering.unwrap(wrapped, subject_id, workspace_id)


def test_equal_texts_have_equal_hashes_for_one_company_and_kind() -> None:
    ours, theirs = Lookup(b"a" * 32), Lookup(b"b" * 32)

    assert ours.hash("email", "j@x.fr") == ours.hash("email", "j@x.fr")
    assert ours.hash("email", "j@x.fr") != ours.hash("word", "j@x.fr")
    assert ours.hash("email", "j@x.fr") != theirs.hash("email", "j@x.fr")


def test_no_master_key_is_refused() -> None:
    with pytest.raises(MasterKeyMissing):
        Vault([])


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_master_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MasterKeyWrong):
        read_master_keys(text)


def test_master_keys_come_back_from_their_file_which_is_closed_to_others(tmp_path) -> None:
    keys = [Key.new(), Key.new()]
    path = tmp_path / "folder" / "master.key"

    write_master_keys(path, keys)

    assert [key.id for key in read_master_keys(path.read_text())] == [key.id for key in keys]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


@given(st.binary(max_size=100), st.text(max_size=80))
def test_a_hash_is_the_hmac_that_rfc_2104_defines(secret: bytes, text: str) -> None:
    expected = hmac.digest(secret, b"email\x00" + text.encode(), "sha256")[:16]

    assert Lookup(secret).hash("email", text) == expected


def test_what_passes_opens_until_the_master_key_it_was_sealed_under_is_gone() -> None:
    old, new, installation = Key.new(), Key.new(), Key.new()
    sealed = Vault([old], installation).seal_temporary(b"answer", b"place")

    rotated, destroyed = Vault([new, old], installation), Vault([new], installation)

    assert rotated.open_temporary(sealed, b"place") == b"answer"
    with pytest.raises(SealBroken):
        rotated.open_temporary(sealed, b"elsewhere")
    with pytest.raises(SealBroken, match="was not given"):
        destroyed.open_temporary(sealed, b"place")
    # As earlier versions of the program sealed it.
    assert destroyed.open_temporary(destroyed.seal(b"answer", b"place"), b"place") == b"answer"


def test_a_changed_file_is_read_before_anything_is_wrapped_and_a_broken_one_changes_nothing(tmp_path) -> None:
    old, new, key = Key.new(), Key.new(), Key.new()
    workspace_id, subject_id = ids.new(), ids.new()
    path = tmp_path / "master.key"
    write_master_keys(path, [old])
    following = Vault([old], source=KeyFile(path))
    wrapped = following.wrap(key, workspace_id, subject_id)

    path.write_text("no key at all")
    following.refresh()
    broken = following.wrap(key, workspace_id, subject_id)
    write_master_keys(path, [new])
    following.refresh()
    fresh = following.wrap(key, workspace_id, subject_id)

    assert (wrapped[1:9], broken[1:9], fresh[1:9]) == (old.id, old.id, new.id)
    # What was read before the old one was destroyed is opened for a minute more.
    assert following.unwrap(wrapped, workspace_id, subject_id).secret == key.secret
    with pytest.raises(SealBroken, match="was not given"):
        Vault([new]).unwrap(wrapped, workspace_id, subject_id)


def test_a_key_under_a_version_that_is_not_known_yet_is_opened_by_reading_the_file_again(tmp_path) -> None:
    old, new, key = Key.new(), Key.new(), Key.new()
    workspace_id, subject_id = ids.new(), ids.new()
    path = tmp_path / "master.key"
    write_master_keys(path, [old])
    following = Vault([old], source=KeyFile(path))
    following.wrap(key, workspace_id, subject_id)
    write_master_keys(path, [new, old])

    resource = following.unwrap(Vault([new]).wrap(key, workspace_id, subject_id), workspace_id, subject_id)

    assert resource.secret == key.secret


def test_the_times_of_every_version_come_back_from_the_file(tmp_path) -> None:
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)
    file = KeyFile(tmp_path / "master.key")
    versions = Versions(Version(Key.new(), now - timedelta(days=9)))

    rotated = versions.announced(now).promoted(now).announced(now + timedelta(days=5))
    file.write(rotated)
    read = file.read()
    file.write(read.without(read.replaced, now))

    assert [(item.key.id, item.made_at, item.replaced_at, item.is_next) for item in read.openable] == [
        (item.key.id, item.made_at, item.replaced_at, item.is_next) for item in rotated.openable
    ]
    assert [item.hex_id for item in file.read().destroyed] == [versions.current.hex_id]
    assert [key.id for key in read_master_keys(file.path.read_text())] == [
        item.key.id for item in file.read().openable
    ]


def test_a_file_of_an_earlier_version_is_read_and_its_times_begin_now(tmp_path) -> None:
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)
    current, replaced = Key.new(), Key.new()
    write_master_keys(tmp_path / "master.key", [current, replaced])

    dated = KeyFile(tmp_path / "master.key").read().dated(now)

    assert (dated.current.key.id, dated.current.made_at) == (current.id, now)
    assert [(item.key.id, item.replaced_at) for item in dated.replaced] == [(replaced.id, now)]
    assert dated.next is None


@pytest.mark.parametrize("days", [1, 2, 30, 365])
def test_a_version_is_in_use_and_kept_for_less_than_the_days_together(days: int) -> None:
    in_use, kept = use_and_retention(days)

    assert timedelta(0) < in_use < kept
    assert in_use + kept < timedelta(days=days)
