#!/bin/sh
# What one packet of each attack costs the victim until it is taken in, in instructions, by valgrind. For people:
#
#     tests/sim/hostile_cost.sh BUILD [ATTACK...]
set -eu
program=$1/tests/sim/hostile-cost
shift
export CK_FORK=no CK_VERBOSITY=silent
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- $("$program")
for attack in "$@"; do
    said=$(KITH_ATTACK=$attack valgrind --tool=callgrind --toggle-collect='cost_input*' \
        --callgrind-out-file="$work/out" "$program" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
    packets=${said%% *}
    total=$(sed -n 's/^summary: //p' "$work/out")
    printf '%-24s %7d instructions, %s\n' "$attack" $((total / packets)) "${said#*packets, }"
done
