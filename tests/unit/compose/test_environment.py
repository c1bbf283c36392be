"""The container's variables, and the scheduling expressions among them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.placement import PolicyReader
from compose.template import TemplateError
from coordinator.placement.expressions import matcher
from schemas.template import Expression, PlacementPolicy
from tests.unit.compose.templates import compiled, warnings, web, web_refused


@pytest.mark.parametrize(
    "entries",
    [
        "[A=1, B=, C=a=b, D=true, GIVEN]",
        "{A: 1, B: '', C: a=b, D: true, GIVEN: }",
        "{A: '1', B: '', C: a=b, D: 'true', GIVEN: null}",
    ],
)
def test_a_list_and_a_map_say_the_same(entries: str) -> None:
    service = web(f"environment: {entries}", GIVEN="from the project")
    wanted = {"A": "1", "B": "", "C": "a=b", "D": "true", "GIVEN": "from the project"}
    assert service.spec.environment == wanted
    assert service.definition["environment"] == [f"{key}={value}" for key, value in wanted.items()]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0644", "420"),
        ("1.10", "1.1"),
        ("yes", "yes"),
        ("22:22", "22:22"),
        ("2001-01-01", "2001-01-01"),
    ],
)
def test_a_bare_value_is_text(written: str, value: str) -> None:
    assert web(f"environment: {{A: {written}}}").spec.environment == {"A": value}


def test_the_last_of_two_variables_counts() -> None:
    assert web("environment: [A=1, B=2, A=3]").definition["environment"] == ["B=2", "A=3"]


def test_a_variable_that_nobody_gives_a_value_is_left_out_with_a_warning() -> None:
    assert web("environment: [A, B=1]").spec.environment == {"B": "1"}
    assert "A has no value" in warnings("environment: [A, B=1]")[0]


def test_the_projects_name_is_always_known() -> None:
    service = web("environment: [COMPOSE_PROJECT_NAME, 'B=$COMPOSE_PROJECT_NAME']")
    assert service.spec.environment == {"COMPOSE_PROJECT_NAME": "shop", "B": "shop"}
    assert web("user: $COMPOSE_PROJECT_NAME", COMPOSE_PROJECT_NAME="x").spec.user == "shop"


@pytest.mark.parametrize(
    ("entries", "where"),
    [
        ("5", "environment"),
        ("[[a]]", "environment[0]"),
        ("[{A: b}]", "environment[0]"),
        ("[=a]", "environment[0]"),
        ("['']", "environment[0]"),
        ("{A: [b]}", "environment.A"),
        ("{A=B: c}", "environment.A=B"),
    ],
)
def test_what_is_no_variable_is_refused(entries: str, where: str) -> None:
    assert web_refused(f"environment: {entries}").where == f"services.web.{where}"


def expression(kind: str, key: str, value: str, **rest: bool) -> Expression:
    return Expression.model_validate({"kind": kind, "key": key, "value": value, **rest})


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("constraint:group==1", expression("constraint", "group", "1")),
        ("constraint:group!=1", expression("constraint", "group", "1", negated=True)),
        ("constraint:group==~1", expression("constraint", "group", "1", soft=True)),
        ("affinity:service!=~db", expression("affinity", "service", "db", negated=True, soft=True)),
        ("affinity:image==*redis*", expression("affinity", "image", "*redis*")),
        (
            "constraint:aliyun.node_index==(1|2|3)",
            expression("constraint", "aliyun.node_index", "(1|2|3)"),
        ),
        ("constraint:node==/n[0-9]/", expression("constraint", "node", "/n[0-9]/")),
        ("constraint:node==10.0.0.1", expression("constraint", "node", "10.0.0.1")),
        ("constraint:a_b==c==d", None),
    ],
)
def test_an_expression_is_read_in_the_list_and_in_the_map(
    entry: str, wanted: Expression | None
) -> None:
    for entries in (f"['{entry}', A=1]", f"{{'{entry}': '', A: 1}}", f"{{'{entry}': , A: 1}}"):
        if wanted is None:
            assert "no value" in str(web_refused(f"environment: {entries}"))
            continue
        service = web(f"environment: {entries}")
        assert service.placement == PlacementPolicy(expressions=(wanted,))
        assert service.spec.environment == {"A": "1"}
        assert service.definition["environment"] == ["A=1"]


def test_expressions_add_up_and_repeating_one_changes_nothing() -> None:
    service = web(
        "environment: ['constraint:group==1', 'affinity:service!=db', 'constraint:group==1']"
    )
    assert [one.key for one in service.placement.expressions] == ["group", "service"]
    assert "environment" not in service.definition


@pytest.mark.parametrize("operator", ["==", "!=~"])
def test_who_asks_for_an_image_is_told_which_ones_are_seen(operator: str) -> None:
    entry = f"affinity:image{operator}redis"
    for entries in (f"['{entry}']", f"{{'{entry}': }}"):
        (told,) = warnings(f"environment: {entries}")
        assert "containers only" in told
    assert not warnings("environment: ['affinity:images==a']")


@pytest.mark.parametrize(
    ("entry", "zones", "is_soft"),
    [("availability:az==2", 2, False), ("availability:az==~3", 3, True)],
)
def test_zones_are_counted(entry: str, zones: int, is_soft: bool) -> None:
    policy = web(f"environment: ['{entry}']").placement
    assert (policy.zones_min, policy.zones_soft) == (zones, is_soft)


def test_rescheduling_is_off_unless_asked_for() -> None:
    assert web("environment: ['reschedule:on-node-failure']").placement.reschedule
    assert not web("environment: ['reschedule:off']").placement.reschedule
    assert not web("user: a").placement.reschedule


@pytest.mark.parametrize(
    "entry",
    [
        "constraint:group",
        "constraint:group=1",
        "constraint:==1",
        "constraint:g==1",
        "constraint:1group==1",
        "constraint:group==",
        "constraint:group==~",
        "constraint:a!=b==c",
        "constraint:group==a,b",
        "constraint:group==(a",
        "constraint:group==/[/",
        "constraint:group==/(a",
        "constraint:group==" + "x" * 200,
        "availability:az==0",
        "availability:az!=2",
        "availability:zone==2",
        "availability:az==two",
        "reschedule:always",
        "reschedule:",
        "whitelist:node==a",
    ],
)
def test_a_malformed_expression_is_refused_with_its_path(entry: str) -> None:
    assert web_refused(f"environment: [A=1, '{entry}']").where == "services.web.environment[1]"
    assert web_refused(f"environment: {{'{entry}': ''}}").where.startswith(
        "services.web.environment."
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (r"/(a)\1/", r"\1 is not supported"),
        (r"/\bx\b/", r"\b is not supported"),
        ("/(?i)web/", "groups with (? are not supported"),
        ("/a++/", "nothing to repeat before +"),
    ],
)
@pytest.mark.parametrize(
    "form", ["environment: ['constraint:group==%s']", "deploy: {placement: {constraints: [%s]}}"]
)
def test_a_pattern_that_the_scheduler_cannot_run_is_refused_with_the_reason(
    form: str, value: str, reason: str
) -> None:
    written = value if "environment" in form else f"'node.labels.group=={value}'"
    refusal = web_refused(form % written)
    assert reason in str(refusal)
    assert refusal.where.endswith("[0]")


@given(st.text(alphabet="ab1.*+?()[]|^$/\\-_: \n", min_size=1, max_size=20))
def test_what_a_template_may_say_the_scheduler_can_run(value: str) -> None:
    reader = PolicyReader()
    with suppress(TemplateError):
        reader.read(f"constraint:group=={value}", "")
    assert all(matcher(one).problem == "" for one in reader.policy().expressions)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("reschedule:off", "reschedule:on-node-failure"),
        ("reschedule:off", "reschedule:off"),
        ("availability:az==2", "availability:az==3"),
    ],
)
def test_one_policy_of_a_kind_is_enough(one: str, other: str) -> None:
    assert web_refused(f"environment: ['{one}', '{other}']").where == "services.web.environment[1]"


def test_too_many_expressions_are_refused() -> None:
    entries = ", ".join(f"'constraint:group!={i}'" for i in range(17))
    assert "16" in str(web_refused(f"environment: [{entries}]"))


def test_a_variable_with_a_colon_is_a_variable() -> None:
    template = compiled("web: {image: x, environment: ['a:b=c']}")
    assert template.services[0].spec.environment == {"a:b": "c"}


def test_who_leaves_a_variable_without_a_value_is_told_that_the_image_s_own_stays() -> None:
    (told,) = warnings("environment: [A]")
    assert "left out, so that the image's own stays" in told


def test_a_warning_comes_once() -> None:
    assert len(warnings("environment: [A, A]")) == 1
