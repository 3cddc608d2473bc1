#!/bin/sh
# sanitized.sh SANITIZERS LIBRARY: does each of these sanitizers (a list with commas) see the bundled library too? It is
# built with flags of its own, which could take them away.
set -eu
status=0
for pair in address:__asan_report undefined:__ubsan_handle; do
    case ,$1, in *,${pair%%:*},*) ;; *) continue ;; esac
    nm "$2" | grep -q "U ${pair#*:}" && continue
    echo "$2: the sanitizer '${pair%%:*}' does not see it"
    status=1
done
exit $status
