"""The bus contract: every document that crosses NATS, and every name it travels under.

Only wire documents live here. A type that one side alone uses stays with that side's logic,
so that changing how an agent thinks never changes what a publisher in another language reads.

    names, states      validated names and the five public states
    service, desired   what one container must look like; what one node must run
    current, event     what one node runs; what happened there
    command            what publishers may ask, and the answers
    records            what the coordinator keeps about projects and nodes
    subjects           every subject, bucket and key, built and parsed
    codec, fingerprint bytes <-> document; the identity of a spec
"""
