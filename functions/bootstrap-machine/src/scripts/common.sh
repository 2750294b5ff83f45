#!/bin/sh
# What every SikkerKey onboarding script needs: functions only, so this file alone does nothing.
#
# The server sends this file followed by exactly one of bootstrap.sh, kubernetes.sh, ci.sh and
# sikkerkey-init.sh, as one text, after replacing the placeholders (two underscores on each side)
# SIKKERKEY_API_URL, SIKKERKEY_TOKEN and SIKKERKEY_VAULT_ID. The last line of that text starts the work, so a
# download that breaks off runs nothing.
#
# Plain POSIX sh: dash, bash, busybox ash, and the sh of macOS. Secrets (token, private key, values) go through files
# that only their owner can read and through the shell's own printf, never through another program's arguments.
#
# The variables that a function leaves for its caller are named in the comment above it.
# shellcheck disable=SC2034  # those variables are read by the file that follows

set -eu

# Says why on standard error and stops.
fail() {
    printf 'sikkerkey: %s\n' "$1" >&2
    exit 1
}

# Tells the person something without touching standard output.
note() {
    printf 'sikkerkey: %s\n' "$1" >&2
}

# Makes a private work directory that is gone at the end, whichever way the script ends.
# Leaves: work (that directory), staging, made and unfinished (what is removed at the end unless it is emptied before).
begin() {
    umask 077
    LC_ALL=C
    export LC_ALL
    work=
    staging=
    made=
    unfinished=
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    work=$(mktemp -d "${TMPDIR:-/tmp}/sikkerkey.XXXXXX") ||
        fail 'cannot make a temporary directory: set TMPDIR to a directory that can be written'
    # An absolute path cannot be taken for an option.
    case $work in /*) ;; *) work=$PWD/$work ;; esac
}

clean_up() {
    [ -z "$work" ] || rm -rf "$work"
    [ -z "$staging" ] || rm -rf "$staging"
    [ -z "$unfinished" ] || rm -rf "$unfinished"
    # Of the directories that this run made, those that stayed empty go again.
    while [ -n "$made" ]; do
        rmdir "${made%%
*}" 2>/dev/null || :
        made=${made#*
}
    done
}

# Makes directory $1 for its owner alone, with the directories above it, unless it is there.
make_directory() {
    above=$1
    new=
    while [ -n "$above" ] && [ ! -e "$above" ]; do
        new=$new$above"
"
        above=${above%/*}
    done
    made=$new$made
    mkdir -p "$1" 2>/dev/null || fail "cannot write to ${above:-/}"
    if [ ! -w "$1" ] || [ ! -x "$1" ]; then fail "cannot write to $1"; fi
}

# Whether the whole of text $1 matches the extended regular expression $2.
matches() {
    case $1 in *[[:cntrl:]]*) return 1 ;; esac
    printf '%s\n' "$1" | grep -Eqx -e "$2"
}

# Standard input with each single quote made safe inside single quotes.
shell_quote() {
    sed "s/'/'\\\\''/g"
}

# The text of string member $1 of the flat JSON object in file $2, escapes as they are. A quote inside a JSON string
# always follows a backslash, so no value can pose as a member.
json_member() {
    { tr -d '\000-\037\177' <"$2"; echo; } |
        sed -En 's/.*"'"$1"'" *: *"(([^"\\]|\\.)*)".*/\1/p'
}

# The number that is member $1 of the flat JSON object in file $2.
json_number() {
    { tr -d '\000-\037\177' <"$2"; echo; } | sed -En 's/.*"'"$1"'" *: *([0-9]{1,12})[,} ].*/\1/p'
}

# Text $1 as the inside of a JSON string. The text must have no control characters.
json_escape() {
    printf '%s\n' "$1" | sed 's/[\\"]/\\&/g'
}

# Text $1 must be a bootstrap token.
check_bootstrap_token() {
    matches "$1" '[0-9a-f]{64}' ||
        fail 'the bootstrap token is malformed: make a new one in the dashboard and copy the whole command'
}

check_curl() {
    command -v curl >/dev/null 2>&1 ||
        fail 'curl is missing: install it with your package manager (apt-get install curl, apk add curl, brew install curl)'
}

# Whether the openssl in $1 can make an Ed25519 key, and with $2 = sign also sign with it. The key stays in the work
# directory.
openssl_fits() {
    "$1" genpkey -algorithm Ed25519 -out "$work/private.pem" >/dev/null 2>&1 || return 1
    [ "$2" = sign ] || return 0
    printf 'test' >"$work/payload"
    "$1" pkeyutl -sign -rawin -inkey "$work/private.pem" -in "$work/payload" -out "$work/signature" >/dev/null 2>&1
}

# Makes the machine's keypair with an openssl that can do Ed25519; with $1 = sign one that can also sign, else $1 = key.
# Leaves: openssl (the program that fits), public_key (base64 of the raw 32 bytes), fingerprint, work/private.pem.
make_key() {
    openssl=
    seen=no
    # macOS ships LibreSSL as openssl; Homebrew keeps the real one off the PATH.
    for candidate in openssl /opt/homebrew/opt/openssl@3/bin/openssl /usr/local/opt/openssl@3/bin/openssl; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        seen=yes
        if openssl_fits "$candidate" "$1"; then
            openssl=$candidate
            break
        fi
    done
    [ "$seen" = yes ] ||
        fail 'openssl is missing: install OpenSSL 3 (apt-get install openssl, apk add openssl, brew install openssl@3)'
    [ -n "$openssl" ] ||
        fail 'this openssl cannot do Ed25519 (too old, or the LibreSSL of macOS): install OpenSSL 3 (apt-get install openssl, brew install openssl@3)'

    # 48 bytes of PKCS#8 version 1, and nothing around them: clients accept no other form.
    key_hex=$(sed -e '1d' -e '$d' "$work/private.pem" | "$openssl" base64 -d | od -An -v -tx1 | tr -d ' \n')
    case $(head -n 1 "$work/private.pem")/${#key_hex}/$key_hex in
        "-----BEGIN PRIVATE KEY-----/96/302e020100300506032b657004220420"*) ;;
        *) fail 'openssl made a private key in an unexpected form: install OpenSSL 3' ;;
    esac
    key_hex=

    # The raw key is the last 32 of the 44 bytes of the SubjectPublicKeyInfo.
    "$openssl" pkey -in "$work/private.pem" -pubout -outform DER -out "$work/public.der" 2>/dev/null ||
        fail 'openssl cannot write the public key: install OpenSSL 3'
    public_key=$(tail -c 32 "$work/public.der" | "$openssl" base64 -A)
    matches "$public_key" '[A-Za-z0-9+/]{43}=' ||
        fail 'openssl wrote a public key in an unexpected form: install OpenSSL 3'
    fingerprint=SHA256:$(tail -c 32 "$work/public.der" | "$openssl" dgst -sha256 -binary | "$openssl" base64 -A | tr -d '=')
}

# This host's name, cut to $1 characters, with everything but letters, digits and ._- replaced.
host_name() {
    # shellcheck disable=SC3028  # not every sh sets HOSTNAME; where it is set, the SDKs use it too
    name=${HOSTNAME:-}
    [ -n "$name" ] || name=$(uname -n 2>/dev/null) || name=
    name=$(printf '%s' "$name" | tr -c 'A-Za-z0-9._-' '-' | cut -c "1-$1")
    printf '%s\n' "${name:-unnamed}"
}

# Sends POST $1 with the body in work/body. Lines for the request beyond its address are in work/headers, in the form
# of a curl configuration file: the address holds the token, so it stays out of the arguments too.
# Leaves: http_status (000 when there was no answer), work/answer.
post() {
    {
        printf 'url = "%s"\n' "$1"
        cat "$work/headers"
    } >"$work/request"
    : >"$work/answer"
    http_status=$(curl --silent --show-error --globoff --connect-timeout 15 --max-time 30 \
        --config "$work/request" --data-binary "@$work/body" \
        --output "$work/answer" --write-out '%{http_code}') || http_status=000
}

# Stops unless the last answer was a success; $1 says what was tried.
check_answer() {
    case $http_status in
        2??) return 0 ;;
        000) fail "$1 failed: no answer from the server" ;;
    esac
    reason=$(json_member error "$work/answer" | sed 's/\\\(["\\/]\)/\1/g' | cut -c 1-500)
    fail "$1 failed: ${reason:-the server answered with HTTP status $http_status}"
}

# Registers the new public key: sends the body in work/body to $1 and checks every part of the answer before it is
# used in a path, a header or a file.
# Leaves: machine_id, machine_name, vault_id, api_url.
register() {
    printf 'header = "Content-Type: application/json"\n' >"$work/headers"
    post "$1"
    check_answer 'registration'

    machine_id=$(json_member machineId "$work/answer")
    vault_id=$(json_member vaultId "$work/answer")
    machine_name=$(json_member machineName "$work/answer")
    api_url=$(json_member apiUrl "$work/answer")
    matches "$machine_id" '[A-Za-z0-9-]{1,64}' || fail 'registration failed: the answer has no valid machine id'
    matches "$vault_id" 'vault_[a-z0-9]{1,64}' || fail 'registration failed: the answer has no valid vault id'
    # The name is only shown. One with JSON escapes in it is not worth decoding here.
    matches "$machine_name" '[^"\\]+' || machine_name=$host
    [ -n "$api_url" ] || api_url='__SIKKERKEY_API_URL__'
    # What published clients accept: https, or http to localhost; no path, no slash at the end.
    matches "$api_url" '(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://localhost)(:[0-9]{1,5})?' ||
        fail 'registration failed: the answer has no valid API address'
}

# Registers with bootstrap token $1 under host name $2.
# Leaves: host, and what register leaves.
register_bootstrap() {
    host=$2
    printf '{"publicKey":"%s","hostname":"%s"}' "$public_key" "$host" >"$work/body"
    register "__SIKKERKEY_API_URL__/v1/bootstrap/$1/register"
}

# Finds the directory for identities.
# Leaves: base.
find_base() {
    base=${SIKKERKEY_HOME:-}
    if [ -z "$base" ]; then
        [ -n "${HOME:-}" ] || fail 'HOME is not set: set SIKKERKEY_HOME to the directory for the identity'
        base=$HOME/.sikkerkey
    fi
    case $base in /*) ;; *) base=$PWD/$base ;; esac
    case $base in *[[:cntrl:]]*) fail 'SIKKERKEY_HOME or HOME contains a control character' ;; esac
    while [ "$base" != "${base%/}" ]; do base=${base%/}; done
}

# Makes a place beside the identity's own, in which its files are made ready: a directory that cannot be written costs no
# token.
# Leaves: staging.
find_staging() {
    make_directory "$base/vaults"
    chmod 700 "$base/vaults" || fail "cannot change the mode of $base/vaults"
    staging=$(mktemp -d "$base/vaults/.new.XXXXXX") || fail "cannot write to $base/vaults"
}

# Makes the private key ready beside its target. For after make_key and before a token is spent.
stage_key() {
    cat "$work/private.pem" >"$staging/private.pem" || fail "cannot write to $staging"
    printf '%1024s' '' >"$staging/identity.json" || fail "cannot write to $staging"
    chmod 600 "$staging/private.pem" "$staging/identity.json" || fail "cannot write to $staging"
}

# Writes the identity, replacing the one that is there. Both files are ready beside their targets and are renamed one
# after the other with signals held, so that a run that breaks off leaves the old pair or the new one.
# Leaves: vault_dir.
save_identity() {
    vault_dir=$base/vaults/$vault_id
    lost="the machine is registered, but its identity cannot be written to $vault_dir: correct that, then run again with a new token"
    mkdir -p "$vault_dir" || fail "$lost"
    chmod 700 "$vault_dir" || fail "$lost"
    # A directory that the person named keeps its mode: it may be one they share on purpose.
    [ -n "${SIKKERKEY_HOME:-}" ] || chmod 700 "$base" || fail "$lost"
    if [ -d "$vault_dir/private.pem" ] || [ -d "$vault_dir/identity.json" ]; then fail "$lost"; fi

    printf '{"machineId":"%s","machineName":"%s","vaultId":"%s","apiUrl":"%s","privateKeyPath":"%s"}\n' \
        "$machine_id" "$machine_name" "$vault_id" "$api_url" "$(json_escape "$vault_dir/private.pem")" \
        >"$staging/identity.json" || fail "$lost"

    trap '' HUP INT TERM
    mv -f "$staging/private.pem" "$vault_dir/private.pem" || fail "$lost"
    mv -f "$staging/identity.json" "$vault_dir/identity.json" || fail "$lost"
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    rmdir "$staging"
    staging=
}

# What to do next, for machine $1, on standard output.
say_next() {
    cat <<END
Next, compare the fingerprint, approve the machine, add it to a project, and grant it the secrets it needs: in the
dashboard, or without one by POST $api_url/v1/manage/machines/$1/approve and what docs/onboarding.md says after it.
END
}
