import pytest

from cli import firewall
from cli.firewall import NetworkBefore


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []

    def run(argv: list[str]) -> str:
        if argv[-1] == "-S":
            return "-P FORWARD DROP\n-N DOCKER\n-A FORWARD -o docker0 -j DOCKER\n-A FORWARD -i wg0"
        return '[{"ifname": "docker0"}, {"ifname": "br-0123456789ab"}, {"ifname": "br-lan"}]'

    def succeeds(argv: list[str]) -> bool:
        calls.append(argv)
        return True

    monkeypatch.setattr(firewall, "run", run)
    monkeypatch.setattr(firewall, "succeeds", succeeds)
    return calls


def test_nothing_is_undone_where_another_engine_had_its_rules_before(
    called: list[list[str]],
) -> None:
    NetworkBefore("1", "ACCEPT", ("lo",), had_chains=True).restore()
    assert called == []


def test_only_an_engines_own_rules_and_bridges_go(
    called: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(firewall, "_FORWARDING", _Forwarding())
    NetworkBefore("0", "ACCEPT", ("lo", "br-lan"), had_chains=False).restore()
    words = [" ".join(argv) for argv in called]
    assert [line.split()[-1] for line in words if "link delete" in line] == [
        "docker0",
        "br-0123456789ab",
    ]
    assert not any("wg0" in line for line in words)
    assert any(line.endswith("-P FORWARD ACCEPT") for line in words)


class _Forwarding:
    def write_text(self, text: str) -> None:
        assert text == "0"
