#!/bin/sh
# headers.sh INCLUDE_DIR CC CXX: each public header compiles alone, as C11 and as C++17, without a
# warning, and so does what uses its _INIT macros in C++17. CC and CXX may be several words. An
# empty CXX: C only, and exit status 77 (skipped).
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
for macro in $(sed -n 's/^#define \(KITH_[A-Z_]*_INIT\) .*/\1/p' "$include"/kith/*.h | sort -u); do
    if ! printf '#include "kith/kith.h"\nbool f() { auto x = %s; return x.size > 0; }\n' $macro |
        $3 -std=c++17 -x c++ $warnings -Wshadow -; then
        echo "$macro cannot be used in C++17"
        status=1
    fi
done
exit $status
