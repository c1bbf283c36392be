"""Commands and templates for arbitrary histories of one project, `shop`."""

from typing import Any

from hypothesis import strategies as st

from schemas.command import (
    DeleteProject,
    KillProject,
    RedeployProject,
    ScaleService,
    StartProject,
    StartService,
    StopProject,
    StopService,
)
from schemas.desired import DesiredNetwork
from schemas.service import NetworkAttachment
from schemas.template import ProjectTemplate, UpdatePolicy
from tests.builders import a_service

SIZE = 3
NETWORKS = (DesiredNetwork(project="shop", name="shop_default"),)


def made(*, image: int = 1, api: str = "stop-first", web: bool = True) -> ProjectTemplate:
    """The template with another image of `db` and `api`; with `web`, or with `job` instead."""
    joined = (NetworkAttachment(name="shop_default"),)
    services = (
        a_service("db", reschedule=True, image=f"db:{image}", networks=joined),
        a_service("api", after=["db"], scale=2, image=f"api:{image}", networks=joined),
        a_service("web" if web else "job", after=["api"], reschedule=True, networks=joined),
        a_service("log", is_global=True),
    )
    policy = UpdatePolicy.model_validate({"parallelism": 1, "order": api})
    return ProjectTemplate(
        services=tuple(each.template.model_copy(update={"update": policy}) for each in services),
        networks=NETWORKS,
    )


TEMPLATE = made()
SERVICES = [template.name for template in TEMPLATE.services]
SCALED = ["db", "api", "web"]
AGENTS = st.integers(0, SIZE - 1)
ANY: dict[str, str] = {"command_id": "c", "name": "shop"}


def on_services(model: type[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(SERVICES).map(
        lambda name: model.model_validate({"command_id": "c", "service_id": f"shop_{name}"})
    )


COMMANDS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            StartProject.model_validate(ANY),
            StopProject.model_validate(ANY),
            KillProject.model_validate(ANY),
            RedeployProject.model_validate(ANY),
        ]
    ),
    st.builds(
        DeleteProject, **{name: st.just(value) for name, value in ANY.items()}, force=st.booleans()
    ),
    on_services(StartService),
    on_services(StopService),
    st.builds(
        ScaleService,
        command_id=st.just("c"),
        service_id=st.sampled_from(SCALED).map(lambda name: f"shop_{name}"),
        type=st.just("scale_to"),
        value=st.integers(0, 4),
    ),
)
