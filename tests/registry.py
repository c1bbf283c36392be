"""A real registry of images, as a node sees it: on its own loopback."""

from collections.abc import Sequence
from pathlib import Path

from cli.engine import Engine
from cli.processes import Child

#: The same on every node, so that one reference means one image. Engines ask no TLS of loopback.
PORT = 5000
_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {store}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


class Registry:
    """docker-registry in the namespace that `enter` enters; those of one `store` serve the same."""

    def __init__(self, name: str, store: Path, enter: Sequence[str] = ()) -> None:
        self._config = store.with_name(f"{name}.yml")
        self._config.write_text(_CONFIG.format(store=store, port=PORT))
        self._child = Child(
            name,
            [*enter, "docker-registry", "serve", str(self._config)],
            store.parent,
            ready=lambda: f"listening on 127.0.0.1:{PORT}" in self._child.log.read_text(),
        )

    def start(self) -> None:
        """Serve. Raises StartFailed, with the end of the log, if it won't."""
        self._child.log.unlink(missing_ok=True)
        self._child.start()

    def stop(self) -> None:
        """Connections are refused from now on. Safe to repeat."""
        self._child.stop()

    def pause(self) -> None:
        """Whoever asks waits from now on."""
        self._child.pause()

    def resume(self) -> None:
        self._child.resume()


def release(engine: Engine, base: str, reference: str, version: str) -> str:
    """Push an image like `base`; what the engine has of that name stays. Returns the image's id."""
    repository, _, tag = reference.rpartition(":")
    with engine.client() as client:
        held = [image.id for image in client.images.list(reference)]
        container = client.containers.create(base, ["true"])
        try:
            image = container.commit(repository, tag, changes=[f"ENV VERSION={version}"])
        finally:
            container.remove()
        try:
            for line in client.api.push(repository, tag, stream=True, decode=True):
                assert "error" not in line, line
        finally:
            client.images.remove(reference)
            for identity in held:
                client.api.tag(identity, repository, tag)
        return str(image.id)
