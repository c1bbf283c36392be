from prometheus_client.parser import text_string_to_metric_families

from coordinator.metrics import Metrics
from schemas.states import NodeState, State


def samples(metrics):
    body, _ = metrics.exposition()
    families = text_string_to_metric_families(body.decode())
    return {
        (
            sample.name.removeprefix("troopers_coordinator_"),
            *sorted(sample.labels.values()),
        ): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_state_is_shown_from_the_start():
    shown = samples(Metrics())
    assert {shown["nodes", state] for state in NodeState} == {0}
    assert {shown["services", state] for state in State} == {0}


def test_a_state_that_nothing_is_in_any_more_is_zero_again():
    metrics = Metrics()
    metrics.set_nodes([NodeState.READY, NodeState.READY, NodeState.DOWN])
    assert (samples(metrics)["nodes", "ready"], samples(metrics)["nodes", "down"]) == (2, 1)
    metrics.set_nodes([NodeState.READY])
    assert (samples(metrics)["nodes", "ready"], samples(metrics)["nodes", "down"]) == (1, 0)


def test_what_happens_is_counted():
    metrics = Metrics()
    metrics.count_command("project", "stop", "accepted")
    metrics.count_pass("settled", 0.2)
    metrics.count_write("conflict")
    metrics.set_active(True)
    shown = samples(metrics)
    assert shown["commands_total", "accepted", "project.stop"] == 1
    assert shown["passes_total", "settled"] == 1
    assert shown[("pass_duration_seconds_count",)] == 1
    assert shown["fanout_writes_total", "conflict"] == 1
    assert shown[("active",)] == 1


def test_two_coordinators_in_one_process_count_apart():
    first, second = Metrics(), Metrics()
    first.count_write("ok")
    assert ("fanout_writes_total", "ok") not in samples(second)
