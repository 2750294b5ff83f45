#!/bin/sh
# Gives this machine a SikkerKey identity:  curl -sSL URL | sh   (Linux and macOS, no root needed)
#
# Sent by the server after common.sh, as one text; see there. Makes a keypair here, registers the public half with a
# single-use token, and writes identity.json and private.pem under ~/.sikkerkey (or SIKKERKEY_HOME). The private half
# never leaves this machine. Running it again for the same vault replaces the identity.
# shellcheck disable=SC2154  # machine_id, machine_name, fingerprint and so on are set by common.sh

sikkerkey_main() {
    begin
    check_bootstrap_token '__SIKKERKEY_TOKEN__'
    check_curl
    find_base
    find_staging
    make_key key
    stage_key
    register_bootstrap '__SIKKERKEY_TOKEN__' "$(host_name 255)"
    save_identity

    cat <<END
This machine is registered with SikkerKey and waits for approval.

  machine      $machine_name
  id           $machine_id
  vault        $vault_id
  fingerprint  $fingerprint
  identity     $vault_dir/identity.json

END
    say_next "$machine_id"
}

sikkerkey_main "$@" </dev/null
