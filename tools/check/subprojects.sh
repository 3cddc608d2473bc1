#!/bin/sh
# Are the bundled libraries made of the present patches? With others the tests fail for reasons that are not in the
# source. Exit status 77 (skipped) where none is bundled.
set -eu
cd "${1:-.}"
status=77
for name in usrsctp libsrtp2; do
    for patch in subprojects/packagefiles/$name/*.patch; do
        grep -q "[ ,]$name/${patch##*/}\(,\|$\)" "subprojects/$name.wrap" && continue
        echo "subprojects/$name.wrap does not name $patch"
        exit 1
    done
    [ -e "subprojects/$name/.kith" ] || continue
    [ $status != 77 ] || status=0
    if [ "$(cat "subprojects/$name/.kith")" != "$(tools/stamp.sh $name)" ]; then
        echo "subprojects/$name is not made of the present subprojects/packagefiles/$name: run tools/setup.sh"
        status=1
    fi
done
exit $status
