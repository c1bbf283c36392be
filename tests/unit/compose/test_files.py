"""Configs and secrets: what becomes of them, what is refused, and what no message repeats."""

import pytest

from compose.limits import FILE_BYTES_MAX
from schemas.service import InlineFile
from schemas.template import ProjectTemplate
from tests.unit.compose.templates import compiled, refused

SECRET = "hunter2-and-more"


def _template(section: str, entry: str, keys: str, *, rest: str = "", version: str = "") -> str:
    head = f"version: '{version}'\n" if version else ""
    return (
        f"{head}services: {{web: {{image: x, {section}: {keys}, {rest}}}}}\n"
        f"{section}: {{pw: {entry}}}\n"
    )


def _compiled(section: str, entry: str, keys: str = "[pw]", rest: str = "") -> ProjectTemplate:
    return compiled(_template(section, entry, keys, rest=rest), VARIABLE=SECRET, MODE="0440")


def _file(section: str, keys: str) -> InlineFile:
    (file,) = _compiled(section, f"{{content: {SECRET}}}", keys).services[0].spec.files
    return file


def test_a_secret_is_its_owner_s_below_run_secrets_and_a_config_everybody_s_at_the_root() -> None:
    assert _file("secrets", "[pw]") == InlineFile(
        target="/run/secrets/pw", content=SECRET, mode=0o400
    )
    assert _file("configs", "[pw]") == InlineFile(target="/pw", content=SECRET, mode=0o444)


@pytest.mark.parametrize(
    ("section", "keys", "wanted"),
    [
        ("secrets", "target: a/b", {"target": "/run/secrets/a/b"}),
        ("secrets", "target: /etc//x/../b", {"target": "/etc/b"}),
        ("configs", "target: etc/b", {"target": "/etc/b"}),
        ("configs", "uid: '1000', gid: 1001", {"uid": 1000, "gid": 1001}),
        ("configs", "mode: 0440", {"mode": 0o440}),
        ("configs", "mode: '440'", {"mode": 0o440}),
        ("configs", "mode: '0o440'", {"mode": 0o440}),
        ("configs", "mode: 288", {"mode": 0o440}),
        ("configs", "mode: $MODE", {"mode": 0o440}),
    ],
)
def test_the_long_syntax_says_where_a_file_is_and_whose(
    section: str, keys: str, wanted: dict[str, object]
) -> None:
    file = _file(section, f"[{{source: pw, {keys}}}]")
    assert {name: getattr(file, name) for name in wanted} == wanted


@pytest.mark.parametrize("section", ["configs", "secrets"])
@pytest.mark.parametrize("version", ["", "2", "2.4", "3.0", "3.1", "3.3", "3.8", "3.13"])
def test_every_version_with_sections_has_them(section: str, version: str) -> None:
    text = _template(section, "{content: $A}", "[pw]", version=version)
    (file,) = compiled(text, A="b").services[0].spec.files
    assert file.content == "b"


def test_an_inline_secret_is_our_own_and_no_reason_for_a_warning() -> None:
    text = _template("secrets", "{content: a}", "[pw]", version="3.8")
    assert compiled(text).warnings == ()


@pytest.mark.parametrize("section", ["configs", "secrets"])
def test_a_text_may_come_from_the_environment_and_a_secret_s_variable_is_hidden(
    section: str,
) -> None:
    template = _compiled(section, "{environment: VARIABLE}")
    assert template.services[0].spec.files[0].content == SECRET
    assert template.hidden_variables == (("VARIABLE",) if section == "secrets" else ())
    assert template.shown_text == ""


@pytest.mark.parametrize("section", ["configs", "secrets"])
@pytest.mark.parametrize(
    ("entry", "where", "words"),
    [
        ("{file: ./a}", ".file", "no directory"),
        ("{external: true}", ".external", "not supported yet"),
        ("{external: {name: a}}", ".external", "not supported yet"),
        ("{template_driver: golang, content: a}", ".template_driver", "not supported"),
        ("{}", "", "needs content"),
        ("{content: }", "", "needs content"),
        ("{content: a, environment: VARIABLE}", "", "one of them"),
        ("{environment: MISSING}", ".environment", "no such variable"),
        ("{content: 0123}", ".content", "quotes"),
        ("{content: [a]}", ".content", "must be"),
        ("text", "", "must be a mapping"),
        ("{contents: a}", "", "did you mean content?"),
        (f"{{content: {'x' * (FILE_BYTES_MAX + 1)}}}", ".content", "longer"),
    ],
)
def test_a_bad_declaration_is_refused_with_its_path(
    section: str, entry: str, where: str, words: str
) -> None:
    error = refused(_template(section, entry, "[pw]"), VARIABLE="a")
    assert error.where == f"{section}.pw{where}"
    assert words in str(error)


def test_a_secret_has_no_driver() -> None:
    assert refused(_template("secrets", "{driver: a, content: b}", "[pw]")).where == (
        "secrets.pw.driver"
    )


@pytest.mark.parametrize(
    ("keys", "rest", "where", "words"),
    [
        ("[other]", "", "[0]", "not declared"),
        ("[pw, pw]", "", "[1]", "already"),
        ("[pw, {source: pw, target: /run/secrets/a/../pw}]", "", "[1]", "already"),
        ("[{target: a}]", "", "[0]", "needs a source"),
        ("[{source: pw, target: /}]", "", "[0].target", "a file's path"),
        ("[{source: pw, target: ''}]", "", "[0].target", "a file's path"),
        ("[{source: pw, target: ../..}]", "", "[0].target", "a file's path"),
        ("[{source: pw, target: /etc/}]", "", "[0].target", "a file's path"),
        ('[{source: pw, target: "/a\\nb"}]', "", "[0].target", "no path"),
        ("[{source: pw, uid: root}]", "", "[0].uid", "must be a number"),
        ("[{source: pw, gid: -1}]", "", "[0].gid", "must be a number"),
        ("[{source: pw, uid: 4294967295}]", "", "[0].uid", "must be a number"),
        ("[{source: pw, mode: rw}]", "", "[0].mode", "octal"),
        ("[{source: pw, mode: '0999'}]", "", "[0].mode", "octal"),
        ("[{source: pw, mode: 9999}]", "", "[0].mode", "octal"),
        ("[{source: pw, mode: true}]", "", "[0].mode", "octal"),
        ("[{source: pw, size: 1}]", "", "[0].size", ""),
        ("[[pw]]", "", "[0]", ""),
        ("pw", "", "", "must be a list"),
        ("[pw]", "volumes: ['/run/secrets']", "[0]", "hide"),
        ("[pw]", "volumes: ['/h:/run']", "[0]", "hide"),
        ("[pw]", "volumes: ['/h:/run/secrets/pw']", "[0]", "hide"),
        ("[pw]", "volumes: ['/h:/run/secrets/pw/a']", "[0]", "directory"),
        ("[pw]", "tmpfs: /run/", "[0]", "hide"),
        ("[pw, {source: pw, target: pw/a}]", "", "[1]", "directory"),
    ],
)
def test_a_file_that_could_not_be_there_is_refused_with_its_path(
    keys: str, rest: str, where: str, words: str
) -> None:
    error = refused(_template("secrets", "{content: a}", keys, rest=rest))
    assert error.where == f"services.web.secrets{where}"
    assert words in str(error)


def test_a_mount_beside_a_file_is_fine() -> None:
    _compiled("secrets", "{content: a}", rest="volumes: ['/run/secret', '/run/secrets/pw2']")


@pytest.mark.parametrize("value", ["true", "'yes'"])
def test_a_read_only_container_has_no_files(value: str) -> None:
    error = refused(_template("configs", "{content: a}", "[pw]", rest=f"read_only: {value}"))
    assert error.where == "services.web.read_only"
    assert compiled("web: {image: x, read_only: true}").services[0].spec.read_only


def test_what_no_service_has_is_a_warning() -> None:
    assert _compiled("secrets", "{content: a}", "[]").warnings == (
        "secrets.pw: no service has it: it is not made",
    )


def test_names_and_labels_are_warned_of_and_extensions_are_the_user_s() -> None:
    entry = "{content: a, name: b, labels: {c: d}, x-note: e}"
    warnings = _compiled("secrets", entry).warnings
    assert [one.partition(":")[0] for one in warnings] == ["secrets.pw.name", "secrets.pw.labels"]


def test_all_files_of_all_services_are_bounded_together() -> None:
    services = ", ".join(f"a{i}: {{image: x, configs: [big]}}" for i in range(3))
    text = f"services: {{{services}}}\nconfigs: {{big: {{environment: A}}}}"
    assert refused(text, A="x" * 400_000).where == "services.a2.configs[0]"
    assert compiled(text, A="x" * 300_000)


def test_an_extended_service_keeps_files_and_replaces_those_in_the_same_place() -> None:
    template = compiled(
        """
        services:
          base: {image: x, secrets: [a, b], configs: [c]}
          web: {image: x, extends: base, secrets: [{source: c, target: /run/secrets/a}]}
        secrets: {a: {content: "1"}, b: {content: "2"}, c: {content: "3"}}
        configs: {c: {content: "4"}}
        """
    )
    web = next(one for one in template.services if one.name == "web")
    assert {file.target: file.content for file in web.spec.files} == {
        "/run/secrets/a": "3",
        "/run/secrets/b": "2",
        "/c": "4",
    }


def test_a_changed_text_is_a_changed_container() -> None:
    before, after = (_compiled("configs", f"{{content: {word}}}") for word in ("a", "b"))
    assert before.services[0].spec != after.services[0].spec


def test_a_definition_names_secrets_and_holds_none() -> None:
    long = f"{{source: pw, target: a, mode: 0440, x-note: {SECRET}}}"
    template = _compiled("secrets", f"{{content: {SECRET}}}", f"[pw, {long}]")
    definition = template.services[0].definition
    assert definition["secrets"] == ["pw", {"source": "pw", "target": "a", "mode": 0o440}]
    assert SECRET not in str(definition)
    assert SECRET not in repr(template.services[0].spec)


@pytest.mark.parametrize(
    "entry",
    [
        SECRET,
        f"[{SECRET}]",
        f"{{content:{SECRET}}}",
        f"{{content: [{SECRET}]}}",
        f"{{content: *{SECRET}}}",
        f"{{content: !{SECRET}}}",
        f"{{content: !{SECRET} [a]}}",
        f"{{content: '${{{SECRET}'}}",
        f"{{content: '${{MISSING:?{SECRET}}}'}}",
        "{environment: $VARIABLE}",
        "{file: $VARIABLE}",
        f"{{content: {SECRET}, file: a}}",
        f"{{content: &a {SECRET}}}",
    ],
)
def test_no_error_repeats_a_secret(entry: str) -> None:
    error = refused(_template("secrets", entry, "[pw]"), VARIABLE=SECRET)
    assert SECRET not in str(error)
    assert SECRET not in error.where
    assert refused(f"services: {{web: {{image: x}}}}\nsecrets: {SECRET}").where == "secrets"
