#!/bin/sh
# Is every C file of the repository formatted as .clang-format says? Exit status 77 (skipped) where
# this machine has no clang-format 14 or the sources are in no repository.
set -eu
cd "${1:-.}"

formatter=
for name in clang-format-14 clang-format; do
    if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
        formatter=$name
        break
    fi
done
if [ -z "$formatter" ]; then
    echo "format: skipped, there is no clang-format 14 (Debian: apt install clang-format-14)"
    exit 77
fi
if ! git ls-files >/dev/null 2>&1; then
    echo "format: skipped, this is no git checkout"
    exit 77
fi

# A file that was deleted but not yet committed as such is still listed.
git ls-files '*.c' '*.h' ':!subprojects' | while read -r file; do
    [ ! -f "$file" ] || echo "$file"
done | xargs -r "$formatter" --dry-run -Werror
