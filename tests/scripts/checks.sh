# Checks, the tools and the server that scripts meet, and how a script is run.
# shellcheck shell=bash disable=SC2016  # dollars in single quotes are texts for other shells, or test data

# --- checks -----------------------------------------------------------------------------------------------------------

# check TEXT COMMAND...: one line; when the command fails, its output and that of the script's last run follow.
check() {
    local text=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        printf 'ok   %s\n' "$text"
        return
    fi
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$text"
    {
        printf '%s\n' "$output" | head -n 20
        for stream in out err; do
            [ ! -s "$work/$stream" ] || { echo "-- the script's $stream:"; head -c 2000 "$work/$stream"; }
        done
    } | sed 's/^/     /'
}

is() { [ "$1" = "$2" ] || { printf 'expected: %s\nfound:    %s\n' "$2" "$1"; return 1; }; }
is_not() { [ "$1" != "$2" ] || { printf 'unexpected: %s\n' "$1"; return 1; }; }
fails() { ! "$@"; }
is_empty() { [ -z "$(ls -A "$1")" ] || { ls -AR "$1"; return 1; }; }
holds() { grep -qF -e "$2" "$1" || { printf 'does not hold: %s\n' "$2"; return 1; }; }
holds_not() { ! grep -nF -e "$2" "$1"; }
# The folder of a run has a name of its own each time; here it is RUN.
modes_of() { (cd "$1" && find . -mindepth 1 -printf '%m %y %P\n' | sed 's#/runs/[A-Za-z0-9]\{6\}#/runs/RUN#' | sort -k3); }

# --- set-up -----------------------------------------------------------------------------------------------------------

install_missing() {
    local missing=() pair
    for pair in shellcheck:shellcheck busybox:busybox dash:dash jq:jq node:nodejs openssl:openssl curl:curl setsid:util-linux; do
        command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing: ${missing[*]}"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        >"$work/apt" 2>&1 || { tail -n 20 "$work/apt"; echo "cannot install: run as root on Debian, or install them by hand"; exit 1; }
}

# make_tools DIRECTORY SHELL: one wrapper per allowed program, which records its arguments.
make_tools() {
    local directory=$1 shell=$2 tool
    mkdir -p "$directory"
    for tool in $TOOLS; do
        if [ "$shell" = busybox ]; then
            wrap "$directory/$tool" "$(command -v busybox)" "$tool"
        else
            wrap "$directory/$tool" "$(PATH=/usr/bin:/bin command -v "$tool")"
        fi
    done
    wrap "$directory/openssl" "$(command -v openssl)"
    wrap "$directory/curl" "$(command -v curl)"
}

wrap() {
    local target=$1
    shift
    printf '#!/bin/sh\nprintf "%%s\\n" "%s $*" >>"%s"\nexec %s "$@"\n' "${target##*/}" "$work/arguments" "$*" >"$target"
    chmod +x "$target"
}

add_reader() {
    case $2 in
        python3) wrap "$1/python3" "$(python3 -c 'import sys; print(sys.executable)')" ;;
        *) wrap "$1/$2" "$(command -v "$2")" ;;
    esac
}

# An openssl that knows no Ed25519, like the LibreSSL of macOS; with $2 = sign one that only cannot sign raw input.
fake_openssl() {
    rm -f "$1/openssl"
    case ${2:-} in
        sign) printf '#!/bin/sh\ncase $1 in pkeyutl) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v openssl)" ;;
        *) printf '#!/bin/sh\necho "LibreSSL: algorithm not found" >&2\nexit 1\n' ;;
    esac >"$1/openssl"
    chmod +x "$1/openssl"
}

start_mock() {
    # The server ends with its standard input, so it cannot outlive this script.
    mkfifo "$work/mock-in" "$work/mock-out"
    python3 "$here/mock_server.py" "$bootstrap_scripts" "$enroll_scripts" "$repository/shared/rules/src/reserved_names.txt" \
        <"$work/mock-in" >"$work/mock-out" 2>"$work/mock-err" &
    mock_pid=$!
    exec 8>"$work/mock-in" 9<"$work/mock-out"
    read -r control_port read_port TOKEN VAULT ENROLLMENT_TOKEN <&9 || { cat "$work/mock-err"; exit 1; }
    EXPECTED_MODES=$(printf '%s\n' '700 d .sikkerkey' '700 d .sikkerkey/vaults' "700 d .sikkerkey/vaults/$VAULT" \
        "600 f .sikkerkey/vaults/$VAULT/identity.json" "600 f .sikkerkey/vaults/$VAULT/private.pem")
    INIT_MODES=$(printf '%s\n' '700 d .sikkerkey' '700 d .sikkerkey/runs' '700 d .sikkerkey/runs/RUN' \
        '600 f .sikkerkey/runs/RUN/ended' '700 d .sikkerkey/runs/RUN/vaults' "700 d .sikkerkey/runs/RUN/vaults/$VAULT" \
        "600 f .sikkerkey/runs/RUN/vaults/$VAULT/identity.json" "600 f .sikkerkey/runs/RUN/vaults/$VAULT/private.pem")
    mock=http://localhost:$control_port
    reads=http://localhost:$read_port
}

scenario() { curl -sS --fail -H 'Content-Type: application/json' --data-binary "$1" "$mock/_mock/scenario" >/dev/null; }
state() { curl -sS --fail "$mock/_mock/state" | jq -r "$1"; }
server_is_content() { is "$(state '.problems | join("; ")')" ''; }

# --- running a script -------------------------------------------------------------------------------------------------

# fresh SCENARIO: a new home and temporary directory, nothing recorded.
fresh() {
    rm -rf "${work:?}/home" "${work:?}/tmp"
    mkdir -p "$work/home" "$work/tmp" "$work/elsewhere"
    : >"$work/arguments"
    : >"$work/out"
    : >"$work/err"
    settings=(HOME="$work/home" TMPDIR="$work/tmp" PATH="$tools")
    scenario "${1:-{\}}"
}

# download ROUTE: as `curl -sSL URL` would.
download() { curl -sSL "$mock/v1/$1" >"$work/script"; }

# piped: runs the downloaded script as `curl ... | sh` would, with the variables in $settings and no others.
# Leaves: status, $work/out, $work/err.
piped() {
    (cd "$work/elsewhere" && env -i "${settings[@]}" "${command[@]}" <"$work/script" >"$work/out" 2>"$work/err")
    status=$?
}

run_bootstrap() { download "bootstrap/$TOKEN${1:-}" && piped; }
run_init() {
    settings+=(SIKKERKEY_ENROLLMENT_TOKEN="${enrollment_token-$ENROLLMENT_TOKEN}")
    download "$VAULT/enroll/script" && piped
}

# refused MESSAGE: the last run failed with exactly this reason, and nothing is left behind.
refused() {
    is "$status" 1 && holds "$work/err" "sikkerkey: $1" && is "$(cat "$work/out")" '' &&
        is "$(grep -c '^sikkerkey: ' "$work/err")" 1 && is_empty "$work/home" && is_empty "$work/tmp"
}
one_line() { is "$(wc -l <"$work/err")" 1; }
no_request() { is "$(state '.requests | length')" 0; }
# The same, and the server was never asked, so no use of a token is lost.
refused_unasked() { refused "$1" && one_line && no_request; }
keeps_nothing() { is_empty "$work/home" && is_empty "$work/tmp"; }
# keeps_only LISTING: the home directory has exactly these files and modes.
keeps_only() { is "$(modes_of "$work/home")" "$1" && is_empty "$work/tmp"; }

# stopped MESSAGE: the last run failed with this reason after it had registered: the identity is there, no variables are.
stopped() { is "$status" 1 && holds "$work/err" "sikkerkey: $1" && is "$(cat "$work/out")" '' && keeps_only "$INIT_MODES"; }
# The folder of the run that $work/home holds.
run_folder() { echo "$work/home/${1:-.sikkerkey}"/runs/*; }

# The identity in vault directory $1 is whole and is the one that the server knows.
identity_is_right() {
    local directory=$1 der public
    is "$(jq -cS 'keys' "$directory/identity.json")" '["apiUrl","machineId","machineName","privateKeyPath","vaultId"]' &&
        is "$(jq -c '[.machineId, .machineName, .vaultId, .apiUrl]' "$directory/identity.json")" \
            "$(state '.last | [.machineId, .machineName, .vaultId, .apiUrl] | tojson')" &&
        is "$(jq -r .privateKeyPath "$directory/identity.json")" "$directory/private.pem" || return 1
    der=$(sed '1d;$d' "$directory/private.pem" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    is "${#der}/${der:0:32}" 96/302e020100300506032b657004220420 &&
        is "$(head -n 1 "$directory/private.pem")" '-----BEGIN PRIVATE KEY-----' &&
        is "$(tail -n 1 "$directory/private.pem")" '-----END PRIVATE KEY-----' || return 1
    public=$(openssl pkey -in "$directory/private.pem" -pubout -outform DER | tail -c 32 | base64)
    is "$public" "$(state .last.publicKey)"
}

# No argument of any program held the token, the private key, or a value.
arguments_are_clean() {
    local key
    holds_not "$work/arguments" "$TOKEN" && holds_not "$work/arguments" "$ENROLLMENT_TOKEN" || return 1
    while read -r key; do
        holds_not "$work/arguments" "$key" || return 1
    done < <(find "$work/home" -name private.pem -exec sed -n 2p {} +)
    python3 "$here/compare_env.py" quiet "$work/arguments" && [ -s "$work/arguments" ]
}
