"""The cluster of `make up`: everything on this machine, with its own engine if there is none.

Writes: `<home>/embedded/`. What was changed outside it is recorded there before it is changed, so
that `down` can take it back after a crash too.
"""

import json
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from docker.errors import DockerException
from requests.exceptions import RequestException

from cli import hello
from cli.cluster import Cluster, ClusterSettings
from cli.dockerd import RUNTIME_ROOT, Dockerd, remove_if_empty
from cli.engine import Engine
from cli.errors import ApiError, CommandFailed, RequirementMissing
from cli.existing_engine import find_engine
from cli.firewall import NetworkBefore
from cli.home import home
from cli.image import busybox
from cli.listening import require_free
from cli.mounts import remove_tree
from cli.packages import install
from cli.processes import stop_recorded
from cli.screen import Screen

_NODE = "local"
#: Exists exactly where systemd is in charge.
_SYSTEMD = Path("/run/systemd/system")


@dataclass(frozen=True, slots=True)
class LocalMachine:
    """This machine as a place for an agent."""

    engine: Engine
    name: str = _NODE
    address: str = "127.0.0.1"
    enter: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traces:
    """What this cluster did outside its home."""

    engine_url: str
    page_port: int
    #: Set when the engine is ours: how the machine's network was before.
    network: NetworkBefore | None = None
    built_image: bool = False


class Embedded:
    """Brings the machine's own cluster up and down; both may be repeated."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._home = home() / "embedded"
        self._record = self._home / "traces.json"
        # Unique on this machine: two checkouts may each have an engine, in turn.
        self._dockerd = Dockerd(
            f"up-{sha256(str(self._home).encode()).hexdigest()[:8]}", self._home / "engine"
        )

    def up(self, settings: ClusterSettings, engine_url: str | None) -> None:
        """Start what is missing, deploy the example and wait until its page answers."""
        recorded = self._read_traces()
        cluster = recorded and Cluster.recorded(
            self._home / "cluster", [LocalMachine(Engine(recorded.engine_url))]
        )
        if recorded and cluster and cluster.is_alive and cluster.nodes[0].engine.answers():
            self._screen.say("It already runs.")
            self._deploy(cluster, recorded)
            return
        page_port = recorded.page_port if recorded else hello.port()
        if recorded is None:
            _require_free(settings, page_port)
        traces = self._engine(recorded, engine_url, page_port)
        traces = self._image(traces)
        place = [LocalMachine(Engine(traces.engine_url))]
        directory = self._home / "cluster"
        cluster = Cluster.recorded(directory, place) or Cluster(directory, place, settings)
        with self._screen.step("Starting nats-server, coordinator and agent") as step:
            cluster.start()
            step.result = f"API at {cluster.url}"
        self._deploy(cluster, traces)

    def down(self) -> bool:
        """Delete the projects, end every process, remove every trace; whether there was any."""
        if not self._home.exists():
            return False
        traces = self._read_traces()
        if traces is not None:
            engine = Engine(traces.engine_url)
            cluster = Cluster.recorded(self._home / "cluster", [LocalMachine(engine)])
            if cluster is not None:
                self._delete_projects(cluster)
            with self._screen.step("Stopping agent, coordinator and nats-server"):
                if cluster is not None:
                    cluster.destroy()
                stop_recorded(self._home / "cluster")
            with self._screen.step("Removing what is left on the engine"):
                self._clean_engine(engine, traces)
        remove_tree(self._home)
        remove_if_empty(RUNTIME_ROOT)
        return True

    def _engine(self, recorded: Traces | None, url: str | None, page_port: int) -> Traces:
        """An engine that answers: our own if we had one, else one that runs, else our own."""
        with self._screen.step("Looking for a Docker Engine") as step:
            traces = recorded
            if traces is None or traces.network is None:
                engine = find_engine(url)
                if engine is None:
                    step.update("none answers; installing what one needs")
                    install("engine")
                    # Where there is a service manager, the packages have just started one.
                    engine = find_engine(url, wait_s=5 if _SYSTEMD.exists() else 0)
                if engine is not None:
                    step.result = engine.url
                    known = traces or Traces(engine.url, page_port)
                    return self._note(replace(known, engine_url=engine.url))
                traces = Traces(self._dockerd.url, page_port, NetworkBefore.now())
            step.update("starting one of our own")
            self._note(traces)
            self._dockerd.start()
            step.result = f"our own at {traces.engine_url}"
        return traces

    def _image(self, traces: Traces) -> Traces:
        with self._screen.step(f"Building the image {hello.IMAGE}"):
            try:
                busybox()
            except RequirementMissing:
                install("image")
            built = hello.build(Engine(traces.engine_url))
        return self._note(replace(traces, built_image=True)) if built else traces

    def _deploy(self, cluster: Cluster[LocalMachine], traces: Traces) -> None:
        with self._screen.step(f"Deploying {hello.EXAMPLE.name}") as step:
            hello.deploy(cluster.api)
            states = hello.wait_until_running(cluster.api, step)
        with self._screen.step("Opening the page"):
            url = hello.wait_for_page(traces.page_port)
        width = max(map(len, states)) + 2
        self._screen.say(
            "",
            f"{hello.PROJECT} is {states[hello.PROJECT]} at {url}",
            *(f"  {name:<{width}}{state}" for name, state in states.items() if name != "hello"),
            *self._engine_of_our_own(traces),
            "",
            "Next:",
            f"  curl -s '{cluster.url}/services/?containers=true'",
            f"  curl -s -X POST {cluster.url}/services/hello_worker/scale"
            """ -H 'Content-Type: application/json' -d '{"type": "scale_to", "value": 3}'""",
            "  make down",
        )

    def _engine_of_our_own(self, traces: Traces) -> tuple[str, ...]:
        """How to reach it, where the docker CLI would not by itself."""
        if traces.network is None:
            return ()
        return ("", f"The docker CLI finds its engine with DOCKER_HOST={traces.engine_url}")

    def _delete_projects(self, cluster: Cluster[LocalMachine]) -> None:
        """Through the front door if it opens; what stays is removed from the engine by label."""
        with self._screen.step("Deleting the projects") as step:
            try:
                for project in cluster.api.get("/projects/"):
                    step.update(str(project["name"]))
                    cluster.api.delete(f"/projects/{project['name']}?force=true&v=true")
            except ApiError as error:
                step.update(f"{error}; going on without the API")

    def _clean_engine(self, engine: Engine, traces: Traces) -> None:
        if traces.network is not None:
            self._dockerd.destroy()
            traces.network.restore()
            return
        try:
            engine.wipe()
            if traces.built_image:
                engine.remove_image(hello.IMAGE)
        except (DockerException, RequestException) as error:
            raise CommandFailed(
                f"the engine at {engine.url} does not answer, so containers may be left on it;"
                " start it and run `make down` again",
            ) from error

    def _note(self, traces: Traces) -> Traces:
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._record.write_text(json.dumps(asdict(traces)))
        return traces

    def _read_traces(self) -> Traces | None:
        try:
            fields = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        network = fields.pop("network")
        return Traces(network=NetworkBefore(**network) if network else None, **fields)


def _require_free(settings: ClusterSettings, page_port: int) -> None:
    require_free("127.0.0.1", settings.nats_port, "TROOPERS_NATS_PORT")
    require_free("127.0.0.1", settings.http_port, "TROOPERS_HTTP_PORT")
    require_free("127.0.0.1", settings.agent_port, "TROOPERS_AGENT_PORT")
    require_free("0.0.0.0", page_port, hello.PORT_VARIABLE)
