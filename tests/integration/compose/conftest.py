"""The engine that docker-compose and the agent's adapter both work on."""

from tests.contract.real_engine import machines_end_with_the_session

__all__ = ["machines_end_with_the_session"]
