"""Tells systemd how the service is, when systemd started it.

Writes: the datagram socket in NOTIFY_SOCKET.
"""

import asyncio
import os
import socket


def notify(state: str) -> None:
    """Send one message, such as READY=1; without systemd this does nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A leading @ stands for the abstract namespace's zero byte.
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(path)
        channel.sendall(state.encode())


def watchdog_period_s() -> float | None:
    """How often systemd must hear WATCHDOG=1: half its patience; None when it doesn't watch."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdigit() else None


async def feed_watchdog() -> None:
    """Forever: feed systemd's watchdog from the loop. When the loop hangs, nobody does."""
    period_s = watchdog_period_s()
    while True:
        if period_s is not None:
            notify("WATCHDOG=1")
        await asyncio.sleep(period_s or 3600.0)
