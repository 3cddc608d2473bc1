#!/bin/sh
# Installs what kith needs on Debian 12 and brings the bundled usrsctp and libsrtp2. Quick and quiet when all is there.
#
#   tools/setup.sh            what the library and the tools need to be built
#   tools/setup.sh --quick    also what tools/test.sh --quick needs: Check
#   tools/setup.sh --tests    also what every test needs: clang, node, browsers, network namespaces, other stacks
#   tools/setup.sh --openssl  also OpenSSL 3.5 and 4.0 beside the distribution's (tools/openssl.sh: minutes, once)
#   tools/setup.sh --peers    also the other stacks that take minutes to build (tests/interop/peers.mjs)
#
# Works as root or through sudo. usrsctp and libsrtp2 come from upstream by git where that can be reached, else
# from the distribution's source packages; both get our build file and patches (subprojects/packagefiles).
set -eu
cd "$(dirname "$0")/.."

quick=no tests=no openssl=no peers=no
for arg in "$@"; do
    case $arg in
    --quick) quick=yes ;;
    --tests) quick=yes tests=yes ;;
    --openssl) openssl=yes ;;
    --peers) quick=yes tests=yes peers=yes ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup: unknown argument $arg (see --help)" >&2; exit 2 ;;
    esac
done

say() { echo "setup: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "run me as root or install sudo; needed: $*"
        return 1
    fi
}

# ---- packages ----

packages="meson ninja-build gcc libc6-dev ccache pkg-config libssl-dev libjansson-dev libwebsockets-dev"
packages="$packages python3 dpkg-dev patch git ca-certificates"
[ $quick = no ] || packages="$packages check"
if [ $tests = yes ]; then
    packages="$packages clang-14 clang-format-14 libclang-rt-14-dev llvm-14 procps openssl"
    packages="$packages chromium firefox-esr ffmpeg libavcodec-dev iproute2 nftables util-linux"
    packages="$packages coturn python3-aiortc janus libgstreamer-plugins-bad1.0-dev"
    packages="$packages gstreamer1.0-nice gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
    command -v node >/dev/null || packages="$packages nodejs"
    command -v npm >/dev/null || packages="$packages npm"
fi

if [ $openssl = yes ]; then
    packages="$packages perl make"
    command -v cargo >/dev/null || packages="$packages cargo"
fi

missing=""
for package in $packages; do
    case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true) in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done

if [ -n "$missing" ]; then
    say "installing$missing"
    as_root apt-get -q -q update
    # shellcheck disable=SC2086  # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -q -y install --no-install-recommends $missing >/dev/null
fi

# ---- usrsctp and libsrtp2 ----

# from_git NAME FOLDER
from_git() {
    url=$(sed -n 's/^url = //p' "subprojects/$1.wrap")
    revision=$(sed -n 's/^revision = //p' "subprojects/$1.wrap")
    timeout 10 git ls-remote -q "$url" HEAD >/dev/null 2>&1 || return 1
    say "$1 from $url"
    git init -q "$2" &&
        timeout 120 git -C "$2" fetch -q --depth 1 "$url" "$revision" &&
        git -C "$2" checkout -q FETCH_HEAD
}

# from_distribution NAME FOLDER PACKAGE: the machine's own list of packages, turned into a private list of
# sources.
from_distribution() (
    say "$1 from the distribution's source package"
    apt=$(mktemp -d)
    trap 'rm -rf "$apt"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/get"
    for list in /etc/apt/sources.list.d/*.sources; do
        [ -f "$list" ] && sed 's/^Types: .*$/Types: deb-src/' "$list" >"$apt/sources/${list##*/}"
    done
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$list" ] && sed 's/^deb /deb-src /' "$list" >"$apt/sources/${list##*/}"
    done
    options="-q -q -o Dir::Etc::sourceparts=$apt/sources -o Dir::Etc::sourcelist=/dev/null"
    options="$options -o Dir::State::lists=$apt/lists -o APT::Sandbox::User=$(id -un)"
    # shellcheck disable=SC2086
    apt-get $options update
    # shellcheck disable=SC2086
    (cd "$apt/get" && apt-get $options source --download-only "$3" >/dev/null)
    mkdir -p "$2"
    tar -xzf "$apt/get/$3"_*.orig.tar.gz -C "$2" --strip-components=1
)

# make_ours NAME FOLDER STAMP: with our build file, our files and our patches.
make_ours() {
    for file in "subprojects/packagefiles/$1"/*; do
        case $file in
        *.patch) patch -s -p1 -d "$2" <"$file" || return 1 ;;
        *) cp "$file" "$2/" || return 1 ;;
        esac
    done
    echo "$3" >"$2/.kith"
}

# bring NAME PACKAGE: as a folder of subprojects; PACKAGE is the distribution's source package.
bring() {
    stamp=$(tools/stamp.sh "$1")
    [ "$(cat "subprojects/$1/.kith" 2>/dev/null)" != "$stamp" ] || return 0
    new=subprojects/$1.new
    rm -rf "$new"
    if ! { from_git "$1" "$new" && make_ours "$1" "$new" "$stamp"; }; then
        rm -rf "$new"
        from_distribution "$1" "$new" "$2"
        make_ours "$1" "$new" "$stamp"
    fi
    rm -rf "subprojects/$1"
    mv "$new" "subprojects/$1"
}

bring usrsctp libusrsctp
bring libsrtp2 libsrtp2

# ---- npm packages of the interop tests: a WebSocket client, libwebrtc, libdatachannel, werift ----

if [ $tests = yes ] && ! [ tests/interop/node_modules/.package-lock.json -nt tests/interop/package-lock.json ]; then
    say "installing the interop tests' npm packages"
    (cd tests/interop && npm ci --silent --no-progress) && touch tests/interop/node_modules/.package-lock.json
fi

# ---- other stacks that the interop tests meet, as agents of ours; each is built again when its source changes ----

agents=tests/interop/peers/agents
built=build-peers/bin

# build_agent NAME COMMAND...: tells in words what does not build; its row of the table says that it is missing.
build_agent() {
    name=$1
    shift
    if ! "$@"; then say "the agent $name was not built: the tests with it are skipped"; fi
}

build_webrtcbin() {
    libraries="gstreamer-webrtc-1.0 gstreamer-sdp-1.0 jansson"
    [ $built/webrtcbin-agent -nt $agents/webrtcbin-agent.c ] ||
        # shellcheck disable=SC2046  # lists of words
        gcc -std=gnu11 -O1 -Wall -Wextra $agents/webrtcbin-agent.c $(pkg-config --cflags --libs $libraries) \
            -o $built/webrtcbin-agent
}

build_pion() {
    command -v go >/dev/null || { say "Go is not installed (1.24 or later)"; return 1; }
    root=$PWD
    (cd $agents/pion && GOFLAGS=-buildvcs=false go build -p 2 -o "$root/$built/pion-agent" .)
}

build_rust() {
    command -v cargo >/dev/null || { say "Rust is not installed (cargo 1.85 or later)"; return 1; }
    CARGO_TARGET_DIR=build-peers/cargo cargo build --quiet --release --locked -j2 --manifest-path $agents/Cargo.toml &&
        cp build-peers/cargo/release/str0m-agent build-peers/cargo/release/webrtc-rs-agent $built/
}

if [ $tests = yes ]; then
    mkdir -p $built
    build_agent webrtcbin build_webrtcbin
    build_agent pion build_pion
fi
if [ $peers = yes ]; then
    say "building str0m and webrtc-rs, which takes five minutes of two cores the first time"
    build_agent "str0m, webrtc-rs" build_rust
fi

# ---- other versions of OpenSSL ----

[ $openssl = no ] || tools/openssl.sh 3.5.5 4.0.3

say "ready"
