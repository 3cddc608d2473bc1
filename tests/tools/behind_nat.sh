#!/bin/sh
# Runs `kith doctor` on a host behind a NAT of a known kind, towards a server that has two addresses; all of them in
# network namespaces that are gone with it.
#
#     behind_nat.sh NAT SERVER KITH [ARGUMENT]...
#
# NAT: none, firewall, full-cone, restricted-cone, port-restricted-cone, symmetric, no-udp; each with "+hairpin" behind it
# where the NAT is a cone. SERVER: kith or coturn, at 198.51.100.1 and .2, user "user" with the password "password". Exit
# status 77: no such network may be made here.
set -eu

if [ "$1" != --inside ]; then
    if [ "$(id -u)" -eq 0 ]; then how="-m -n"; else how=-Urnm; fi
    # shellcheck disable=SC2086
    unshare $how -- sh -c 'nft list ruleset && ip link add kith0 type veth peer name kith1' >/dev/null 2>&1 || exit 77
    # shellcheck disable=SC2086
    exec unshare $how -- "$0" --inside "$@"
fi
nat=${2%+hairpin} hairpin=${2#"$nat"} server=$3 kith=$4
shift 4

public=203.0.113.5 inner=192.168.1.0/24
mount -t tmpfs tmpfs /run
ip link set lo up
for name in nat host; do ip netns add $name; ip -n $name link set lo up; done
ip link add wan type veth peer name wan netns nat
ip -n nat link add lan type veth peer name eth0 netns host
ip address add 198.51.100.1/24 dev wan
ip address add 198.51.100.2/24 dev wan
ip link set wan up
ip -n nat address add 192.168.1.1/24 dev lan
ip -n nat link set lan up
ip -n nat link set wan up
ip -n nat address add $public/32 dev wan
ip -n nat route add 198.51.100.0/24 dev wan
ip netns exec nat sysctl -qw net.ipv4.ip_forward=1
ip -n host link set eth0 up
case $nat in
    none | firewall) address=203.0.113.77 ;;
    *) address=192.168.1.2 ;;
esac
ip -n host address add $address/32 dev eth0
ip -n host route add 192.168.1.1 dev eth0
ip -n host route add default via 192.168.1.1 src $address
ip -n nat route add $address dev lan
ip route add 203.0.113.0/24 dev wan
# The other end answers ARP for what is behind it.
ip netns exec nat sysctl -qw net.ipv4.conf.wan.proxy_arp=1 net.ipv4.conf.lan.proxy_arp=1

rules() {
    learn="chain learn { type filter hook forward priority filter; iifname lan oifname wan meta l4proto udp \
        update @mapped { udp sport : ip saddr } update @written { udp sport . ip daddr }; }"
    state="map mapped { type inet_service : ipv4_addr; flags dynamic,timeout; timeout 120s; }
        set written { type inet_service . ipv4_addr; flags dynamic,timeout; timeout 120s; }"
    back='' turn=''
    case $nat in
        none) return ;;
        firewall)
            echo "table ip f { chain f { type filter hook forward priority 0; iifname wan ct state new drop; }; }"
            return ;;
        full-cone) back="iifname wan ip daddr $public meta l4proto udp dnat to udp dport map @mapped" ;;
        restricted-cone)
            back="iifname wan ip daddr $public udp dport . ip saddr @written dnat to udp dport map @mapped" ;;
    esac
    if [ -n "$hairpin" ]; then
        back="$back
            iifname lan ip daddr $public meta l4proto udp dnat to udp dport map @mapped"
        turn="oifname lan ip saddr $inner ip daddr $inner ct status dnat snat to $public"
    fi
    out="snat to $public"
    [ $nat != symmetric ] || out="masquerade random,fully-random"
    echo "table ip nat {
        $state
        $learn
        chain pre { type nat hook prerouting priority dstnat; $back
        }
        chain post { type nat hook postrouting priority srcnat; $turn
            oifname wan ip saddr $inner $out
        }
        chain guard { type filter hook input priority 0; iifname wan meta l4proto udp drop; }
    }"
    [ $nat != no-udp ] || echo "table ip b { chain b { type filter hook forward priority 0; meta l4proto udp drop; }; }"
}
rules | ip netns exec nat nft -f -
# Seconds after which a silent mapping ends.
if [ -n "${UDP_TIMEOUT-}" ]; then
    for kind in udp_timeout udp_timeout_stream; do
        ip netns exec nat sysctl -qw net.netfilter.nf_conntrack_$kind="$UDP_TIMEOUT"
    done
fi

if [ "$server" = coturn ]; then
    turnserver -n --listening-ip=198.51.100.1 --listening-ip=198.51.100.2 --relay-ip=198.51.100.1 --no-tcp --no-tls --no-dtls \
        --no-cli --lt-cred-mech --realm=kith --user=user:password --log-file=stdout --simple-log --pidfile=/run/turn.pid \
        --db=/run/turndb >/run/log 2>&1 &
else
    "$kith" turn --discovery --listen 198.51.100.1:3478 --listen 198.51.100.2:3478 --user user:password >/run/log &
fi
running=$!
until ss -uln | grep -q 198.51.100.2:3479; do kill -0 $running && sleep 0.1; done
status=0
ip netns exec host "$kith" doctor "$@" || status=$?
kill $running
wait $running || :
exit $status
