#!/usr/bin/env bash
# Finds what the system lacks and installs just that, where apt-get can; otherwise says, in one line, what to type.
#   system_packages.sh run            the window's libraries; fails only if there is a display to show it on
#   system_packages.sh setup          those and what the tests need; fails as `run` does
#   system_packages.sh test           the same; fails if anything is missing
#   system_packages.sh venv PYTHON    the venv module of that interpreter
# Presence counts, not who installed it: libraries by the loader's cache, programs by the path.
set -euo pipefail
need=$1
python=${2:-${VENV:-.venv}/bin/python}
PATH=$PATH:/usr/sbin:/sbin

missing=()
library() { case $libraries in *"$1 ("*) ;; *) missing+=("$2") ;; esac; }
program() { command -v "$1" >/dev/null || missing+=("$2"); }
version() { "$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'; }

# The libraries that PyQt6's own ones ask for, with fonts to write with. Elsewhere than on Linux its wheels hold them all.
find_window() {
    [ "$(uname)" = Linux ] && libraries=$(ldconfig -p 2>/dev/null) || return 0
    library libEGL.so.1 libegl1
    library libGL.so.1 libgl1
    library libX11.so.6 libx11-6
    library libX11-xcb.so.1 libx11-xcb1
    library libdbus-1.so.3 libdbus-1-3
    library libfontconfig.so.1 libfontconfig1
    library libfreetype.so.6 libfreetype6
    library libglib-2.0.so.0 libglib2.0-0
    library libwayland-client.so.0 libwayland-client0
    library libwayland-cursor.so.0 libwayland-cursor0
    library libxcb-cursor.so.0 libxcb-cursor0
    library libxcb-icccm.so.4 libxcb-icccm4
    library libxcb-image.so.0 libxcb-image0
    library libxcb-keysyms.so.1 libxcb-keysyms1
    library libxcb-randr.so.0 libxcb-randr0
    library libxcb-render-util.so.0 libxcb-render-util0
    library libxcb-render.so.0 libxcb-render0
    library libxcb-shape.so.0 libxcb-shape0
    library libxcb-shm.so.0 libxcb-shm0
    library libxcb-sync.so.1 libxcb-sync1
    library libxcb-util.so.1 libxcb-util1
    library libxcb-xfixes.so.0 libxcb-xfixes0
    library libxcb-xkb.so.1 libxcb-xkb1
    library libxkbcommon-x11.so.0 libxkbcommon-x11-0
    library libxkbcommon.so.0 libxkbcommon0
    [ -n "$(fc-list 2>/dev/null | head -n 1)" ] ||
        [ -n "$(find /usr/share/fonts /usr/local/share/fonts ~/.fonts ~/.local/share/fonts -name '*.[ot]tf' -print -quit 2>/dev/null)" ] ||
        missing+=(fonts-dejavu-core)
}

# What the tests need on top: a simulator with a Python to load, and an X server without a screen.
find_tests() {
    program iverilog iverilog
    [ "$(uname)" = Linux ] || return 0
    program Xvfb xvfb
    "$python" -c 'import sys, find_libpython as f; sys.exit(not f.find_libpython())' || missing+=("lib$(version)")
}

find_missing() {
    missing=()
    case $need in
        venv) "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=("$(version)-venv") ;;
        run) find_window ;;
        setup | test) find_window; window_missing=${#missing[@]}; find_tests ;;
        *) echo "usage: ${0##*/} run|setup|test|venv PYTHON" >&2; exit 2 ;;
    esac
    [ "$need" != run ] || window_missing=${#missing[@]}
}

apt() { ${as_root:-} env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=60 \
    -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@" </dev/null >>"$log" 2>&1; }

# Package lists may be absent or stale: they are renewed only if the first try fails for another reason than the lock.
install() {
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "installing system packages: ${missing[*]}"
    apt install --no-install-recommends "${missing[@]}" && return 0
    ! grep -q '^E: Could not get lock' "$log" || return 1
    echo "  renewing the package lists"
    : >"$log"
    apt update && apt install --no-install-recommends "${missing[@]}"
}

find_missing
[ ${#missing[@]} -gt 0 ] || exit 0

why=
if command -v apt-get >/dev/null; then
    may_install=
    if [ "$(id -u)" = 0 ]; then may_install=1
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then may_install=1; as_root="sudo -n"
    fi
    if [ -n "$may_install" ]; then
        install || why=" (apt-get failed: $(grep -m1 '^E:' "$log" || tail -n 1 "$log"))"
        find_missing
        [ ${#missing[@]} -gt 0 ] || exit 0
    fi
    sudo=sudo
    [ "$(id -u)" != 0 ] || sudo=
    todo="type: $sudo${sudo:+ }apt-get update && $sudo${sudo:+ }apt-get install -y ${missing[*]}"
elif command -v brew >/dev/null; then
    todo="type: brew install ${missing[*]/iverilog/icarus-verilog}"
else
    todo="install these with this system's package manager (Debian's names): ${missing[*]}"
fi

display=${DISPLAY:-}${WAYLAND_DISPLAY:-}
case $need in
    run) [ -n "$display" ] && [ "$window_missing" -gt 0 ] || exit 0; what="the window needs system libraries" ;;
    setup) what="the window or the tests need system packages" ;;
    test) what="the tests need system packages" ;;
    venv) what="$python cannot make environments" ;;
esac
echo "trelscope: $what$why; $todo" >&2
[ "$need" = setup ] && { [ -z "$display" ] || [ "$window_missing" = 0 ]; } && exit 0
exit 1
