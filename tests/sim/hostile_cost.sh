#!/bin/sh
# What one packet of each attack costs the victim until it is taken in, in instructions, by valgrind; 1: one costs more
# than SECURITY.md says.
#
#     tests/sim/hostile_cost.sh BUILD [ATTACK...]
set -eu

# 10 us, and for each message that an application gets as much as for one of an honest peer.
of_packet=30000
of_message=3600

program=$1/tests/sim/hostile-cost
shift
export CK_FORK=no CK_VERBOSITY=silent
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- $("$program")
status=0
for attack in "$@"; do
    said=$(KITH_ATTACK=$attack valgrind --tool=callgrind --toggle-collect='cost_input*' \
        --callgrind-out-file="$work/out" "$program" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
    packets=${said%% *}
    told=${said#*packets, }
    told=${told%% *}
    total=$(sed -n 's/^summary: //p' "$work/out")
    note=
    [ "$total" -le $((packets * of_packet + told * of_message)) ] || { note=', TOO MUCH' && status=1; }
    printf '%-24s %7d instructions, %s%s\n' "$attack" $((total / packets)) "${said#*packets, }" "$note"
done
exit $status
