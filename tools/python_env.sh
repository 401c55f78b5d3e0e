#!/usr/bin/env bash
# Makes the Python environment: .venv with trelscope (editable) and the versions in constraints.txt.
# PYTHON names the interpreter to use; without it the first that is new enough.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
log=$venv/pip.log

stop() { echo "trelscope: $*" >&2; exit 1; }
usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        ! usable "$python" || return 0
    done
    found=$("${PYTHON:-python3}" -V 2>/dev/null) || found="not there"
    stop "Python 3.11 or newer is needed, ${PYTHON:-python3} is $found: install one, then make setup PYTHON=python3.12"
}

create() {
    find_python
    "$python" -c 'import ensurepip, venv' 2>/dev/null || tools/system_packages.sh venv "$python"
    echo "creating $venv with $("$python" -V)"
    "$python" -m venv --clear "$venv" || stop "$python cannot create $venv (see above)"
}

# pip's own output goes to the log; what takes long is said.
progress() {
    awk '
        /^ *Downloading .*\([0-9.]+ MB\)/ {
            size = $(NF - 1); sub(/\(/, "", size)
            name = $2; sub(/-[0-9].*/, "", name)
            if (size >= 10) printf "  downloading %s (%.0f MB)\n", name, size
        }
        /^Installing collected packages/ && NF > 4 { printf "  unpacking %d packages\n", NF - 3 }
        { fflush() }'
}

usable "$venv/bin/python" && "$venv/bin/python" -c 'import pip' 2>/dev/null || create

echo "installing Python packages (about a minute the first time)"
"$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    -c constraints.txt -e '.[test]' 2>&1 | tee "$log" | progress ||
    stop "pip failed: $(grep -m1 -o 'ERROR: .*' "$log" || tail -n 1 "$log") (all of it: $log)"
