"""Starts, stops and shows Troopers clusters on this machine.

    make up ──► embedded ──► engine found or dockerd started ──► Cluster ──► hello deployed
    make lab ─► lab ───────► Machines (netns + dockerd each) ──► Cluster ──► instructions
    e2e tests ─────────────► Machines (per session) ───────────► Cluster (per test)

A Cluster is processes only: nats-server, one coordinator, one agent per machine. It talks to them
over their public faces, so this package imports `schemas` at most, never `agent` or `coordinator`.
"""
