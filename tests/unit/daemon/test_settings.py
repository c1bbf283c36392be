"""What the daemons with a link to NATS have in common as settings."""

import pytest
from pydantic import ValidationError

import agent.__main__
import coordinator.__main__
from agent.settings import Settings as AgentSettings
from coordinator.settings import Settings as CoordinatorSettings
from daemon.settings import NatsServer, nats_urls

BOTH = pytest.mark.parametrize(
    ("model", "main"),
    [(AgentSettings, agent.__main__.main), (CoordinatorSettings, coordinator.__main__.main)],
    ids=["agent", "coordinator"],
)
GOOD = {
    "nats://127.0.0.1": [NatsServer("127.0.0.1", 4222)],
    "nats://a:1/": [NatsServer("a", 1)],
    "nats://a:1, tls://b:2": [NatsServer("a", 1), NatsServer("b", 2, is_tls=True)],
    "nats://u:p%40@a": [NatsServer("a", 4222, user="u", password="p@")],
    "nats://token@a": [NatsServer("a", 4222, user="token")],
    "tls://[::1]:7": [NatsServer("::1", 7, is_tls=True)],
}
BAD = {
    "127.0.0.1:4222": "127.0.0.1:4222",
    "": "",
    "nats://a:1,": "",
    "nats://a:1,b:2": "b:2",
    "http://a:1": "http://a:1",
    "nats://": "nats://",
    "nats://u:secret@a:99999": "a:99999",
    "nats://u:secret@:4222": ":4222",
    "u:secret@a:1": "a:1",
    "nats://a:b": "nats://a:b",
    "nats://a:1/x": "nats://a:1/x",
}


@pytest.mark.parametrize(("text", "servers"), GOOD.items())
def test_urls_are_servers_with_a_default_port(text: str, servers: list[NatsServer]) -> None:
    assert list(nats_urls(text)) == servers


@BOTH
@pytest.mark.parametrize(("text", "shown"), BAD.items())
def test_a_bad_url_is_one_line_that_names_it_and_its_variable_but_no_password(
    model, main, text: str, shown: str, monkeypatch, capsys
) -> None:
    variable = f"{model.model_config['env_prefix']}NATS_URL"
    monkeypatch.setenv(variable, text)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{variable}: ")
    assert repr(shown) in line
    assert "secret" not in line


@BOTH
def test_no_setting_shows_a_password(model, main, monkeypatch) -> None:
    prefix = model.model_config["env_prefix"]
    monkeypatch.setenv(f"{prefix}NATS_URL", "nats://who:secret@a:1,tls://secret@[::1]:2")
    settings = model()
    assert settings.nats_url[0].password == "secret"
    for shown in (repr(settings), str(settings), *map(str, settings.nats_url)):
        assert "secret" not in shown
        assert "who" not in shown
    assert [str(server) for server in settings.nats_url] == ["a:1", "[::1]:2"]


@BOTH
def test_certificates_that_are_not_there_are_a_wrong_setting(
    model, main, monkeypatch, tmp_path
) -> None:
    prefix = model.model_config["env_prefix"]
    (tmp_path / "empty.pem").write_text("none")
    for path in (tmp_path / "nix.pem", tmp_path / "empty.pem"):
        monkeypatch.setenv(f"{prefix}NATS_CA", str(path))
        with pytest.raises(ValidationError, match="has no certificates"):
            model()


def test_replicas_are_read_from_a_variable(monkeypatch) -> None:
    for text, replicas in {"1": 1, "3": 3, "5": 5}.items():
        monkeypatch.setenv("TROOPERS_COORDINATOR_REPLICAS", text)
        assert CoordinatorSettings().replicas == replicas
    for text in ("2", "many", ""):
        monkeypatch.setenv("TROOPERS_COORDINATOR_REPLICAS", text)
        with pytest.raises(ValidationError):
            CoordinatorSettings()
