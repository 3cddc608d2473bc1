#!/bin/sh
# Runs a command in a fresh network namespace, so that a test sees nobody else's packets and none of its
# own leave the machine. Inside there are the loopback interface and one Ethernet whose other end leads
# nowhere, with an address of each family from the ranges for documentation (RFC 5737, RFC 3849). It also
# has the default routes, without which browsers gather nothing; what goes there vanishes. Where that is not permitted
# the test is skipped (status 77).
#
#     netns.sh COMMAND [ARGUMENT]...
set -eu

if [ "${1-}" != --inside ]; then
    [ $# -gt 0 ] || { echo "usage: netns.sh COMMAND [ARGUMENT]..." >&2; exit 2; }
    # Anybody may do this: who is not root becomes it in a user namespace of his own.
    if [ "$(id -u)" -eq 0 ]; then how=-n; else how=-Urnm; fi
    if ! unshare "$how" -- ip link add kith0 type veth peer name kith1 2>/dev/null; then
        echo "skipped: no network namespace with an interface of its own may be made here"
        exit 77
    fi
    exec unshare "$how" -- "$0" --inside "$@"
fi
shift

ip link set lo up
# A pair and not a dummy, which not every kernel has.
ip link add kith0 type veth peer name kith1
ip link set kith0 multicast on up
ip link set kith1 addrgenmode none up
ip address add 192.0.2.1/24 dev kith0
ip address add 2001:db8::1/64 dev kith0 nodad
ip route add default via 192.0.2.254 dev kith0
ip -6 route add default via 2001:db8::fe dev kith0
exec "$@"
