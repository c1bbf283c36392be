"""What agent, coordinator and mountd have in common as processes; nothing of what they do.

settings     the environment, checked once
start        from settings to an exit code
lifetime     until told to stop, with tasks that must not end
garbage      when circular garbage is searched for
logs         one JSON object a line
systemd      readiness and watchdog
nats_link    the connection to NATS, made again for ever
nats_client  nats-py's client, with its traps closed
"""
