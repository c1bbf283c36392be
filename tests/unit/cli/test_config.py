"""`troopers config`: the resolved project on standard output, warnings beside it."""

from pathlib import Path

import pytest
import yaml

from cli.bundle import Bundle
from cli.config import config
from tests.unit.cli.test_command_line import troopers

TEMPLATE = """
version: '2'
services:
  web:
    image: nginx:$TAG
    ports: ["80:80"]
    labels: {aliyun.scale: "2", aliyun.log_store_web: stdout}
    volumes: ["data:/data"]
    depends_on: [db]
  db: {image: mysql, oom-kill-disable: true}
volumes: {data: {}}
"""


def test_a_template_is_resolved_without_a_cluster(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text(TEMPLATE)
    done = troopers(tmp_path, "config", "-f", str(path), "-e", "TAG=1.9", "-p", "shop")
    assert done.returncode == 0
    shown = yaml.safe_load(done.stdout)
    assert shown["name"] == "shop"
    web = shown["services"]["web"]
    assert (web["image"], web["scale"], web["depends_on"]) == ("nginx:1.9", 2, ["db"])
    assert web["volumes"] == [{"type": "volume", "target": "/data", "source": "shop_data"}]
    assert shown["services"]["db"]["oom_kill_disable"] is True
    assert done.stderr == (
        "warning: aliyun.log_store_NAME is kept and shown, but nothing acts on it yet: "
        "services.web\n"
    )


def test_a_mistake_is_one_line_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text("services: {web: {imge: x}}")
    done = troopers(tmp_path, "config", "-f", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: services.web.imge: ")
    assert done.stderr.count("\n") == 1


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    done = troopers(tmp_path, "config", "-f", str(tmp_path / "none.yml"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_shared_volume_of_the_cluster_can_be_named() -> None:
    sent = Bundle("shop", "web: {image: x, volumes: ['files:/d']}", {}, ())
    shown, _ = config(sent, ["files"])
    (mount,) = yaml.safe_load(shown)["services"]["web"]["volumes"]
    assert (mount["type"], mount["source"]) == ("cluster", "nas/files")


@pytest.mark.parametrize("written", ["TAG", "=x", ""])
def test_a_variable_needs_a_name_and_a_value(tmp_path: Path, written: str) -> None:
    (tmp_path / "compose.yml").write_text("web: {image: x}")
    done = troopers(tmp_path, "config", "-f", str(tmp_path / "compose.yml"), "-e", written)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: -e {written}: ")


def test_a_project_s_name_comes_from_the_directory(tmp_path: Path) -> None:
    (tmp_path / "my_shop").mkdir()
    path = tmp_path / "my_shop" / "compose.yml"
    path.write_text("web: {image: x}")
    done = troopers(tmp_path, "config", "-f", str(path))
    assert yaml.safe_load(done.stdout)["name"] == "my-shop"
    assert troopers(tmp_path, "config", "-f", str(path), "-p", "my_shop").returncode == 2


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_bytes(b"\xff\xfe\x00")
    done = troopers(tmp_path, "config", "-f", str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_what_would_be_sent_is_shown_without_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush")
    (tmp_path / "a.conf").write_text("loud\n")
    (tmp_path / "compose.yml").write_text(
        "services:\n  web:\n    image: a:$TAG\n    secrets: [key]\n"
        "    volumes: ['./a.conf:/a.conf:ro']\nsecrets: {key: {file: key}}\n"
    )
    file = str(tmp_path / "compose.yml")
    done = troopers(tmp_path, "config", "-f", file, "-e", "TAG=1", "--template")
    shown = yaml.safe_load(done.stdout)
    assert shown["services"]["web"]["image"] == "a:$TAG"
    assert shown["configs"] == {"a.conf": {"content": "loud\n"}}
    assert shown["secrets"] == {"key": {"content": "***"}}
    assert "hush" not in done.stdout + done.stderr


def test_what_is_written_into_containers_is_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text(
        "services:\n  web:\n    image: a\n    secrets: [key]\nsecrets:\n  key:\n    content: hush\n"
    )
    done = troopers(tmp_path, "config", "-f", str(path), "-p", "shop")
    assert done.returncode == 0, done.stderr
    (file,) = yaml.safe_load(done.stdout)["services"]["web"]["files"]
    assert (file["target"], file["content"]) == ("/run/secrets/key", "***")
    assert "hush" not in done.stdout + done.stderr
