"""One node's agent: brings the local Docker Engine to what the coordinator wants, and reports.

    bus: desired document ─► Orders: acceptance ─► ledger (disk)
                                │
    engine events, timers ─► Wakes ─► Reconciler: observe ─► plan (pure) ─► report ─► begin
                                ▲                                              │        │
                                └───── an action has ended ◄── Executor ◄──────┼────────┘
    bus: status, events, heartbeat ◄───────────────────────────── Reporter ◄───┘

Shared volumes are mountd's. `adapters.mount_keeper` hands it the orders, keeps its newest report
for the plan, and wakes the loop with news. Nothing here ever touches a share.

A pass is a function; the loop only waits. Read `reconciler`, then `domain.plan`, then `executor`.
"""
