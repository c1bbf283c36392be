"""Shared volumes."""
