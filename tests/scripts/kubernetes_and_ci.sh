# The bootstrap scripts for Kubernetes and for CI.
# shellcheck shell=bash disable=SC2016  # dollars in single quotes are texts for other shells, or test data

# Runs the printed command with a kubectl that shows what it was given, and compares.
kubectl_gets_the_identity() {
    local given=$work/kubectl-given
    mkdir -p "$work/kubectl-bin" "$given"
    cat >"$work/kubectl-bin/kubectl" <<'END'
#!/bin/bash
given=$(dirname "$0")/../kubectl-given
printf '%s\n' "$*" >"$given/arguments"
[ "$1 $2 $3 $4" = 'create secret generic sikkerkey-identity' ] || exit 1
shift 4
for option in "$@"; do
    case $option in
        --from-literal=*=*) option=${option#*=}; printf '%s' "${option#*=}" >"$given/${option%%=*}" ;;
        --from-file=*=*) option=${option#*=}; cat "${option#*=}" >"$given/${option%%=*}" ;;
        *) exit 1 ;;
    esac
done
END
    chmod +x "$work/kubectl-bin/kubectl"
    PATH=$work/kubectl-bin:/usr/bin:/bin "${command[@]}" "$work/out" || return 1
    is "$(cd "$given" && echo ./*)" './api-url ./arguments ./machine-id ./machine-name ./private-key ./vault-id' &&
        is "$(cat "$given/vault-id")" "$VAULT" &&
        is "$(cat "$given/machine-id")" "$(state .last.machineId)" &&
        is "$(cat "$given/machine-name")" "$(state .last.machineName)" &&
        is "$(cat "$given/api-url")" "$reads" &&
        is "$(openssl pkey -in "$given/private-key" -pubout -outform DER | tail -c 32 | base64)" "$(state .last.publicKey)" &&
        holds_not "$given/arguments" "$(sed -n 2p "$given/private-key")" || return 1
    rm -r "$given" "$work/kubectl-bin"
}

test_kubernetes() {
    fresh '{"answer":{"machineName":"it'\''s $(id) `x` !"}}'
    settings+=(HOSTNAME=node-1)
    run_bootstrap /k8s
    check "$shell: kubernetes: succeeds" is "$status" 0
    check "$shell: kubernetes: the server is content with what arrived" server_is_content
    check "$shell: kubernetes: registers as k8s-HOST" is "$(state .last.hostname)" k8s-node-1
    check "$shell: kubernetes: the printed command makes the five keys" kubectl_gets_the_identity
    check "$shell: kubernetes: keeps nothing" keeps_nothing
    check "$shell: kubernetes: no secret in any program's arguments" arguments_are_clean
    check "$shell: kubernetes: names the next step" holds "$work/err" 'approve the machine'
    fresh
    settings+=(HOSTNAME="$(printf 'h%.0s' {1..400})")
    run_bootstrap /k8s
    check "$shell: kubernetes: a long host name is cut to 255 with the prefix" is "$(state '.last.hostname | length')" 255
    fresh '{"register":{"status":401,"body":{"error":"Authentication failed"}}}'
    run_bootstrap /k8s
    check "$shell: kubernetes refused: shows the server's error" refused 'registration failed: Authentication failed'
}

ci_prints_the_identity() {
    is "$(sed -n 1,4p "$work/out")" "SIKKERKEY_API_URL=$reads
SIKKERKEY_VAULT_ID=$VAULT
SIKKERKEY_MACHINE_ID=$(state .last.machineId)
SIKKERKEY_PRIVATE_KEY:" &&
        is "$(wc -l <"$work/out")" 7 &&
        is "$(sed -n 5,7p "$work/out" | openssl pkey -pubout -outform DER | tail -c 32 | base64)" "$(state .last.publicKey)"
}

test_ci() {
    fresh
    run_bootstrap /ci
    check "$shell: ci: succeeds" is "$status" 0
    check "$shell: ci: the server is content with what arrived" server_is_content
    check "$shell: ci: prints vault id, machine id and key" ci_prints_the_identity
    check "$shell: ci: keeps nothing" keeps_nothing
    check "$shell: ci: no secret in any program's arguments" arguments_are_clean
    fresh '{"register":{"status":401,"body":{"error":"Authentication failed"}}}'
    run_bootstrap /ci
    check "$shell: ci refused: shows the server's error" refused 'registration failed: Authentication failed'
}
