"""Routes that the CLI knows before the route table has them.

Each counts only for as long as `ROUTES` has none of the same method and path, so that this module
can go, with its use in `cli.operations`, when the table is complete.
"""

from schemas.routes import Kind, Parameter, Route

_DRY_RUN = Parameter(
    "dry_run", "dry_run", Kind.FLAG, "Show what would change, and change nothing.", default=False
)
_FORCE = "force"

#: by operation id
PENDING: dict[str, Route] = {
    "update_project": Route(
        "POST", "/projects/{name}/update", "project", "update",
        "Update a project to another template, version or environment.", (_DRY_RUN,), success=202,
    ),
    "confirm_project": Route(
        "POST", "/projects/{name}/confirm-update", "project", "confirm",
        "Complete an update that waits for it: the old version goes.",
        (
            Parameter(
                _FORCE, _FORCE, Kind.FLAG, "Also where the weights still favour the old version.",
                default=True,
            ),
        ),
        success=202,
    ),
    "rollback_project": Route(
        "POST", "/projects/{name}/rollback-update", "project", "rollback",
        "Go back to the version before the update, or to an older revision.",
        (
            Parameter(
                _FORCE, _FORCE, Kind.FLAG, "Also where the weights still favour the new version.",
                default=True,
            ),
            Parameter("to", "to", Kind.TEXT, "The number of the revision to go back to."),
        ),
        success=202,
    ),
    "weigh_project": Route(
        "PUT", "/projects/{name}/weights", "project", "weigh",
        "Change how requests are shared between the versions of services.",
    ),
    "revisions_project": Route(
        "GET", "/projects/{name}/revisions", "project", "revisions",
        "The revisions of a project, and what became of them.", is_list=True,
    ),
    "revision_project": Route(
        "GET", "/projects/{name}/revisions/{number}", "project", "revision",
        "One revision of a project, with its template and environment.",
    ),
}  # fmt: skip

#: parameters that a route of the table will have, by operation id
PENDING_PARAMETERS: dict[str, tuple[Parameter, ...]] = {"create_project": (_DRY_RUN,)}
