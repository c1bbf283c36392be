"""mountd's settings are checked before anything is mounted."""

import os

import pytest
from pydantic import ValidationError

from mountd.settings import Settings


def settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"TROOPERS_MOUNTD_{name.upper()}", value)
    return Settings()


def test_nothing_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = settings(monkeypatch)
    assert str(plain.base) == "/mnt/acs_mnt"
    assert str(plain.socket) == "/run/troopers/mountd.sock"
    assert (plain.hosts, plain.group_id, plain.users) == ((), -1, frozenset({os.geteuid()}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", "mnt"),
        ("base", "/mnt/a,suid"),
        ("run_dir", "/run/a b"),
        ("run_dir", "/run/../etc"),
        ("socket_group", "no-such-group"),
        ("agent_user", "no-such-user"),
        ("nfs_read_write", "soft"),
        ("probe_every_s", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(monkeypatch, **{name: value})


def test_users_groups_and_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(
        monkeypatch, agent_user="nobody", socket_group="root", allowed_hosts="a.example, *.b"
    )
    assert 65534 in found.users
    assert found.group_id == 0
    assert found.hosts == ("a.example", "*.b")


def test_a_program_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, ossfs_program="/opt/ossfs").bucket_program == "/opt/ossfs"
