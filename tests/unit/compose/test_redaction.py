"""The text that is shown: no secret is in it, and nothing else is different."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from compose.errors import TemplateError
from compose.parse import parse
from compose.redaction import HIDDEN, with_kept_secrets
from compose.template import compile_template
from tests.unit.compose.templates import PROJECT, compiled, refused

SECRET = "hunter2-and-more"
HEAD = "services: {web: {image: x, secrets: [pw]}} # the web\n"


def _shown(text: str) -> str:
    shown = compile_template(PROJECT, text, {}).shown_text
    wanted = parse(text)
    for entry in wanted["secrets"].values():  # type: ignore[union-attr]
        if isinstance(entry, dict) and "content" in entry:
            entry["content"] = HIDDEN
    assert parse(shown) == wanted
    return shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{content: hunter2-and-more} # why", '{content: "***"} # why'),
        ("{content: 'hunter2-and-more', x-a: b}", '{content: "***", x-a: b}'),
        ('{"content":"hunter2-and-more"}', '{"content":"***"}'),
        ("{content: !!str hunter2-and-more}", '{content: "***"}'),
        ("\n    content: hunter2-and-more # why", '\n    content: "***" # why'),
        (
            "\n    content: a\n      hunter2-and-more\n    x-a: b",
            '\n    content: "***"\n    x-a: b',
        ),
        ("\n    content: 'a\n\n      hunter2-and-more'", '\n    content: "***"'),
        ("\n    content: |\n      hunter2-and-more\n      b\n", '\n    content: "***"\n'),
        (
            "\n    content: |2-\n      hunter2-and-more\n    x-a: b",
            '\n    content: "***"\n    x-a: b',
        ),
        ("\n    content: >+ # why\n      hunter2-and-more\n\n\n", '\n    content: "***"\n'),
        ("\n    content: |\r\n      hunter2-and-more\r\n", '\n    content: "***"\r\n'),
        ("\n    content: |\n      hunter2-and-more", '\n    content: "***"'),
        ("\n    ? content\n    : hunter2-and-more", '\n    ? content\n    : "***"'),
        ("\n    content:\n      hunter2-and-more", '\n    content:\n      "***"'),
        ('{content: ""}', '{content: "***"}'),
    ],
)
def test_a_secret_is_replaced_where_it_stands_and_all_else_stays(written: str, shown: str) -> None:
    before = f"{HEAD}# a comment\nsecrets:\n  pw: "
    text = before + written
    assert compiled(text).shown_text == before + shown
    assert _shown(text) == before + shown


def test_a_byte_order_mark_and_wide_letters_move_nothing() -> None:
    text = f"\ufeff# \U0001f512\u2028\n{HEAD}secrets: {{pw: {{content: {SECRET}}}}}\n"
    assert _shown(text) == text.replace(SECRET, '"***"')


def test_a_template_in_json_is_shown_in_json() -> None:
    tree = {
        "services": {"web": {"image": "x", "secrets": ["pw"]}},
        "secrets": {"pw": {"content": SECRET}, "b": {"content": SECRET}},
    }
    shown = json.loads(_shown(json.dumps(tree, indent=1)))
    assert shown["secrets"] == {"pw": {"content": HIDDEN}, "b": {"content": HIDDEN}}


def test_a_template_without_inline_secrets_needs_no_other_text() -> None:
    assert compiled("web: {image: x}").shown_text == ""
    assert compiled("services: {web: {image: x}}\nconfigs: {a: {content: b}}").shown_text == ""
    # In the first format it is a service.
    assert compiled("secrets: {image: x}").shown_text == ""


@pytest.mark.parametrize(
    "text",
    [
        "x-a: &a {S}\nsecrets: {pw: {content: *a}}",
        "secrets: {pw: {content: &a {S}}}",
        "secrets: {pw: &a {content: {S}}}",
        "secrets: &a {pw: {content: {S}}}",
        "x-a: &a {content: {S}}\nsecrets: {pw: *a}",
        "x-a: &a {pw: {content: {S}}}\nsecrets: *a",
        "x-a: &a {content: {S}}\nsecrets: {pw: {<<: *a}}",
        "x-a: &a {content: {S}}\nsecrets: {pw: {<<: *a, content: b}}",
        "x-a: &a {pw: {content: {S}}}\nsecrets: {<<: *a, pw: {content: b}}",
        "x-a: &a {secrets: {pw: {content: {S}}}}\n<<: *a",
        "secrets: {pw: {<<: {content: {S}}}}",
    ],
)
def test_a_secret_that_stands_elsewhere_is_refused_with_advice(text: str) -> None:
    error = refused(HEAD + text.replace("{S}", SECRET))
    assert error.where.startswith("secrets.")
    assert "alias" in str(error)
    assert SECRET not in str(error)


_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n"),
    max_size=60,
).map(lambda text: text.replace("$", "S"))
_STYLES = st.sampled_from(["'", '"', "|", ">", "plain"])


def _written(secret: str, style: str, indent: int) -> str:
    """The section with this secret, as the library writes it."""
    written: str = yaml.safe_dump(
        {"secrets": {"pw": {"content": secret}}},
        default_style=None if style == "plain" else style,
        allow_unicode=True,
        indent=indent,
        width=30,
    )
    # The end of a document that another line could go on with.
    return written.removesuffix("...\n")


@given(secret=_TEXTS, style=_STYLES, indent=st.integers(2, 6), after=st.booleans())
def test_no_secret_is_ever_shown(secret: str, style: str, indent: int, *, after: bool) -> None:
    section = _written(secret, style, indent)
    text = f"{section}{HEAD}" if after else f"{HEAD}{section}"
    (file,) = compile_template(PROJECT, text, {}).services[0].spec.files
    assert file.content == secret
    rest = _shown(text).replace(HEAD, "").replace(f'"{HIDDEN}"', "")
    assert rest.replace('"', "").replace("'", "").split() == ["secrets:", "pw:", "content:"]


class TestWhatWasShownAndIsSentAgain:
    @given(st.text(min_size=1).filter(lambda text: text.strip()))
    def test_has_its_secrets_again_and_is_else_as_it_was(self, secret: str) -> None:
        kept = HEAD + f"secrets:\n  pw: {{content: {json.dumps(secret)}}}\n"
        try:
            shown = compile_template(PROJECT, kept, {}).shown_text
        except TemplateError:
            return
        again = with_kept_secrets(shown.replace("image: x", "image: y"), kept)
        wanted = parse(kept.replace("image: x", "image: y"))
        assert parse(again) == wanted

    @pytest.mark.parametrize("content", ["|\n   one\n   two\n", "'${PW}'\n", "yes\n"])
    def test_has_them_however_they_were_written(self, content: str) -> None:
        kept = HEAD + "secrets:\n pw:\n  content: " + content + " b: {content: '***'}\n"
        shown = compile_template(PROJECT, kept, {"PW": "x"}).shown_text
        assert compiled(with_kept_secrets(shown, kept)) == compiled(kept)

    def test_a_secret_that_is_written_anew_is_taken(self) -> None:
        text = HEAD + "secrets: {pw: {content: new}} # ***\n"
        assert with_kept_secrets(text, text.replace("new", "old")) == text

    @pytest.mark.parametrize("kept", ["", HEAD, HEAD + "secrets: {other: {content: x}}"])
    def test_is_refused_where_the_secret_is_not_known(self, kept: str) -> None:
        text = HEAD + "secrets: {pw: {content: '***'}}\n"
        with pytest.raises(TemplateError, match=r"secrets\.pw: \*\*\* is shown in place of"):
            with_kept_secrets(text, kept)
