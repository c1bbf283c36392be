"""An S3 server on loopback that checks keys: moto's, in a process of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3  # type: ignore[import-untyped] # it has no types of its own

from schemas.volume import VolumeSecret

_READY_S_MAX = 30.0


class S3Server:
    """Start it, then it takes `secret` and no other keys."""

    def __init__(self, directory: Path, host: str = "127.0.0.1") -> None:
        self._log = directory / "s3.log"
        self._host = host
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind((host, 0))
            self._port = int(free.getsockname()[1])
        self.secret = VolumeSecret(ak_id="", ak_secret="")

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    def start(self, *, checks_keys: bool = True) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", self._host, "-p", str(self._port)],
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"]},
            )
        self._until_ready()
        if checks_keys:
            self.secret = self._make_user()
            self._post("/moto-api/reset-auth", b"0")

    def stop(self) -> None:
        """It is gone at once, and all that it held with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Connections are taken, and nothing is ever answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def make_bucket(self, name: str) -> None:
        self._client("s3").create_bucket(Bucket=name)

    def make_empty_bucket(self, name: str) -> None:
        """Make it, or empty the one that there is."""
        self.make_bucket(name)
        client = self._client("s3")
        for found in client.list_objects_v2(Bucket=name).get("Contents", ()):
            client.delete_object(Bucket=name, Key=found["Key"])

    def _client(self, service: str) -> "boto3.client":
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.secret.ak_id or "first",
            aws_secret_access_key=self.secret.ak_secret or "first",
        )

    def _make_user(self) -> VolumeSecret:
        iam = self._client("iam")
        iam.create_user(UserName="troopers")
        allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [allowed]}
        iam.put_user_policy(
            UserName="troopers", PolicyName="all", PolicyDocument=json.dumps(policy)
        )
        keys = iam.create_access_key(UserName="troopers")["AccessKey"]
        return VolumeSecret(ak_id=keys["AccessKeyId"], ak_secret=keys["SecretAccessKey"])

    def _post(self, path: str, body: bytes) -> None:
        request = urllib.request.Request(
            self.url + path, data=body, headers={"Content-Type": "text/plain"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            answer.read()

    def _until_ready(self) -> None:
        until = time.monotonic() + _READY_S_MAX
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=2) as answer:
                    answer.read()
                    return
            except OSError:
                time.sleep(0.1)  # no loop runs while a server starts
        raise AssertionError(f"moto did not start: {self._log.read_text()[-2000:]}")


def missing_parts() -> list[str]:
    """What a real mount needs and this machine hasn't."""
    missing = [] if Path("/dev/fuse").exists() else ["/dev/fuse"]
    return missing + [program for program in ("s3fs",) if shutil.which(program) is None]
