"""For all tests: nothing is left behind, and a session has one real engine for single nodes."""

pytest_plugins = ["tests.guard", "tests.contract.real_engine"]
