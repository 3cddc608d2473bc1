#!/bin/sh
# Builds an OpenSSL beside the distribution's, for the tests: build-openssl/VERSION/{include,lib}. Quick when
# it is there, minutes when not.
#
#   tools/openssl.sh 3.5.5 4.0.3      these versions (those that have a row below)
#
# The source is what the crate openssl-src ships. Use it for a build, or under a program that is built:
#
#   PKG_CONFIG_PATH=$PWD/build-openssl/4.0.3/lib/pkgconfig meson setup build-ossl4
#   LD_LIBRARY_PATH=$PWD/build-openssl/3.5.5/lib build/tests/unit/unit-tls-dtls
set -eu
cd "$(dirname "$0")/.."

say() { echo "openssl: $*" >&2; }

# Version of the crate, and its checksum in the registry's index.
crate_of() {
    case $1 in
    3.5.5) echo 300.5.5+3.5.5 3f1787d533e03597a7934fd0a765f0d28e94ecc5fb7789f8053b1e699a56f709 ;;
    4.0.3) echo 400.0.2+4.0.3 d2093956673b8dbda85c87fa4fb78e70698ce6c5978a2837d1613f661d3bef76 ;;
    *) say "no crate is known for OpenSSL $1"; return 1 ;;
    esac
}

# fetch DIRECTORY CRATE CHECKSUM: a package of no code that depends on the crate makes cargo get it.
fetch() {
    mkdir -p "$1/src"
    : >"$1/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\n[dependencies]\nopenssl-src = "=%s"\n' "$2" >"$1/Cargo.toml"
    (cd "$1" && CARGO_HOME=$PWD/home cargo -q fetch)
    echo "$3 $(echo "$1"/home/registry/cache/*/openssl-src-"$2".crate)" | sha256sum --check --quiet
    mv "$1"/home/registry/src/*/openssl-src-"$2"/openssl "$1/openssl"
}

# link NAME SO_VERSION OTHERS…: the shared library of lib$1.a. The crate leaves out the script that makes
# OpenSSL's own; what is exported, and since which version, says util/lib$1.num.
link() {
    name=$1 so=lib$1.so.$2
    shift 2
    awk '$4 ~ /^EXIST/ { v = $3; gsub("_", ".", v); names[v] = names[v] $1 ";\n" }
        END { for (v in names) printf "OPENSSL_%s {\nglobal:\n%s};\n", v, names[v]; print "KITH_NONE { local: *; };" }' \
        "util/lib$name.num" >"$name.map"
    gcc -shared -o "$so" -Wl,-soname,"$so" -Wl,--version-script="$name.map" \
        -Wl,--whole-archive "lib$name.a" -Wl,--no-whole-archive "$@" -lpthread -ldl
    ln -sf "$so" "lib$name.so"
}

# compile DIRECTORY PREFIX SO_VERSION: what a distribution builds, without what kith never uses.
compile() (
    cd "$1"
    trap '[ $? = 0 ] || tail -n 20 configure.log make.log >&2' EXIT
    cc=gcc
    command -v ccache >/dev/null && cc="ccache gcc"
    CC=$cc ./Configure --prefix="$2" --libdir=lib --openssldir="$2/ssl" --release \
        no-shared no-tests no-docs no-apps no-engine no-legacy no-quic no-zlib >configure.log 2>&1
    nice make -s -j2 build_libs >make.log 2>&1
    link crypto "$3"
    # What libssl has of libcrypto's inside is taken from the archive.
    link ssl "$3" -L. -l:libcrypto.so."$3" libcrypto.a
    mkdir -p "$2/lib/pkgconfig"
    cp -R include "$2/"
    cp -P lib*.so* "$2/lib/"
    for name in crypto ssl; do
        printf 'prefix=%s\nName: lib%s\nDescription: OpenSSL\nVersion: %s\nLibs: -L${prefix}/lib -l%s\nCflags: -I${prefix}/include\n' \
            "$2" $name "$version" $name >"$2/lib/pkgconfig/lib$name.pc"
    done
    printf 'Name: openssl\nDescription: OpenSSL\nVersion: %s\nRequires: libssl libcrypto\n' "$version" \
        >"$2/lib/pkgconfig/openssl.pc"
)

for version in "$@"; do
    prefix=$PWD/build-openssl/$version
    [ -e "$prefix/lib/pkgconfig/openssl.pc" ] && continue
    # shellcheck disable=SC2046  # two words
    set -- $(crate_of "$version")
    say "building OpenSSL $version (minutes)"
    work=$PWD/build-openssl/work-$version
    rm -rf "$work"
    fetch "$work" "$1" "$2"
    compile "$work/openssl" "$prefix" "${version%%.*}"
    rm -rf "$work"
done
