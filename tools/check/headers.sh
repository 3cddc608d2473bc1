#!/bin/sh
# headers.sh INCLUDE_DIR CC CXX: each public header compiles alone, as C11 and as C++17, without a
# warning. CC and CXX may be several words. An empty CXX: C only, and exit status 77 (skipped).
set -eu
include=$1
warnings="-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I$include"
status=0

try() { # LANGUAGE COMPILER...
    language=$1
    shift
    for header in "$include"/kith/*.h; do
        name=kith/$(basename "$header")
        if ! printf '#include "%s"\n' "$name" | "$@" $warnings -; then
            echo "$name does not stand alone in $language"
            status=1
        fi
    done
}

try C11 $2 -std=c11 -x c
[ $status -eq 0 ] || exit $status
if [ -z "${3:-}" ]; then
    echo "headers: C is fine; no C++ compiler here to ask"
    exit 77
fi
try C++17 $3 -std=c++17 -x c++
exit $status
