"""`docs/compose.md`: what becomes of every key, written from the tables that decide it. Pure."""

from collections.abc import Iterator, Mapping

from compose import limits
from compose.keys import SERVICE_KEYS, TOP_LEVEL_KEYS, V1_SERVICE_KEYS, KeyRule, Verdict
from compose.labels import catalogue
from compose.nested_keys import NESTED_KEYS
from compose.section_keys import SECTION_KEYS

_WORDS = {
    Verdict.HONOURED: "honoured",
    Verdict.IGNORED: "honoured: it means nothing",
    Verdict.WARNED: "warned",
    Verdict.ZERO_ONLY: "refused, but zero",
    Verdict.IMAGE_INSTEAD: "warned with `image`, else refused",
    Verdict.LATER: "refused so far",
    Verdict.REFUSED: "refused",
}

_INTRODUCTION = """\
# Compose templates

<!-- Written by `make schemas` from `compose/`; changes here are lost. -->

A template is Compose V1, V2.0 to V2.4, V3.0 to V3.13 or the Compose Specification; its shape tells which. The published JSON Schemas
(`compose/published/`) check it. A key of the Specification in an older version is read, with a warning. `x-` keys are yours.

Every key is **honoured**, **refused** with its path (HTTP 400), or **warned** about: in the header `X-Troopers-Warnings` of the answer,
in the project's `warnings`, and by `troopers config -f compose.yml`, which needs no cluster. Nothing is dropped in silence.

Variables come from the project's `environment`, and from nowhere else: `$A` `${A}` `${A:-word}` `${A-word}` `${A:?word}` `${A?word}`
`${A:+word}` `${A+word}`, nested, and `$$` for a dollar sign. An unset one is empty, with a warning. Keys are never touched.
`COMPOSE_PROFILES` chooses profiles. The cluster adds `COMPOSE_PROJECT_NAME`, `ACS_PROJECT_VERSION` (so a template that uses it changes with
every version) and, where one is configured, `ACS_DEFAULT_DOMAIN`.
"""

_FILES = """\
## Files of your machine

A coordinator takes one text that refers to no file. `troopers deploy` and `troopers config` make it from your files, as
`docker compose` would read them; `troopers config --template` shows it. One file that refers to no other is sent byte for byte.

| what | becomes |
|---|---|
| several `-f`, `-f -`, several documents, `!reset`, `!override` | one template, merged by Compose's rules |
| no `-f` | `COMPOSE_FILE`, else `compose.yaml`, `compose.yml`, `docker-compose.yml` or `docker-compose.yaml`, here or above, and their `.override` file |
| `include`, `extends` with `file` | the services themselves; what is brought twice has to be the same |
| `env_file`, `label_file` | `environment` and `labels`, below what the service says itself; `format: raw` and `required: false` too |
| `file` of a config or secret | its `content` |
| a mounted file: `./nginx.conf:/etc/nginx/nginx.conf`, `~/a:/a`, `$PWD/a:/a` | a config with its permission bits; its owner too where not everybody may read it. A container that writes to it keeps that for itself: without `ro` there is a warning |
| a mounted directory, or nothing there | refused: no node has it. Use a shared volume (`troopers volume create`), a named volume, or the image |
| a mounted file of a `read_only` service | refused: nothing can be written into it |
| `seccomp:./profile.json` | the profile itself |
| services that no profile chooses | left out, and their files not read, where a template is rewritten |

Absolute paths are the nodes'. Paths are relative to the directory of the first file; in an included or extended file, to that file's. A file
is text in UTF-8; at most 1000 are read, 32 in each other. A template that is rewritten is one of the Specification, whatever its `version` was, as it is for Compose.

Variables come from `-e NAME=value` (`-e NAME`: the shell's), then the shell, then `--env-file` (the last one first) or `.env` beside the
first file. They stay variables in the template, and those that it needs are sent with it as the project's `environment`; an included file's
own ones are written out. The project is called what you say, else `COMPOSE_PROJECT_NAME`, else `name`, else as the directory is: in small
letters, with `-` for `_` and without what a name can't have.

"""

_DIFFERENCES = """\
## Where it differs from docker-compose

- A container that ends is started again unless `restart` or `deploy.restart_policy` says otherwise, and by the agent: the engine's own
  policy stays `no`.
- Containers are called `project_service_number`. `container_name` is one more name in the service's networks.
- Services of the first format share the project's network instead of the engine's `bridge`; `links` are names in it.
- `network_mode`, `pid` and `ipc` with `service:`, and `volumes_from`, mean the first container of that service; both run on one node.
- `pull_policy` is `always`, `missing` (or `if_not_present`) or `never`. With `always`, as with the label `aliyun.latest_image` or the
  project's `latest_image`, every node asks the registry once for each create and redeploy; where that fails nothing is made or replaced, and
  the service says why. A redeploy of other services asks too, and makes do with the node's image. Restarts and repairs don't ask.
- Paths are the nodes': in what is sent to the API, one that is relative is refused, and so is everything that would be read from a
  directory beside the template.
- `build` is refused without an `image`; with one it is warned about, and the nodes pull that image.
- Of `restart` and `deploy.restart_policy` the latter counts; ports have no effect on the host's network; of two mounts in one place the
  last one counts; a `version` that nobody knows is the Specification's. Each with a warning.
- `extends` follows Compose 2: what the extended service needs (`depends_on`, `links`, `profiles`) is extended with it.
- A `$` that neither a name nor a brace follows is itself.
- A host path in the long form (`type: bind`) has to exist in versions 2 and 3, as their tools have it; from the Specification on
  `bind.create_host_path` says so.
- An empty `entrypoint` drops the image's and keeps its command, in every version.
- A network that is declared otherwise than it was made is made anew once no container of its node is in it; a volume never is, for it holds
  data. Meanwhile the services that use it say so.
- Unquoted `22:22` is a port mapping, as it is for `docker stack`; unquoted `on` and `yes` are words.
- `external_links` and a network's `driver: overlay` reach containers of the same node only.
- `configs` and `secrets` are texts: `content` (secrets too, as an addition) or a variable of the project's `environment`. The agent writes
  them into the container before it starts: a change makes a new container, and a `read_only` one can have none. Text in `mode` is octal.
- A secret's `content` is `"***"` wherever the template is shown, and the variable that it comes from is hidden. A variable that `content`
  names in `${...}` is not: use `environment` for it.
- A variable under `environment` that has no value anywhere is left out, with a warning; docker-compose takes away the image's own as well.
- `affinity:image` in `environment` sees the images of the projects' containers, none that a node merely stores.
- `external:` (a service without a container) gives an IP address a name in the services that link to it or depend on it.
- `deploy.update_config` counts in every version, and `aliyun.rolling_updates` where it names nothing; with neither, all containers of a
  changed service are replaced at once. A `monitor` of zero is the default of 5 s. Without `rollback_config` a rollback goes as the update
  does, and pauses when it fails. Between two batches there is `delay`; where neither a HEALTHCHECK nor a probe says that a container is
  well, those of the first batch must have run for half a second.
- `order: start-first` is stop-first, with a warning, where two containers of a service can't be there at once: a fixed host port, a fixed
  address, a local volume that its only container writes to, or a global service.
- `aliyun.routing.port_N` names domains, or prefixes that the cluster's domain completes, with a path after `/` or `:`, separated by `;`.
  Where no router runs, nothing is routed.
- A link gives its target one more name for everybody in the project's networks, so adding one makes the target's containers anew.
"""


def reference() -> str:
    """The whole page."""
    parts = (_INTRODUCTION, _FILES.rstrip("\n") + "\n", *_tables(), _DIFFERENCES)
    return "\n".join((*parts, *_labels(), *_bounds())) + "\n"


def _tables() -> Iterator[str]:
    yield "## The top\n"
    yield from _table(TOP_LEVEL_KEYS)
    yield "## A service\n"
    yield "V1 is the first format; the other column is for all later ones.\n"
    yield "| key | V1 | V2, V3, Specification | why |"
    yield "|---|---|---|---|"
    for key in sorted({*SERVICE_KEYS, *V1_SERVICE_KEYS}):
        first, later = V1_SERVICE_KEYS.get(key), SERVICE_KEYS.get(key)
        advice = next((rule.advice for rule in (later, first) if rule and rule.advice), "")
        yield f"| `{key}` | {_word(first)} | {_word(later)} | {advice} |"
    yield ""
    # A mapping stands before what is inside of it.
    tables = sorted({**SECTION_KEYS, **NESTED_KEYS}.items(), key=_rank)
    for path, known in tables:
        if not _is_plain(known):
            yield f"## `{path}`\n"
            yield from _table(known)
    yield "## Where every key is honoured\n"
    yield "| | keys |"
    yield "|---|---|"
    for path, known in tables:
        if _is_plain(known):
            yield f"| `{path}` | {', '.join(f'`{key}`' for key in sorted(known))} |"
    yield ""


def _is_plain(known: Mapping[str, KeyRule]) -> bool:
    return all(rule.verdict is Verdict.HONOURED for rule in known.values())


def _rank(row: tuple[str, object]) -> tuple[bool, str]:
    return not row[0].startswith("services"), row[0]


def _table(known: Mapping[str, KeyRule]) -> Iterator[str]:
    yield "| key | | why |"
    yield "|---|---|---|"
    for key, rule in sorted(known.items()):
        yield f"| `{key}` | {_word(rule)} | {rule.advice} |"
    yield ""


def _word(rule: KeyRule | None) -> str:
    return "no key" if rule is None else _WORDS[rule.verdict]


def _labels() -> Iterator[str]:
    yield "## `aliyun.*` labels\n"
    yield "All are checked, and shown as the service's `extensions`. One that isn't here is refused.\n"
    yield "| label | |"
    yield "|---|---|"
    for label, is_acted_on in catalogue().items():
        yield f"| `{label}` | {'honoured' if is_acted_on else 'kept, with a warning'} |"
    yield ""


def _bounds() -> Iterator[str]:
    yield "## Bounds\n"
    yield "What is larger is refused, at once.\n"
    yield "| of a template | at most |"
    yield "|---|---|"
    for what, most in (
        ("bytes", limits.TEXT_BYTES_MAX),
        ("levels", limits.DEPTH_MAX),
        ("keys and values, with aliases and `extends` expanded", limits.NODES_MAX),
        ("entries of one list or mapping", limits.ITEMS_MAX),
        ("characters, with aliases and variables expanded", limits.EXPANDED_CHARS_MAX),
        ("services", limits.SERVICES_MAX),
        ("ports of one service", limits.SERVICE_PORTS_MAX),
        ("ports of all services", limits.PROJECT_PORTS_MAX),
        ("bytes of one config or secret", limits.FILE_BYTES_MAX),
        ("bytes of the configs and secrets of all services", limits.FILES_BYTES_MAX),
        ("variables inside variables", limits.NESTED_VARIABLES_MAX),
    ):
        yield f"| {what} | {most} |"
