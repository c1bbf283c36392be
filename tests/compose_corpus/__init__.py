"""Templates of every format, and what Docker's own tools make of them.

Beside each template stands what its oracle said: docker-compose 1.29.2 for the first format and
version 2, `docker stack config` for version 3. `python -m tests.compose_corpus.oracles` records
anew; `tests/integration/compose` asks the oracles again where they are installed.
"""
