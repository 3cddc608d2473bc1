#!/bin/sh
# What subprojects/NAME is to be made of: another revision, build file or patch has another stamp. tools/setup.sh
# writes it into subprojects/NAME/.kith.
#
# Usage: tools/stamp.sh NAME, in the root of the source.
set -eu
cat "subprojects/$1.wrap" "subprojects/packagefiles/$1"/* | sha256sum | cut -c1-16
