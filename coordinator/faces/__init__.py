"""Where commands and queries come in: HTTP and NATS."""
