"""Releases: which slots a project wants while it goes from one set of services to the next. Pure."""
