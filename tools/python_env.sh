#!/usr/bin/env bash
# Sets up, or finds again, a pinned Python environment.
# SPDX-License-Identifier: Apache-2.0
#
#   python="$(tools/python_env.sh [REQUIREMENTS...])"
#
# REQUIREMENTS: files that pip reads besides tools/python_requirements.txt. Prints the environment's
# python on stdout, everything else on stderr. The environment lives outside the checkout, in
# ${XDG_CACHE_HOME:-~/.cache}/poolformer.cpp/venv-HASH; other requirements make another one. A set-up
# that was interrupted is thrown away and done again.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 2p; 5,10p' "${BASH_SOURCE[0]}"; }

for file in "$@"; do
    case "$file" in
        --help | -h) usage && exit 0 ;;
    esac
    [ -f "$file" ] || { echo "$file: no such file, expected pip requirements" >&2 && exit 2; }
done

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
requirements=("$here/python_requirements.txt" "$@")
base_python="${PYTHON:-python3}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/poolformer.cpp"

say() { echo "$*" >&2; }

if ! "$base_python" -c 'import venv, ensurepip' 2>/dev/null; then
    say "error: $base_python cannot make virtual environments. On Debian or Ubuntu:"
    say "       apt-get install python3 python3-venv"
    exit 1
fi
version="$("$base_python" -c 'import platform; print(platform.python_version())')"
hash="$({ cat "${requirements[@]}"; echo "$version"; } | sha256sum | cut -c1-12)"
environment="$cache/venv-$hash"
mkdir -p "$cache"

# One set-up at a time; the second caller finds the first one's.
exec 9>"$environment.lock"
flock 9

if [[ ! -e "$environment/complete" ]]; then
    say "Setting up Python packages in $environment"
    say "Download: about 250 MB with a CPU build of torch; 2 to 4 GB if the package index only has a"
    say "CUDA build. Disk: about 1.2 GB (CPU build). This happens once."
    rm -rf "$environment"
    "$base_python" -m venv "$environment" >&2
    "$environment/bin/python" -m pip install --disable-pip-version-check --no-input --quiet \
        "${requirements[@]/#/--requirement=}" >&2
    touch "$environment/complete"
fi
echo "$environment/bin/python"
