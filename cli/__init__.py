"""The `troopers` command, and clusters on this machine.

    ls, ps, start, scale … ─► operations (from the route table) ─► Client ─► HTTP API
    deploy, update ─► bundle ─► carry_out ─► follow: look, judge, show ─► Outcome ─► exit code

    make up ──► embedded ──► engine found or dockerd started ──► Cluster ──► hello deployed
    make lab ─► lab ───────► Machines (netns + dockerd each) ──► Cluster ──► instructions
    e2e tests ─────────────► Machines (per session) ───────────► Cluster (per test)

A Cluster is processes only: nats-server, one coordinator, one agent per machine. It talks to them
over their public faces, so this package imports `schemas` and `compose`, never `agent` or
`coordinator`.
"""
