import pytest

from coordinator.errors import NotFound
from coordinator.views.render import rfc3339nano
from schemas.current import EngineCurrent
from schemas.fingerprint import fingerprint
from schemas.query import InspectService, ListNodes, ListProjects, ListServices, ViewProject
from schemas.release import Operation
from schemas.service import ServiceSpec
from schemas.states import EngineState, Health, NodeState
from tests.fakes.answers import answer
from tests.fakes.pictures import CONTAINER_ID, CREATED, a_container, a_node, a_project, a_service


def view(project, **switches):
    return answer(
        ViewProject(name=project.record.name, **switches), {project.record.name: project}, ()
    )


def the_service(service):
    return answer(
        InspectService(service_id="wordpress_db"),
        {"wordpress": a_project("wordpress", service)},
        (),
    )


def the_container(**changes):
    return the_service(a_service(containers=(a_container(**changes),)))["containers"][CONTAINER_ID]


def test_a_service_is_shown_as_the_reference_shows_it():
    shown = answer(InspectService(service_id="wordpress_db"), {"wordpress": a_project()}, ())
    sample = {
        "id": "wordpress_db",
        "name": "db",
        "project": "wordpress",
        "definition": {
            "environment": ["MYSQL_ROOT_PASSWORD=password"],
            "image": "mysql:5.7",
            "restart": "always",
        },
        "extensions": {"scale": 1, "logs": ["/var/log/mysql"]},
        "created": "2016-04-21T13:36:32.440646459Z",
        "updated": "2016-04-21T13:36:33.27030895Z",
        "desired_state": "running",
        "current_state": "running",
    }
    assert {key: shown[key] for key in sample} == sample
    container = shown["containers"][CONTAINER_ID]
    expected = {
        "name": "/wordpress_db_1",
        "node": "10.246.2.3",
        "ip": "10.0.0.2",
        "running": True,
        "status": "running",
        "health": "success",
    }
    assert {key: container[key] for key in expected} == expected
    assert shown["hash"] == fingerprint(ServiceSpec(image="mysql:5.7"))


def test_a_service_without_description_has_no_such_key():
    assert "description" not in the_service(a_service())


def test_a_project_is_shown_with_the_servers_variables_over_the_users():
    shown = view(a_project(environment={"COMPOSE_PROJECT_NAME": "evil", "USER": "abc"}))
    assert shown["environment"] == {
        "USER": "abc",
        "COMPOSE_PROJECT_NAME": "wordpress",
        "ACS_PROJECT_VERSION": "1.0",
    }
    assert shown["template"] == "db:\r\n image: mysql:5.7"
    assert "operation" not in shown


def test_the_default_domain_is_shown_only_where_one_is_configured():
    projects = {"wordpress": a_project()}
    shown = answer(ListProjects(), projects, (), default_domain="apps.example")
    assert shown[0]["environment"]["ACS_DEFAULT_DOMAIN"] == "apps.example"
    assert "ACS_DEFAULT_DOMAIN" not in answer(ListProjects(), projects, ())[0]["environment"]


def test_the_newest_operation_is_shown():
    operation = Operation(
        id="op", verb="service.stop", service="db", started="2016-01-01T00:00:00Z"
    )
    assert view(a_project(operation=operation))["operation"] == {
        "id": "op",
        "verb": "service.stop",
        "service": "db",
        "started": "2016-01-01T00:00:00Z",
    }


def test_what_is_not_asked_for_stays_as_an_empty_value():
    assert view(a_project(), services=False)["services"] == []
    assert view(a_project(), containers=False)["services"][0]["containers"] == {}


def test_lists_are_sorted_and_filtered_by_a_case_sensitive_part_of_the_name():
    projects = {name: a_project(name) for name in ("b1", "B2", "a1")}
    assert [each["name"] for each in answer(ListProjects(), projects, ())] == ["B2", "a1", "b1"]
    assert [each["name"] for each in answer(ListProjects(q="b"), projects, ())] == ["b1"]
    ids = [each["id"] for each in answer(ListServices(q="db"), projects, ())]
    assert ids == ["B2_db", "a1_db", "b1_db"]
    assert answer(ListServices(q="b1"), projects, ()) == []


def test_services_of_a_project_are_sorted_by_name():
    shown = view(a_project("p", a_service("web"), a_service("db")))
    assert [service["name"] for service in shown["services"]] == ["db", "web"]


def test_scale_is_the_present_one_and_global_is_said():
    shown = the_service(a_service(scale=3, is_global=True, extensions={"scale": 1}))
    assert shown["extensions"] == {"scale": 3, "global": True}


@pytest.mark.parametrize("query", [ViewProject(name="nix"), InspectService(service_id="nix_db")])
def test_what_is_missing_is_not_found(query):
    with pytest.raises(NotFound, match="there is no"):
        answer(query, {"wordpress": a_project()}, ())


@pytest.mark.parametrize("service_id", ["", "_", "wordpress", "wordpress_", "_db", "wordpress_d"])
def test_half_an_id_is_not_found(service_id):
    with pytest.raises(NotFound):
        answer(InspectService(service_id=service_id), {"wordpress": a_project()}, ())


def test_an_underscore_in_a_services_name_belongs_to_the_service():
    projects = {"p": a_project("p", a_service("a_b"))}
    assert answer(InspectService(service_id="p_a_b"), projects, ())["name"] == "a_b"


def test_a_project_that_is_gone_is_nowhere():
    gone = {"wordpress": a_project(is_gone=True)}
    assert answer(ListProjects(), gone, ()) == []
    assert answer(ListServices(), gone, ()) == []
    with pytest.raises(NotFound):
        answer(ViewProject(name="wordpress"), gone, ())


@pytest.mark.parametrize(
    ("health", "running", "shown"),
    [
        (Health.NONE, True, "success"),
        (Health.NONE, False, ""),
        (Health.STARTING, True, "starting"),
        (Health.FAILURE, True, "failure"),
    ],
)
def test_a_running_container_that_nothing_checks_is_healthy(health, running, shown):
    assert the_container(health=health, running=running)["health"] == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("10.246.2.3", [("10.246.2.3", "32797"), ("::", "32792")]),
        ("2001:db8::3", [("0.0.0.0", "32797"), ("2001:db8::3", "32792")]),
    ],
)
def test_a_port_on_every_interface_is_shown_at_the_nodes_address_if_that_is_of_its_kind(
    address, shown
):
    bindings = [
        {"host_ip": "0.0.0.0", "host_port": 32797},
        {"host_ip": "::", "host_port": 32792},
    ]
    ports = {"80/tcp": bindings, "81/udp": []}
    found = the_container(ports=ports, address=address)["ports"]
    assert found == {
        "80/tcp": [{"host_ip": ip, "host_port": port} for ip, port in shown],
        "81/udp": [],
    }


def test_a_port_at_one_address_is_shown_there():
    binding = {"host_ip": "127.0.0.1", "host_port": 80}
    assert the_container(ports={"80/tcp": [binding]})["ports"] == {
        "80/tcp": [{"host_ip": "127.0.0.1", "host_port": "80"}]
    }


def test_what_the_status_does_not_say_is_said_in_words():
    shown = the_container(
        is_stale=True,
        is_leftover=True,
        running=False,
        status="exited",
        exit_code=137,
        oom_killed=True,
    )
    assert shown["status_ext"] == (
        "as last seen, its node or engine does not answer, no longer placed here, out of memory, "
        "exit code 137"
    )
    assert the_container()["status_ext"] == ""


def test_a_node_is_shown_with_its_containers_counted():
    (shown,) = answer(ListNodes(), {}, (a_node(),))
    assert shown["Healthy"] is True
    assert shown["Status"] == "ready"
    assert (shown["Name"], shown["IP"], shown["AgentVersion"]) == ("n1", "10.246.2.3", "0.1.0")
    counts = [shown[f"Containers{kind}"] for kind in ("", "Running", "Paused", "Stopped")]
    assert counts == [3, 1, 1, 1]
    assert shown["Labels"] == {"group": "web"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"state": NodeState.DOWN, "silent_for_s": 9.4, "silent_since": CREATED},
            f"is down, silent since {CREATED}",
        ),
        ({"state": NodeState.SUSPECT}, "is suspect, not heard so far"),
        (
            {"state": NodeState.SUSPECT, "silent_since": CREATED},
            "is suspect: it is heard, and takes nothing new yet",
        ),
        ({"current": None}, "has not reported yet"),
    ],
)
def test_a_node_that_is_not_healthy_says_why(changes, reason):
    (shown,) = answer(ListNodes(), {}, (a_node(**changes),))
    assert shown["Healthy"] is False
    assert shown["Reason"] == reason


def test_a_node_whose_engine_does_not_answer_is_not_healthy():
    node = a_node()
    assert node.current is not None
    engine = EngineCurrent(state=EngineState.UNRESPONSIVE, reason="ping took 5 s")
    sick = a_node(current=node.current.model_copy(update={"engine": engine}))
    (shown,) = answer(ListNodes(), {}, (sick,))
    why = "has an engine that is unresponsive: ping took 5 s"
    assert (shown["Healthy"], shown["Reason"]) == (False, why)


def test_a_node_that_refuses_its_orders_is_not_healthy():
    node = a_node()
    assert node.current is not None
    current = node.current.model_copy(update={"refusal": "epoch 3 is older than 100"})
    (shown,) = answer(ListNodes(), {}, (a_node(current=current),))
    why = "refuses its orders: epoch 3 is older than 100"
    assert (shown["Healthy"], shown["Reason"]) == (False, why)


def test_nodes_are_sorted_by_name():
    shown = answer(ListNodes(), {}, (a_node("n2", 2), a_node("n1", 1)))
    assert [each["Name"] for each in shown] == ["n1", "n2"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2016-02-02T07:45:16.031421540Z", "2016-02-02T07:45:16.03142154Z"),
        ("2016-02-02T07:45:16.000000000Z", "2016-02-02T07:45:16Z"),
        ("2016-02-02T07:45:16Z", "2016-02-02T07:45:16Z"),
        ("2016-02-02T07:45:10.100Z", "2016-02-02T07:45:10.1Z"),
    ],
)
def test_a_fractions_trailing_zeros_are_trimmed(given, shown):
    assert rfc3339nano(given) == shown


def test_secrets_are_hidden_in_the_template_and_in_the_environment():
    project = a_project(
        template="the-secret",
        shown_template="***",
        hidden_variables=("KEY",),
        environment={"KEY": "the-secret", "OTHER": "x"},
    )
    shown = view(project)
    assert shown["template"] == "***"
    assert (shown["environment"]["KEY"], shown["environment"]["OTHER"]) == ("***", "x")
    assert "the-secret" not in str(shown)
