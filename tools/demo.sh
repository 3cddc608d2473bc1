#!/bin/sh
# From a clone to a page that talks to a C program: installs what is needed, builds, serves.
#
#   tools/demo.sh [OPTION of kith serve]...   ends by serving the page, at http://127.0.0.1:8080/ unless told otherwise
#   tools/demo.sh --check                     connects a headless Chromium to it, checks what it shows, and exits
set -eu
cd "$(dirname "$0")/.."

check=no
case ${1-} in
--check) check=yes ;;
-h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

say() { echo "demo: $*" >&2; }

if [ $check = yes ]; then tools/setup.sh --tests; else tools/setup.sh; fi

# Runs a command whose output is of interest only when it fails.
quietly() {
    if ! said=$("$@" 2>&1); then
        printf '%s\n' "$said" >&2
        exit 1
    fi
}

say "building"
build=build-demo
[ -f $build/build.ninja ] || quietly meson setup $build -Dbuildtype=release -Dtools=enabled
quietly ninja -C $build tools/kith/kith

if [ $check = no ]; then
    exec $build/tools/kith/kith serve "$@"
fi

say "connecting a headless Chromium"
# In a network namespace where that is allowed; else here, where Chromium may have to use loopback.
kith=$PWD/$build/tools/kith/kith
cd tests/interop
if unshare -n true 2>/dev/null || unshare -Urnm true 2>/dev/null; then
    exec lib/netns.sh node page.mjs "$kith" chromium
fi
exec node page.mjs "$kith" chromium --loopback
