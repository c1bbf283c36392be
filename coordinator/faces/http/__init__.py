"""The HTTP face: requests become commands and queries, replies become responses.

    request -> guards (Host, Origin, request id) -> requests (command or query)
            -> Door -> answers (status, headers, body)

Routes come from `schemas.routes`, which the OpenAPI document is made from too. Nothing is decided
here about projects: that is behind the door.
"""
