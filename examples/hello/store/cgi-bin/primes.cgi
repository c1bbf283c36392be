#!/bin/sh
# POST "<worker> <prime>" keeps it. GET answers three lines: how many are kept, how many workers
# sent the last hundred, and the newest.
set -u

kept=/primes/kept.txt
touch "$kept"
printf 'Content-Type: text/plain\r\n\r\n'
if [ "$REQUEST_METHOD" = POST ]; then
    head -c "${CONTENT_LENGTH:-0}" | tr -cd 'a-zA-Z0-9 .-' >> "$kept"
    echo >> "$kept"
else
    wc -l < "$kept"
    tail -n 100 "$kept" | cut -d ' ' -f 1 | sort -u | wc -l
    tail -n 1 "$kept" | cut -d ' ' -f 2
fi
