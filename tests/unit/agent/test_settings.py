"""Defaults fit one machine; a wrong value is one clear line."""

import pytest
from pydantic import ValidationError

from agent.__main__ import main
from agent.settings import Settings


def test_defaults_run_on_one_machine() -> None:
    settings = Settings()
    assert settings.node
    assert settings.address
    assert settings.listen_address == ("127.0.0.1", 4290)
    assert settings.label_pairs == {}


def test_a_node_may_be_without_mountd(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().mountd_socket == "/run/troopers/mountd.sock"
    monkeypatch.setenv("TROOPERS_AGENT_MOUNTD_SOCKET", "")
    monkeypatch.setenv("TROOPERS_AGENT_MOUNT_BASE", "/mnt//shares/")
    assert Settings().mountd_socket == ""
    assert Settings().mount_base == "/mnt/shares"


def test_labels_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROOPERS_AGENT_LABELS", "group=web,disk=")
    assert Settings().label_pairs == {"group": "web", "disk": ""}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NODE", "a.b"),
        ("LISTEN", "4290"),
        ("LISTEN", ":99"),
        ("LISTEN", "127.0.0.1:70000"),
        ("ENGINE_URL", "/var/run/docker.sock"),
        ("NATS_URL", "127.0.0.1:4222"),
        ("LABELS", "web"),
        ("LABELS", "=web"),
        ("LOG_LEVEL", "loud"),
        ("MOUNT_BASE", ""),
        ("MOUNT_BASE", "mnt"),
        ("MOUNTD_SOCKET", "mountd.sock"),
    ],
)
def test_a_wrong_value_is_one_line_and_exit_code_2(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"TROOPERS_AGENT_{name}", value)
    with pytest.raises(ValidationError):
        Settings()
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"TROOPERS_AGENT_{name}: ")
