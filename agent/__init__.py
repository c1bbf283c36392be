"""One node's agent: brings the local Docker Engine to what the coordinator wants, and reports.

    bus: desired document ─► acceptance ─► ledger (disk)
                                │
    engine events, timers ─► Reconciler: observe ─► plan (pure) ─► execute ─► observe ─► status
                                │
    bus: status, events, heartbeat ◄─ Reporter ◄──┘

A pass is a function; the loop only waits. Read `reconciler`, then `domain.plan`, then `executor`.
"""
