"""The coordinator: turns commands into desired documents, and status documents into answers.

    HTTP, NATS ─► Intake: catalogue.apply (pure) ─► project record (KV, compare-and-set)
                                                        │ wake
    ControlLoop: snapshot ─► schedule (pure) ─► assign (pure) ─► desired documents (KV)
                                                        ▲ wake
    status, heartbeats ─► Collector ─► Picture ─► roll_up (pure) ─► views, progress of operations

One coordinator is active, by a lease whose revision is the epoch. Read `intake`, `control_loop`,
then `domain/`.
"""
