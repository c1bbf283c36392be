"""The only modules of the coordinator that name NATS' library. Its exceptions stop here."""
