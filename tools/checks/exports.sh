#!/usr/bin/env bash
# Checks that a shared library shows exactly the functions that poolformer.h declares.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

[ "$#" -eq 1 ] || { echo "Usage: tools/checks/exports.sh LIBRARY" >&2 && exit 2; }

header=$(dirname "${BASH_SOURCE[0]}")/../../engine/include/poolformer/poolformer.h
# From PF_API on, also where the name stands on the next line.
declared=$(tr '\n' ' ' <"$header" | grep -oP '\bPF_API [^;(]*?\bpf_\w+(?=\()' | sed 's/.*\bpf_/pf_/' |
    LC_ALL=C sort)
shown=$(nm -D --defined-only "$1" | awk '{ print $3 }' | LC_ALL=C sort)
diff <(echo "$declared") <(echo "$shown")
echo "$1 shows the $(wc -l <<<"$shown") functions of poolformer.h"
