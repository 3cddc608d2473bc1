#!/bin/sh
# symbols.sh LIBRARY INCLUDE_DIR [HEADER]: the shared object exports what the public headers declare with
# KITH_API, all of it and nothing else: what HEADER does, without one all but signaler.h, which is of another library.
set -eu
library=$1
headers=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

nm --dynamic --defined-only --format=posix "$library" >"$folder/nm"
# Sanitizers add symbols of their own for each global object.
cut -d' ' -f1 "$folder/nm" | sed 's/@.*//' | grep -v '^__odr_asan' | sort -u >"$folder/exported"

# A declaration runs from KITH_API to its semicolon; its name stands before the first parenthesis that
# follows a lower-case word. Comments and the macro's own definition are dropped first.
if [ $# -gt 2 ]; then
    files=$headers/kith/$3
else
    files=$(ls "$headers"/kith/*.h | grep -v '/signaler\.h$')
fi
cat $files | sed 's/^#.*//' | tr '\n' ' ' | sed 's:/\*:\n&:g; s:\*/:&\n:g' |
    grep -v '^/\*' | tr '\n' ' ' | grep -o 'KITH_API[^;]*;' |
    sed 's/^[^(]*[^A-Za-z0-9_]\(kith_[a-z0-9_]*\)(.*/\1/' | sort -u >"$folder/declared"

status=0
complain() {
    if [ -s "$folder/list" ]; then
        sed "s/\$/: $1/" "$folder/list"
        status=1
    fi
}
grep -v '^kith_' "$folder/exported" >"$folder/list" || true
complain "exported, but does not begin with kith_"
comm -23 "$folder/exported" "$folder/declared" | grep '^kith_' >"$folder/list" || true
complain "exported, but declared in no public header"
comm -13 "$folder/exported" "$folder/declared" >"$folder/list"
complain "declared in a public header, but not exported"
if [ ! -s "$folder/declared" ]; then
    echo "no declarations found in $headers/kith"
    status=1
fi
exit $status
