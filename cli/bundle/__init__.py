"""Compose files, and what they refer to on this machine, to one text that stands for itself.

    project      which files, whose variables, and what the project is called
    dotenv       `.env` files, read as Compose reads them
    variables    which variables a text names, and texts that name none any more
    anchors      paths of this machine, made absolute while it is known whose they are
    loading      files laid over each other, `include`, and `extends` across files
    inlining     what those paths name, written into the text: variables, configs, secrets
    writing      a tree to YAML
    disk         the only thing here that reads files

`bundling.bundle` is the way in.
"""

from cli.bundle.bundling import Bundle, bundle
from cli.bundle.errors import BundleError

__all__ = ["Bundle", "BundleError", "bundle"]
