#!/usr/bin/env bash
# Prepares this directory for `make demo` and `make test`: ngspice from the system's packages (Debian, Ubuntu),
# a virtual environment .venv and the pinned Python packages of requirements.lock.
# Does nothing when nothing changed since the last time. PYTHON=... chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

STAMP=.venv/setup.stamp

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# The first Python that is recent enough: $PYTHON, python3, then versioned names.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed and ${PYTHON:-python3} is missing or older;" \
        "install one, or name it: make PYTHON=/path/to/python3.12 ..."
}

# Names of what the system lacks, one a line: ngspice, libngspice, venv.
missing_parts() {
    command -v ngspice >/dev/null || echo ngspice
    [ -n "${NGSPICE_LIBRARY_PATH:-}" ] ||
        "$1" -c 'import ctypes.util, sys; sys.exit(ctypes.util.find_library("ngspice") is None)' || echo libngspice
    [ -x .venv/bin/python ] || "$1" -c 'import ensurepip, venv' 2>/dev/null || echo venv
}

# Debian's package of one part, for the interpreter $2.
debian_package() {
    case "$1" in
        libngspice) echo libngspice0 ;;
        venv) "$2" -c 'import sys; print(f"python3.{sys.version_info[1]}-venv")' ;;
        *) echo "$1" ;;
    esac
}

# Installs system packages; refreshes the package lists only where they are absent or out of date.
apt_install() {
    local become=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "not root and no sudo; ask an administrator for: apt-get install $*"
        become=(sudo)
    fi
    local install=("${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
    echo "setup: installing $* with apt-get"
    if ! "${install[@]}" >/dev/null 2>&1; then
        "${become[@]}" apt-get update -q >/dev/null || fail "apt-get update failed; see above"
        "${install[@]}" >/dev/null || fail "apt-get could not install: $*"
    fi
}

install_missing() {
    local python=$1 missing part packages=()
    missing=$(missing_parts "$python")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        fail "missing: $(echo "$missing" | tr '\n' ' ')" \
            "install ngspice and its shared library (macOS: brew install ngspice libngspice; Fedora: dnf install" \
            "ngspice libngspice; Arch: pacman -S ngspice) and Python with venv, then run make again;" \
            "a library in an unusual place is named by the environment variable NGSPICE_LIBRARY_PATH"
    fi
    for part in $missing; do packages+=("$(debian_package "$part" "$python")"); done
    apt_install "${packages[@]}"
    missing=$(missing_parts "$python")
    [ -z "$missing" ] || fail "still missing after apt-get: $(echo "$missing" | tr '\n' ' ')"
}

install_python_packages() {
    local python=$1
    if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$python" -m venv --clear .venv
    fi
    echo "setup: installing the pinned Python packages into .venv (a minute or two the first time)"
    .venv/bin/python -m pip install -q --disable-pip-version-check -r requirements.lock
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
}

# What the set-up depends on: place, pins, project file, this script.
key() {
    echo "$PWD"
    cksum requirements.lock pyproject.toml setup.sh
}

up_to_date() {
    [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(key)" ] && .venv/bin/python -c '' 2>/dev/null
}

python=$(find_python)
install_missing "$python"
up_to_date && exit 0
install_python_packages "$python"
key > "$STAMP"
