#!/usr/bin/env bash
# Starts this instance of snapioc, from any directory; arguments go to `snapioc run` (see `snapioc run --help`).
# It ends in exec: the signals of procServ and systemd reach snapioc itself.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
. ./envPaths

snapioc="${TOP}/.venv/bin/snapioc"
if [[ ! -x "${snapioc}" ]]; then
    snapioc=$(command -v snapioc) || {
        echo "${IOC}: there is no snapioc in ${TOP}/.venv/bin, nor in PATH" >&2
        exit 127
    }
fi
echo "${IOC}: $("${snapioc}" --version) in ${PWD}; EPICS_CA_ADDR_LIST=${EPICS_CA_ADDR_LIST:-}" >&2
exec "${snapioc}" run snapioc.toml "$@"
