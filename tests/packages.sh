# shellcheck shell=bash
# Sourced by scripts that need more than Rust.

# The Debian packages behind a command, installed if the command is missing; it may be there without its package, as a
# Python or compiler of one's own.
need_command() {
    local command=$1
    shift
    command -v "$command" >/dev/null && return
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        echo "${0##*/}: $command is missing; install it (Debian: $*)" >&2
        return 1
    fi
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}
