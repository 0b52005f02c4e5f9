"""The key lies apart, is private, and what is derived from it tells nothing about it."""

import os
import re
from dataclasses import replace

import pytest

from pipelines.project import InputError
from pipelines.warehouse.key import derived, make_key, pseudonym, read_key, region_password


def test_a_key_is_made_once_private_and_read_back(project):
    key = read_key(project)
    assert len(key) == 32
    assert project.key_file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match="there already"):
        make_key(project)
    assert read_key(project) == key


def test_a_missing_or_damaged_or_open_key_stops(project):
    with pytest.raises(InputError, match="sammenhold demo"):
        read_key(replace(project, key_file=project.home / "none"))
    os.chmod(project.key_file, 0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read_key(project)
    os.chmod(project.key_file, 0o600)
    project.key_file.write_text("abc\n")
    with pytest.raises(InputError, match="64 hexadecimal") as caught:
        read_key(project)
    assert "abc" not in str(caught.value).replace(str(project.key_file), "")


def test_a_key_beside_the_data_or_in_a_checkout_is_refused(project, tmp_path):
    with pytest.raises(InputError, match="beside the data"):
        make_key(replace(project, key_file=project.home / "deep" / "key"))
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    with pytest.raises(InputError, match="git checkout"):
        make_key(replace(project, key_file=tmp_path / "checkout" / "conf" / "key"))
    assert not (tmp_path / "checkout" / "conf").exists()


def test_pseudonyms_and_passwords_follow_the_key_and_nothing_else():
    one, other = bytes(32), bytes([1]) * 32
    assert pseudonym(one, "0101701234") == pseudonym(one, "0101701234")
    assert re.fullmatch("[0-9a-f]{16}", pseudonym(one, "0101701234"))
    assert pseudonym(one, "0101701234") != pseudonym(other, "0101701234")
    password = region_password(one, "dhd", "nordjylland", "2026-09-30")
    assert re.fullmatch("([A-Z2-7]{4}-){3}[A-Z2-7]{4}", password)
    assert password != region_password(one, "dhd", "sjaelland", "2026-09-30")
    assert derived(one, "a", "bc") != derived(one, "ab", "c")
