"""The coordinator: turns commands into desired documents, and status documents into answers.

    HTTP, NATS ─► faces ─► commands: catalogue.apply (pure) ─► record (KV, compare-and-set) ─► store
                                                                                    │ changes
    control: Following (pure) = Scheduler ─► ProjectViews ─► document_for ◄─────────┘
                  └─► desired documents (KV)
    status, heartbeats ─► nodes: Collector ─► store ─ changes ─► ProjectViews ─► answers, progress

One coordinator is active, by a lease whose revision is the epoch. Read `store/store.py`,
`control/loop.py` and `control/following.py`, then `commands/intake.py`.
"""
