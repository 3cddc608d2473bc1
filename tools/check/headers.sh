#!/bin/sh
# headers.sh INCLUDE_DIR CC CXX: each public header compiles alone, as C11 and as C++17, without a
# warning, and so does what uses its _INIT macros in C++17. A struct that has its size ends
# without padding: a field that is added later would lie in bytes that old callers never set. CC and CXX may be several words. An
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

# "NAME LAST_FIELD" of each struct that has its size.
sized_structs() {
    cat "$include"/kith/*.h | awk '
        /^typedef / { is_sized = 0 }
        $0 == "    size_t size;" { is_sized = 1 }
        /^\} kith_[a-z_]*;$/ && is_sized { print substr($2, 1, length($2) - 1), last }
        /;$/ { last = $0; sub(/(\)\(.*|\[.*)?;$/, "", last); sub(/.*[ *]/, "", last) }'
}

try C11 $2 -std=c11 -x c
structs=$(sized_structs)
[ -n "$structs" ] || status=1
echo "$structs" | {
    printf '#include "%s"\n' kith/kith.h kith/signaler.h
    while read -r name field; do
        echo "_Static_assert(offsetof($name, $field) + sizeof((($name *)0)->$field) ==" \
            "sizeof($name), \"$name ends with padding\");"
    done
} | $2 -std=c11 -x c $warnings - || status=1
[ $status -eq 0 ] || exit $status
if [ -z "${3:-}" ]; then
    echo "headers: C is fine; no C++ compiler here to ask"
    exit 77
fi
try C++17 $3 -std=c++17 -x c++
for macro in $(sed -n 's/^#define \(KITH_[A-Z_]*_INIT\) .*/\1/p' "$include"/kith/*.h | sort -u); do
    if ! printf '#include "kith/kith.h"\n#include "kith/signaler.h"\nbool f() { auto x = %s; return x.size > 0; }\n' $macro |
        $3 -std=c++17 -x c++ $warnings -Wshadow -; then
        echo "$macro cannot be used in C++17"
        status=1
    fi
done
exit $status
