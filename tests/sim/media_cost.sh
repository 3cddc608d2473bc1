#!/bin/sh
# What one packet of RTP or RTCP of each attack costs the victim from its decryption on, in instructions, by valgrind, as
# SECURITY.md says it. For people:
#
#     tests/sim/media_cost.sh BUILD [ATTACK...]
set -eu
program=$1/tests/sim/media-cost
shift
export CK_FORK=no CK_VERBOSITY=silent
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- $("$program")
for attack in "$@"; do
    said=$(KITH_ATTACK=$attack valgrind --tool=callgrind --toggle-collect='cost_input*' --toggle-collect='cost_output*' \
        --callgrind-out-file="$work/out" "$program" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
    packets=${said%% *}
    total=$(sed -n 's/^summary: //p' "$work/out")
    printf '%-24s %7d instructions, %s\n' "$attack" $((total / packets)) "${said#*packets, }"
done
