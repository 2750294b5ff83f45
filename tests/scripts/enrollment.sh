# What the enrollment script does.
# shellcheck shell=bash disable=SC2016  # dollars in single quotes are texts for other shells, or test data

# Loads file $1 in the shell under test and compares the variables.
loads_right() {
    local python
    python=$(python3 -c 'import sys; print(sys.executable)')
    (cd "$work/elsewhere" && env -i PYTHONDONTWRITEBYTECODE=1 "${command[@]}" -c '. "$1"; exec "$2" "$3" environment' \
        shell "$1" "$python" "$here/compare_env.py") && is_empty "$work/elsewhere"
}

test_init() {
    local reader=$1 label="$shell with $1: init" dir
    rm -f "$tools/jq" "$tools/python3" "$tools/node"
    add_reader "$tools" "$reader"

    fresh
    run_init
    dir=$(run_folder)
    check "$label: succeeds" is "$status" 0
    check "$label: the server is content with what arrived" server_is_content
    check "$label: the whole vault is asked for, with an empty body" is "$(state .last.exportBody)" ''
    check "$label: files and modes" is "$(modes_of "$work/home")" "$(sed '4a600 f .sikkerkey/runs/RUN/env' <<<"$INIT_MODES")"
    check "$label: identity and key are right" identity_is_right "$dir/vaults/$VAULT"
    check "$label: the variables survive through . env" loads_right "$dir/env"
    check "$label: says how to load them" is "$(cat "$work/out")" ". '$dir/env'"
    check "$label: warns about what it leaves out" python3 "$here/compare_env.py" warnings "$work/err"
    check "$label: prints no value" python3 "$here/compare_env.py" quiet "$work/out" "$work/err"
    check "$label: no secret in any program's arguments" arguments_are_clean
    check "$label: the temporary directory is empty" is_empty "$work/tmp"

    fresh
    echo EARLIER=kept >"$work/github-env"
    settings+=(GITHUB_ENV="$work/github-env" SIKKERKEY_PROJECT_ID=proj_0123456789)
    run_init
    check "$label on GitHub: succeeds" is "$status" 0
    check "$label on GitHub: the project is asked for" is "$(state .last.exportBody)" '{"projectId":"proj_0123456789"}'
    check "$label on GitHub: the server is content with what arrived" server_is_content
    check "$label on GitHub: variables and masks" python3 "$here/compare_env.py" github "$work/github-env" "$work/out"
    check "$label on GitHub: standard error has no value" python3 "$here/compare_env.py" quiet "$work/err"
    check "$label on GitHub: no secret in any program's arguments" arguments_are_clean
    check "$label on GitHub: no file with the values but GITHUB_ENV" \
        keeps_only "$INIT_MODES"

    fresh '{"export":[{"status":200,"body":{"nonsense":1}}]}'
    run_init
    check "$label: an answer without secrets is an error" stopped 'the answer with the secrets cannot be read'
}

test_init_details() {
    local bad case first
    fresh '{"export":[{"status":503,"body":{"error":"sealed"}}]}'
    run_init
    check "$shell: init: after a 503 it tries again" is "$status:$(state '.requests | length')" 0:3
    check "$shell: init: after a 503 the request is signed anew" server_is_content
    fresh '{"export":[{"status":200,"body":{"secrets":[]}}]}'
    run_init
    check "$shell: init: no secrets is no error" is "$status:$(wc -l <"$(run_folder)/env")" 0:1
    check "$shell: init: no secrets is said" holds "$work/err" '0 variables'
    fresh
    : >"$work/home/my env"
    settings+=(SIKKERKEY_ENV_FILE="$work/home/my env" SIKKERKEY_HOME="$work/home/id")
    run_init
    check "$shell: init: SIKKERKEY_ENV_FILE and SIKKERKEY_HOME are used" \
        keeps_only "${INIT_MODES//.sikkerkey/id}"$'\n600 f my env'
    check "$shell: init: the variables in SIKKERKEY_ENV_FILE are right" loads_right "$work/home/my env"
    check "$shell: init: the printed line loads them" \
        "${command[@]}" -c "$(cat "$work/out")"'; [ "$API_KEY" = k-123456 ]'
    fresh
    settings+=(SIKKERKEY_ENV_FILE=vars)
    run_init
    check "$shell: init: a relative SIKKERKEY_ENV_FILE is in the working directory" \
        is "$(cat "$work/out")" ". '$work/elsewhere/vars'"
    rm -f "$work/elsewhere/vars"

    fresh
    enrollment_token='' run_init
    check "$shell: init without a token: says so, leaves nothing" refused 'SIKKERKEY_ENROLLMENT_TOKEN is not set'
    for bad in "${ENROLLMENT_TOKEN%?}" "${ENROLLMENT_TOKEN}x" "skx${ENROLLMENT_TOKEN#ske}" "${ENROLLMENT_TOKEN%?}\"" "$ENROLLMENT_TOKEN "; do
        fresh
        enrollment_token=$bad run_init
        check "$shell: init with the token '${bad:0:4}...${bad: -3}': refused" \
            refused_unasked 'SIKKERKEY_ENROLLMENT_TOKEN is malformed'
    done
    fresh
    settings+=(SIKKERKEY_PROJECT_ID='p"x')
    run_init
    check "$shell: init with a malformed project: refused" refused_unasked 'SIKKERKEY_PROJECT_ID is malformed'
    for case in 401:'Authentication failed' 403:'Hostname not allowed' 409:'Enrollment token is used up'; do
        fresh "{\"register\":{\"status\":${case%%:*},\"body\":{\"error\":\"${case#*:}\"}}}"
        run_init
        check "$shell: init refused with ${case%%:*}: shows the server's error" refused "registration failed: ${case#*:}"
    done
    fresh '{"answer":{"vaultId":"vault_other"}}'
    run_init
    check "$shell: init answered for another vault: refused" refused 'registration failed: the answer is for another vault'
    fresh '{"export":[{"status":423,"body":{"error":"Project is frozen"}}]}'
    run_init
    check "$shell: init: an export that is refused shows the server's error" \
        stopped 'fetching the secrets failed: Project is frozen'
    fresh
    settings+=(GITHUB_ENV="$work/nowhere")
    run_init
    check "$shell: init with a GITHUB_ENV that is not there: refused" refused_unasked 'GITHUB_ENV names no file'
    fresh
    settings+=(SIKKERKEY_ENV_FILE="$work/nowhere/env")
    run_init
    check "$shell: init with a SIKKERKEY_ENV_FILE that cannot be: refused" refused_unasked 'SIKKERKEY_ENV_FILE is in a directory'
    fresh
    settings+=(SIKKERKEY_ENV_FILE="$work")
    run_init
    check "$shell: init with a SIKKERKEY_ENV_FILE that is a directory: refused" \
        refused_unasked 'SIKKERKEY_ENV_FILE names something that is no regular file'

    # Where somebody else may have put something: a link, a pipe.
    : >"$work/elsewhere/real"
    ln -s real "$work/elsewhere/link"
    ln -s nowhere "$work/elsewhere/dangling"
    mkfifo "$work/elsewhere/pipe"
    for bad in link dangling pipe; do
        for case in SIKKERKEY_ENV_FILE GITHUB_ENV; do
            fresh
            settings+=("$case=$work/elsewhere/$bad")
            run_init
            check "$shell: init with a $case that is a $bad: refused" refused_unasked "$case names something that is no regular file"
        done
    done
    check "$shell: init wrote nothing through a link" is "$(cat "$work/elsewhere/real")" ''
    rm "$work/elsewhere/real" "$work/elsewhere/link" "$work/elsewhere/dangling" "$work/elsewhere/pipe"

    fresh
    settings+=(SIKKERKEY_PREFIX=app_)
    run_init
    check "$shell: init with a prefix: it is before every name" is "$(grep -c '^export app_' "$(run_folder)/env")" \
        "$(($(grep -c '^export ' "$(run_folder)/env") - 1))"
    check "$shell: init with a prefix: names that would steer are only names" \
        grep -qx "export app_BASH_ENV='touch INJECTED'" "$(run_folder)/env"
    for bad in 1a 'a b' 'a=b' 'a;' "a'"; do
        fresh
        settings+=(SIKKERKEY_PREFIX="$bad")
        run_init
        check "$shell: init with the prefix '$bad': refused" refused_unasked 'SIKKERKEY_PREFIX is malformed'
    done
    fresh
    settings+=(SIKKERKEY_PREFIX=LD_)
    run_init
    check "$shell: init with a prefix that steers: all are left out" is "$(grep -c '^export LD_' "$(run_folder)/env")" 0

    # Two jobs of one user: each has a folder and a file of its own, and neither replaces the other's identity.
    fresh
    run_init
    first=$(run_folder)
    run_init
    check "$shell: init twice: two folders" is "$(echo "$work/home/.sikkerkey/runs/"* | wc -w)" 2
    check "$shell: init twice: each loads its own" \
        "${command[@]}" -c ". '$first/env'; [ \"\$SIKKERKEY_HOME\" = '$first' ] && [ \"\$API_KEY\" = k-123456 ]"
    check "$shell: init twice: the second is whole" is "$(tail -n 1 "$work/out" | grep -c runs/)" 1
    settings+=(SIKKERKEY_HOME="$first")
    run_init
    check "$shell: init again in one job: its folder is beside the first" is "$(echo "$work/home/.sikkerkey/runs/"* | wc -w)" 3
    unset 'settings[-1]' 'settings[-1]'
    # The first machine has ended: its folder goes with the next run.
    echo 1 >"$first/ended"
    run_init
    check "$shell: init after a run has ended: its folder is removed" is "$([ -e "$first" ] || echo gone)" gone
    check "$shell: init after a run has ended: the others stay" is "$(echo "$work/home/.sikkerkey/runs/"* | wc -w)" 3

    fresh
    : >"$work/home/file"
    settings+=(SIKKERKEY_HOME="$work/home/file/below")
    run_init
    rm -f "$work/home/file"
    check "$shell: init with a home that cannot be: says so before the token is spent" refused_unasked 'cannot write to'

    fresh
    cp -r "$tools" "$work/tools-nosign"
    fake_openssl "$work/tools-nosign" sign
    settings+=(PATH="$work/tools-nosign")
    run_init
    check "$shell: init with an openssl that cannot sign: refused" refused_unasked 'this openssl cannot do Ed25519'
    rm -r "$work/tools-nosign"
    rm -f "$tools/jq" "$tools/python3" "$tools/node"
    fresh
    run_init
    check "$shell: init without jq, python3 and node: refused" refused_unasked 'jq, python3 or node is needed'
    for bad in jq python3; do
        printf '#!/bin/sh\nexit 127\n' >"$tools/$bad"
        chmod +x "$tools/$bad"
    done
    add_reader "$tools" node
    fresh
    run_init
    check "$shell: init passes over a jq and a python3 that do not work" is "$status" 0
}
