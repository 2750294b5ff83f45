#!/bin/sh
# Gives a CI job its own short-lived SikkerKey machine and its secrets as environment variables for later steps.
#
#   SIKKERKEY_ENROLLMENT_TOKEN   needed; from the CI system's secret store
#   SIKKERKEY_PROJECT_ID         optional; only this project's secrets
#   SIKKERKEY_PREFIX             optional; put before the name of every variable
#   SIKKERKEY_HOME               optional; the folder for what the runs leave, else ~/.sikkerkey
#   SIKKERKEY_ENV_FILE           optional; where the variables go (not on GitHub), else a file in this run's folder
#
# Sent by the server after common.sh of the bootstrap scripts, as one text; see there. Needs openssl 3, curl, and one
# of jq, python3 and node. Each run has a folder of its own, runs/XXXXXX, so that two jobs of one user never meet; later
# steps find it as SIKKERKEY_HOME. On GitHub the values are masked and added to GITHUB_ENV; elsewhere they become a file
# of export lines for `. FILE`. No value is ever printed, but for GitHub's masks.
# shellcheck disable=SC2034,SC2154  # some variables are set by common.sh, some are read there

# Standard output: a line for each variable, `:NAME :FIELD :VALUE` for a field of a structured secret and
# `:NAME - :VALUE` for a whole secret, each part in base64 so that no value can break a line.
# Only fieldNames marks a secret as structured; it is taken apart when its value is an object of strings.
rows_with_jq() {
    # shellcheck disable=SC2016  # $name and $fields are jq's
    jq -r '.secrets[] | .name as $name
        | (if .fieldNames == null then null else (.value | try fromjson catch null) end) as $fields
        | if ($fields | type) == "object" and ($fields | length) > 0
              and ([$fields[] | type] | all(. == "string" or . == "null"))
          then $fields | to_entries[] | ":\($name | @base64) :\(.key | @base64) :\(.value // "" | @base64)"
          else ":\($name | @base64) - :\(.value | @base64)" end' "$1"
}

rows_with_python3() {
    python3 -I -c '
import base64, json, sys

def part(text):
    return ":" + base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")

def fields_of(secret):
    if secret.get("fieldNames") is None:
        return None
    try:
        fields = json.loads(secret["value"])
    except ValueError:
        return None
    if not isinstance(fields, dict) or not all(v is None or isinstance(v, str) for v in fields.values()):
        return None
    return fields

with open(sys.argv[1], "rb") as answer:
    secrets = json.load(answer)["secrets"]
for secret in secrets:
    fields = fields_of(secret)
    if fields:
        for field, value in fields.items():
            print(part(secret["name"]), part(field), part(value or ""))
    else:
        print(part(secret["name"]), "-", part(secret["value"]))
' "$1"
}

rows_with_node() {
    node -e '
const part = (text) => ":" + Buffer.from(text, "utf8").toString("base64");
const fieldsOf = (secret) => {
  if (secret.fieldNames === null || secret.fieldNames === undefined) return [];
  let fields;
  try { fields = JSON.parse(secret.value); } catch { return []; }
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) return [];
  const entries = Object.entries(fields);
  return entries.every(([, value]) => value === null || typeof value === "string") ? entries : [];
};
const rows = [];
for (const secret of JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).secrets) {
  const fields = fieldsOf(secret);
  for (const [field, value] of fields) rows.push([part(secret.name), part(field), part(value ?? "")]);
  if (fields.length === 0) rows.push([part(secret.name), "-", part(secret.value)]);
}
process.stdout.write(rows.map((row) => row.join(" ") + "\n").join(""));
' "$1"
}

# Leaves: reader, the function that takes the answer apart.
find_reader() {
    printf '{"secrets":[]}' >"$work/answer"
    for candidate in jq python3 node; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        reader=rows_with_$candidate
        if "$reader" "$work/answer" >/dev/null 2>&1; then return 0; fi
    done
    fail 'jq, python3 or node is needed to read the answer: install one of them (apt-get install jq, apk add jq)'
}

# Makes a folder for this run alone, below the one for identities, and removes those of runs whose machine has ended.
# Leaves: run, base (the same folder), unfinished (until there is something to keep).
find_run() {
    # A second run in one job is told the first one's folder; both belong side by side.
    case $base in
        */runs/??????) if [ -f "$base/ended" ]; then base=${base%/runs/*}; fi ;;
    esac
    make_directory "$base/runs"
    chmod 700 "$base/runs" || fail "cannot change the mode of $base/runs"
    for ended in "$base"/runs/*/ended; do
        if [ ! -f "$ended" ] || [ -L "$ended" ]; then continue; fi
        at=$(head -c 12 "$ended")
        if matches "$at" '[0-9]{1,12}' && [ "$at" -le "$(date +%s)" ]; then rm -rf "${ended%/*}"; fi
    done
    run=$(mktemp -d "$base/runs/XXXXXX") || fail "cannot write to $base/runs"
    unfinished=$run
    base=$run
    find_staging
}

# Stops unless file $1, named by variable $2, is a regular file or nothing: through a link, a pipe or a device the values
# would go where somebody else wants them.
check_output() {
    if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then
        fail "$2 names something that is no regular file: give it the path of a file, and no link"
    fi
}

# Makes sure that the variables can be handed on, before a use of the token is spent.
# Leaves: env_file, or github_env when this is a GitHub job.
find_destination() {
    github_env=${GITHUB_ENV:-}
    if [ -n "$github_env" ]; then
        check_output "$github_env" GITHUB_ENV
        [ -f "$github_env" ] && [ -w "$github_env" ] && return 0
        fail 'GITHUB_ENV names no file that can be written'
    fi
    env_file=${SIKKERKEY_ENV_FILE:-$run/env}
    case $env_file in /*) ;; *) env_file=$PWD/$env_file ;; esac
    case $env_file in *[[:cntrl:]]*) fail 'SIKKERKEY_ENV_FILE contains a control character' ;; esac
    check_output "$env_file" SIKKERKEY_ENV_FILE
    [ -w "${env_file%/*}/" ] || fail 'SIKKERKEY_ENV_FILE is in a directory that is not there or cannot be written'
}

# Whether a shell, a loader, an interpreter or a runner gives variable $1 a meaning: whoever may name secrets must not
# steer what runs in the next step. The server puts the names in.
has_meaning() {
    case $1 in
        __SIKKERKEY_RESERVED__) return 0 ;;
    esac
    return 1
}

# One signed attempt at the export. Every attempt has its own timestamp and nonce.
send_export() {
    timestamp=$(date +%s)
    nonce=$("$openssl" rand -base64 16)
    body_hash=$("$openssl" dgst -sha256 -r <"$work/body" | cut -c 1-64)
    printf '%s' "POST:/v1/secrets/export:$timestamp:$nonce:$body_hash" >"$work/payload"
    "$openssl" pkeyutl -sign -rawin -inkey "$work/private.pem" -in "$work/payload" -out "$work/signature"
    printf 'header = "%s"\n' "Content-Type:${1:+ $1}" "X-Machine-Id: $machine_id" "X-Timestamp: $timestamp" \
        "X-Nonce: $nonce" "X-Signature: $("$openssl" base64 -A <"$work/signature")" >"$work/headers"
    post "$api_url/v1/secrets/export"
}

# Leaves: work/answer, the secrets of project $1, or all granted ones when it is empty.
export_secrets() {
    content_type=
    : >"$work/body"
    if [ -n "$1" ]; then
        content_type=application/json
        printf '{"projectId":"%s"}' "$1" >"$work/body"
    fi
    send_export "$content_type"
    for wait_seconds in 1 2 4; do
        case $http_status in
            000 | 429 | 503) sleep "$wait_seconds" ;;
            *) break ;;
        esac
        send_export "$content_type"
    done
    check_answer 'fetching the secrets'
}

# Standard input, in base64, decoded.
decode() {
    "$openssl" base64 -d -A
}

# A part of a variable's name from standard input: runs of anything but ASCII letters and digits become one
# underscore, none at the ends, all upper case.
env_name() {
    tr -cs 'A-Za-z0-9' '_' | sed -e 's/^_//' -e 's/_$//' | tr '[:lower:]' '[:upper:]'
}

# Masks the value in work/value in GitHub's log, line by line. The mask of a line of one, two or three characters would make
# the log unreadable, and say which characters they are.
mask() {
    { tr '\r' '\n' <"$work/value"; echo; } | while IFS= read -r line; do
        # Bytes that continue a character do not count.
        characters=$(printf '%s' "$line" | tr -d '\200-\277' | wc -c)
        case $line in *[![:space:]]*) ;; *) continue ;; esac
        [ "$characters" -ge 4 ] || continue
        # The runner undoes %25 in a command.
        printf '%s\n' "$line" | sed -e 's/%/%25/g' -e 's/^/::add-mask::/'
    done
}

# Adds the value in work/value as variable $1 to work/variables.
add_variable() {
    if [ -n "$github_env" ]; then
        mask
        {
            printf '%s<<%s\n' "$1" "$delimiter"
            cat "$work/value"
            printf '\n%s\n' "$delimiter"
        } >>"$work/variables"
    else
        # The dot keeps line ends at the end of the value from being lost with the substitution's own.
        quoted=$({ cat "$work/value"; printf '.'; } | shell_quote)
        printf "export %s='%s'\n" "$1" "${quoted%.}" >>"$work/variables"
    fi
}

# Turns the answer into work/variables.
# Leaves: count.
make_variables() {
    "$reader" "$work/answer" >"$work/rows" || fail 'the answer with the secrets cannot be read'
    : >"$work/variables"
    : >"$work/names"
    delimiter=sikkerkey_$("$openssl" rand -hex 16)
    count=0
    if [ -n "$github_env" ]; then
        printf 'SIKKERKEY_HOME<<%s\n%s\n%s\n' "$delimiter" "$run" "$delimiter" >>"$work/variables"
    else
        printf "export SIKKERKEY_HOME='%s'\n" "$(printf '%s\n' "$run" | shell_quote)" >>"$work/variables"
    fi
    while read -r name field value; do
        variable=$(printf '%s' "${name#:}" | decode | env_name)
        if [ "$field" != - ]; then
            field=$(printf '%s' "${field#:}" | decode | env_name)
            variable=${variable:+${field:+${variable}_$field}}
        fi
        case $variable in
            '')
                note "left out a secret named '$(readable "$name")': no variable name can be made of that name or its field's"
                continue
                ;;
        esac
        variable=$prefix$variable
        case $variable in
            [0-9]*)
                note "left out $variable: a variable name cannot start with a digit"
                continue
                ;;
        esac
        if has_meaning "$variable"; then
            note "left out $variable: shells and other programs give this name a meaning; rename the secret, or set SIKKERKEY_PREFIX"
            continue
        fi
        printf '%s' "${value#:}" | decode >"$work/value" || fail 'the answer with the secrets cannot be read'
        if [ "$(tr -cd '\000' <"$work/value" | wc -c)" -gt 0 ]; then
            note "left out $variable: a variable cannot hold a zero byte"
            continue
        fi
        if grep -qx "$variable" "$work/names"; then
            note "$variable comes from more than one secret: the last one counts"
        fi
        printf '%s\n' "$variable" >>"$work/names"
        add_variable "$variable"
        count=$((count + 1))
    done <"$work/rows"
}

# The text of row part $1 without control characters.
readable() {
    printf '%s' "${1#:}" | decode | tr -d '\000-\037\177'
}

hand_on() {
    if [ -n "$github_env" ]; then
        check_output "$github_env" GITHUB_ENV
        cat "$work/variables" >>"$github_env" || fail 'cannot write to GITHUB_ENV'
        note "$count variables are set for the next steps"
        return 0
    fi
    check_output "$env_file" SIKKERKEY_ENV_FILE
    staging=$(mktemp -d "${env_file%/*}/.sikkerkey.XXXXXX") || fail "cannot write to ${env_file%/*}"
    cat "$work/variables" >"$staging/env" || fail "cannot write to ${env_file%/*}"
    chmod 600 "$staging/env"
    mv -f "$staging/env" "$env_file" || fail "cannot write $env_file"
    rmdir "$staging"
    staging=
    note "$count variables are in $env_file; load them with:"
    printf ". '%s'\n" "$(printf '%s\n' "$env_file" | shell_quote)"
}

sikkerkey_main() {
    begin
    token=${SIKKERKEY_ENROLLMENT_TOKEN:-}
    unset SIKKERKEY_ENROLLMENT_TOKEN
    [ -n "$token" ] ||
        fail 'SIKKERKEY_ENROLLMENT_TOKEN is not set: put the enrollment token into the CI secret store under that name'
    matches "$token" 'ske_[A-Za-z0-9_-]{43}' ||
        fail 'SIKKERKEY_ENROLLMENT_TOKEN is malformed: it is ske_ and 43 characters, without quotes or spaces'
    project=${SIKKERKEY_PROJECT_ID:-}
    [ -z "$project" ] || matches "$project" '[A-Za-z0-9_-]{1,64}' || fail 'SIKKERKEY_PROJECT_ID is malformed'
    prefix=${SIKKERKEY_PREFIX:-}
    [ -z "$prefix" ] || matches "$prefix" '[A-Za-z_][A-Za-z0-9_]{0,63}' ||
        fail 'SIKKERKEY_PREFIX is malformed: it is a letter or _, then letters, digits and _'
    check_curl
    find_base
    find_run
    find_destination
    find_reader
    make_key sign
    stage_key

    host=$(host_name 255)
    printf '{"token":"%s","publicKey":"%s","hostname":"%s"}' "$token" "$public_key" "$host" >"$work/body"
    token=
    register '__SIKKERKEY_API_URL__/v1/__SIKKERKEY_VAULT_ID__/enroll/register'
    [ "$vault_id" = '__SIKKERKEY_VAULT_ID__' ] || fail 'registration failed: the answer is for another vault'
    save_identity
    json_number expiresAt "$work/answer" >"$run/ended"
    unfinished=
    note "this job is machine $machine_name ($machine_id) of $vault_id; its folder is $run"

    export_secrets "$project"
    make_variables
    hand_on
}

sikkerkey_main "$@" </dev/null
