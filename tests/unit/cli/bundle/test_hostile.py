"""Whatever stands in a file: an answer, or the one kind of error."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.bundle import BundleError
from tests.unit.cli.bundle.trees import Folder

TEXTS = st.sampled_from(
    [
        "",
        ".",
        "./e",
        "./e:/e",
        "./e:/e:ro",
        "e",
        "base",
        "$A",
        "${A",
        "${A:?}",
        "a=b",
        "b.yml",
        "~",
        "/",
        "seccomp:e",
        "bind",
        "x:y:z:w",
        "$$",
        "none",
        "local",
        "compose.yml",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | TEXTS
KEYS = st.sampled_from(
    [
        "env_file",
        "label_file",
        "extends",
        "volumes",
        "security_opt",
        "configs",
        "secrets",
        "profiles",
        "environment",
        "labels",
        "read_only",
        "source",
        "target",
        "type",
        "file",
        "service",
        "path",
        "required",
        "format",
        "driver",
        "driver_opts",
        "device",
        "o",
        "external",
        "image",
        "name",
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TOP = st.sampled_from(
    ["services", "include", "configs", "secrets", "volumes", "networks", "name", "version"]
)
NAMES = st.sampled_from(["web", "base", "e"])
FILES = st.dictionaries(TOP, VALUES | st.dictionaries(NAMES, VALUES, max_size=2), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(FILES, FILES)
def test_no_file_breaks_it(folder: Folder, first: dict[str, Any], second: dict[str, Any]) -> None:
    folder.write("e", "A=1\n")
    folder.write("b.yml", json.dumps(second))
    folder.write("compose.yml", json.dumps(first))
    for files in (["compose.yml"], ["compose.yml", "b.yml"]):
        # Nothing else is ever raised for what stands in files.
        with suppress(BundleError):
            folder.bundle(*files, A="a")
