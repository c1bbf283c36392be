#!/bin/sh
# The page. What it shows is asked from the store, by its name on the project's network.
set -u

printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
if answer=$(timeout 2 wget -q -O - "$STORE"); then
    { read -r count; read -r workers; read -r newest; } <<ANSWER
$answer
ANSWER
    found="<p class=number>${newest:-&hellip;}</p>
<p>is the newest of <b>$count</b> primes, found lately by <b>$workers</b> worker(s).</p>"
else
    found="<p>The store does not answer at the moment.</p>"
fi

cat <<PAGE
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<title>Hello from Troopers</title>
<style>
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto; padding: 0 1rem;
         color: #1c2733; background: #f6f8fa; }
  .number { font-size: 3.2rem; font-weight: 700; margin: .2em 0; color: #0b6bcb; }
  small { color: #66707a; }
</style>
<h1>Hello from Troopers</h1>
$found
<p><small>served by container $(hostname)</small></p>
</html>
PAGE
