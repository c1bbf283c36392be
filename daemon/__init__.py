"""What agent, coordinator and mountd have in common as processes; nothing of what they do.

settings   the environment, checked once
start      from settings to an exit code
logs       one JSON object a line
systemd    readiness and watchdog
"""
