"""Short ways to compile a template in a test."""

import textwrap

import pytest

from compose.template import TemplateError, compile_template
from schemas.template import ProjectTemplate, ServiceTemplate

PROJECT = "shop"


def compiled(text: str, **environment: str) -> ProjectTemplate:
    return compile_template(PROJECT, textwrap.dedent(text), environment)


def web(keys: str, rest: str = "", **environment: str) -> ServiceTemplate:
    """The service `web` of a version 2 template, with these keys in flow style."""
    text = f"version: '2.4'\nservices:\n  web: {{image: nginx, {keys}}}\n{textwrap.dedent(rest)}"
    return compile_template(PROJECT, text, environment).services[0]


def refused(text: str, **environment: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compiled(text, **environment)
    return caught.value


def web_refused(keys: str, rest: str = "", **environment: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        web(keys, rest, **environment)
    return caught.value


def warnings(keys: str, rest: str = "", **environment: str) -> tuple[str, ...]:
    text = f"version: '2.4'\nservices:\n  web: {{image: nginx, {keys}}}\n{textwrap.dedent(rest)}"
    return compile_template(PROJECT, text, environment).warnings
