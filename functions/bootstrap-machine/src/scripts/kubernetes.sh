#!/bin/sh
# Registers a SikkerKey machine for a Kubernetes cluster and prints the command that stores its identity there:
#   curl -sSL URL | sh
#
# Sent by the server after common.sh, as one text; see there. It applies nothing and keeps nothing: the command, with
# the private key in it, goes to standard output, everything else to standard error.
# shellcheck disable=SC2154  # work, machine_id, machine_name, fingerprint and so on are set by common.sh

# One option of the kubectl command, for key $1 and value $2.
literal() {
    printf "  --from-literal=%s='%s' \\\\\n" "$1" "$(printf '%s\n' "$2" | shell_quote)"
}

sikkerkey_main() {
    begin
    check_bootstrap_token '__SIKKERKEY_TOKEN__'
    check_curl
    make_key key
    register_bootstrap '__SIKKERKEY_TOKEN__' "k8s-$(host_name 251)"

    note "registered as $machine_name ($machine_id), waiting for approval"
    note "fingerprint of its key: $fingerprint"
    note 'run this command against the cluster; add -n NAMESPACE if the pods are not in the default one:'
    # The private key goes in through standard input, so that it is in no process list and no shell history line.
    printf 'kubectl create secret generic sikkerkey-identity \\\n'
    literal vault-id "$vault_id"
    literal machine-id "$machine_id"
    literal api-url "$api_url"
    literal machine-name "$machine_name"
    echo "  --from-file=private-key=/dev/stdin <<'END_OF_KEY'"
    cat "$work/private.pem"
    echo 'END_OF_KEY'
    note 'the private key is kept nowhere else: without it, register again with a new token'
    say_next "$machine_id" >&2
}

sikkerkey_main "$@" </dev/null
