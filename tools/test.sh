#!/bin/sh
# Installs what is needed and runs every test: builds plain, with ASan+UBSan, with TSan and with OpenSSL 4.0, warnings
# as errors, each with the suites that gain by it; the plain one also under the libraries of OpenSSL 3.5, and one with
# 3.5's headers under the distribution's. A test that leaves temporary files behind fails too.
# What failed is shown again at the end; the last line is "N passed, N failed, N skipped".
#
#   tools/test.sh           everything
#   tools/test.sh --quick   the plain build's tests that need no browser
set -u
cd "$(dirname "$0")/.."

quick=no
for arg in "$@"; do
    case $arg in
    --quick) quick=yes ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test: unknown argument $arg (see --help)" >&2; exit 2 ;;
    esac
done

say() { printf '\n== %s\n' "$*"; }

say "installing what the tests need"
if [ $quick = yes ]; then tools/setup.sh --quick; else tools/setup.sh --tests --openssl; fi || exit 1

passed=0 failed=0 skipped=0 failures=""

# Notes what failed, to be named again at the end, where one looks first.
fail() {
    echo "$1"
    failed=$((failed + 1))
    failures="$failures
$1"
}

# count NAME LOG: sums the counts that `meson test` prints at its end.
count() {
    name=$1
    shift
    passed=$((passed + $(sed -n 's/^Ok: *\([0-9]*\).*/\1/p' "$1")))
    skipped=$((skipped + $(sed -n 's/^Skipped: *\([0-9]*\).*/\1/p' "$1" | grep . || echo 0)))
    for word in Fail Timeout "Unexpected Pass"; do
        failed=$((failed + $(sed -n "s/^$word: *\([0-9]*\).*/\1/p" "$1" | grep . || echo 0)))
    done
    failures="$failures
$(sed -n "/^Summary of Failures/q; / \(FAIL\|TIMEOUT\|UNEXPECTEDPASS\) /s/^/$name: /p; / ✀ /,/^―.*―$/p" "$1" | tail -n 100)"
}

# build NAME OPTIONS…: configures and compiles build-test/NAME.
build() {
    name=$1
    shift
    say "building: $name"
    if [ -d build-test/"$name" ]; then
        meson configure build-test/"$name" -Dtests=true "$@" >/dev/null
    else
        meson setup build-test/"$name" -Dtests=true "$@" >/dev/null
    fi && ninja -j2 -C build-test/"$name" -k 0 | grep -v '^\[' || true
    if ! ninja -C build-test/"$name" -n 2>/dev/null | grep -q 'no work to do'; then
        fail "the build $name failed"
        return 1
    fi
}

# run NAME JOBS SUITES…: runs suites of build-test/NAME.
run() {
    name=$1 jobs=$2
    shift 2
    say "testing: $name: $*"
    log=build-test/$name-$1.log
    suites=""
    for suite in "$@"; do suites="$suites --suite $suite"; done
    # A limit of time is against a test that hangs, not against a slow machine.
    # shellcheck disable=SC2086  # a list of words
    meson test -C build-test/"$name" --no-rebuild --num-processes "$jobs" --timeout-multiplier 3 \
        --print-errorlogs $suites >"$log" 2>&1
    cat "$log"
    if ! grep -q '^Ok:' "$log"; then # no summary: none of them ran
        fail "the suites $* of $name did not run"
        return
    fi
    count "$name" "$log"
}

mkdir -p build-test
# What a test leaves among the temporary files is its failure.
TMPDIR=$(mktemp -d)
export TMPDIR
if build plain -Dwerror=true; then
    run plain 2 check unit sim oom fuzz runtime examples tools
    [ $quick = yes ] || run plain 1 interop peers
    # Compiled with the distribution's headers, it runs with whatever libssl.so.3 comes later.
    [ $quick = yes ] || LD_LIBRARY_PATH=$PWD/build-openssl/3.5.5/lib run plain 2 unit sim oom fuzz
fi
if [ $quick = no ]; then
    # And the reverse: compiled with OpenSSL 3.5's headers, it runs with the distribution's libraries.
    if PKG_CONFIG_PATH=$PWD/build-openssl/3.5.5/lib/pkgconfig build openssl35 -Dwerror=true -Dtools=disabled -Dsignal=disabled; then
        LD_LIBRARY_PATH=$(pkg-config --variable=libdir openssl) run openssl35 2 unit sim
    fi
    if PKG_CONFIG_PATH=$PWD/build-openssl/4.0.3/lib/pkgconfig build openssl4 -Dwerror=true -Dtools=disabled -Dsignal=disabled; then
        run openssl4 2 unit sim oom fuzz
    fi
    if build asan -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false -Ddefault_library=static; then
        ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
            run asan 2 unit sim oom fuzz runtime examples tools
    fi
    if build tsan -Dwerror=true -Db_sanitize=thread -Db_lundef=false -Ddefault_library=static; then
        TSAN_OPTIONS=halt_on_error=1 run tsan 1 runtime
    fi
fi

say "what was left behind"
left=$(find "$TMPDIR" -mindepth 1)
[ -z "$left" ] || fail "left in the temporary folder: $left"
rm -rf "$TMPDIR"

say "done"
printf '%s\n' "$failures" | grep . || true
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
