#!/bin/sh
# Looks for prime numbers from a random place on, and hands each to the store.
# (wget's own -T crashes in Debian's static busybox when it looks up a name.)
set -u

candidate=$(( $(od -An -N3 -tu4 /dev/urandom) * 1000 + 1 ))
while true; do
    factors=$(factor "$candidate")
    if [ "$factors" = "$candidate: $candidate" ]; then
        # A store that is away is no reason to stop: the next prime may reach it.
        timeout 2 wget -q -O /dev/null --post-data="$(hostname) $candidate" "$STORE" || sleep 1
        sleep 1
    fi
    candidate=$(( candidate + 2 ))
done
