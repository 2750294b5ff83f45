#!/bin/sh
# Registers a SikkerKey machine for a CI system and prints what to store there:  curl -sSL URL | sh
#
# Sent by the server after common.sh, as one text; see there. It keeps nothing: the values, the private key among them,
# go to standard output, everything else to standard error. Run it on your own computer, not in a logged CI job.
# shellcheck disable=SC2154  # work, machine_id, machine_name, fingerprint and so on are set by common.sh

sikkerkey_main() {
    begin
    check_bootstrap_token '__SIKKERKEY_TOKEN__'
    check_curl
    make_key key
    register_bootstrap '__SIKKERKEY_TOKEN__' "$(host_name 255)"

    note "registered as $machine_name ($machine_id), waiting for approval"
    note "fingerprint of its key: $fingerprint"
    note 'store these as secret variables of the CI system; the private key is everything from the BEGIN line to the END line:'
    printf '%s\n' "SIKKERKEY_API_URL=$api_url" "SIKKERKEY_VAULT_ID=$vault_id" "SIKKERKEY_MACHINE_ID=$machine_id"
    echo 'SIKKERKEY_PRIVATE_KEY:'
    cat "$work/private.pem"
    note 'the private key is kept nowhere else: without it, register again with a new token'
    say_next "$machine_id" >&2
}

sikkerkey_main "$@" </dev/null
