# What the bootstrap scripts do, and what stops them.
# shellcheck shell=bash disable=SC2016  # dollars in single quotes are texts for other shells, or test data

test_bootstrap() {
    local dir first
    fresh
    run_bootstrap
    dir=$work/home/.sikkerkey/vaults/$VAULT
    check "$shell: bootstrap: succeeds" is "$status" 0
    check "$shell: bootstrap: the server is content with what arrived" server_is_content
    check "$shell: bootstrap: files and modes" is "$(modes_of "$work/home")" "$EXPECTED_MODES"
    check "$shell: bootstrap: identity and key are right" identity_is_right "$dir"
    check "$shell: bootstrap: no secret in any program's arguments" arguments_are_clean
    check "$shell: bootstrap: the temporary directory is empty" is_empty "$work/tmp"
    check "$shell: bootstrap: standard error is empty" is "$(cat "$work/err")" ''
    check "$shell: bootstrap: names the machine" holds "$work/out" "$(state .last.machineId)"
    check "$shell: bootstrap: names the next step" holds "$work/out" 'approve the machine, add it to a project, and grant'
    check "$shell: bootstrap: does not print the key" holds_not "$work/out" "$(sed -n 2p "$dir/private.pem")"

    first=$(state .last.machineId)
    chmod 755 "$work/home/.sikkerkey" "$dir"
    chmod 644 "$dir/identity.json" "$dir/private.pem"
    mkdir "$dir/cache"
    run_bootstrap
    check "$shell: bootstrap again: succeeds" is "$status" 0
    check "$shell: bootstrap again: is another machine" is_not "$(state .last.machineId)" "$first"
    check "$shell: bootstrap again: the identity is the new one" identity_is_right "$dir"
    rmdir "$dir/cache"
    check "$shell: bootstrap again: files and modes, nothing else" is "$(modes_of "$work/home")" "$EXPECTED_MODES"
    cp -r "$work/home" "$work/before"

    scenario '{"register":{"status":401,"body":{"error":"Authentication failed"}}}'
    run_bootstrap
    check "$shell: bootstrap: a failed run fails" is "$status" 1
    check "$shell: bootstrap: a failed run leaves the old identity alone" diff -r "$work/before" "$work/home"
    rm -rf "$work/before"

    fresh
    dir="$work/home/a \"b\" \\c's \$d/vaults/$VAULT"
    settings+=(SIKKERKEY_HOME="${dir%/vaults/*}/")
    mkdir -m 755 "${dir%/vaults/*}"
    run_bootstrap
    check "$shell: bootstrap: SIKKERKEY_HOME with spaces and quotes" identity_is_right "$dir"
    check "$shell: bootstrap: an existing SIKKERKEY_HOME keeps its mode" is "$(stat -c %a "${dir%/vaults/*}")" 755

    fresh
    settings+=(SIKKERKEY_HOME=relative/dir)
    run_bootstrap
    check "$shell: bootstrap: a relative SIKKERKEY_HOME becomes absolute" \
        identity_is_right "$work/elsewhere/relative/dir/vaults/$VAULT"
    rm -r "$work/elsewhere/relative"

    fresh
    settings+=(HOSTNAME=$'we"ird\\ $(id) n\xc3\xa4me\nx')
    run_bootstrap
    check "$shell: bootstrap: an odd host name is made plain" is "$(state .last.hostname)" 'we-ird----id--n--me-x'
    fresh
    settings+=(HOSTNAME="$(printf 'h%.0s' {1..400})")
    run_bootstrap
    check "$shell: bootstrap: a long host name is cut to 255" is "$(state '.last.hostname | length')" 255
    fresh
    mkdir "$work/tmp/t m'p"
    settings+=(TMPDIR="$work/tmp/t m'p")
    run_bootstrap
    check "$shell: bootstrap: a TMPDIR with a space and a quote" identity_is_right "$work/home/.sikkerkey/vaults/$VAULT"

    fresh '{"answer":{"machineName":"b\u00e5d \"name\""}}'
    run_bootstrap
    check "$shell: bootstrap: a machine name with quotes does not break the identity" \
        jq -e '(keys | length) == 5' "$work/home/.sikkerkey/vaults/$VAULT/identity.json"
    fresh '{"answer":{"machineName":"bl\u00e5\\"}}'
    run_bootstrap
    check "$shell: bootstrap: a machine name with a backslash does not break the identity" \
        jq -e '(keys | length) == 5' "$work/home/.sikkerkey/vaults/$VAULT/identity.json"
    fresh '{"answer":{"apiUrl":null}}'
    run_bootstrap
    check "$shell: bootstrap: without apiUrl in the answer its own address counts" \
        is "$(jq -r .apiUrl "$work/home/.sikkerkey/vaults/$VAULT/identity.json")" "$mock"
}

test_bootstrap_errors() {
    local case bad

    for case in 'openssl:openssl is missing: install OpenSSL 3' 'curl:curl is missing: install it'; do
        fresh
        cp -r "$tools" "$work/tools-less"
        rm "$work/tools-less/${case%%:*}"
        settings+=(PATH="$work/tools-less")
        run_bootstrap
        check "$shell: bootstrap without ${case%%:*}: says so in one line, leaves nothing" refused_unasked "${case#*:}"
        rm -r "$work/tools-less"
    done

    fresh
    cp -r "$tools" "$work/tools-libre"
    fake_openssl "$work/tools-libre"
    settings+=(PATH="$work/tools-libre")
    run_bootstrap
    check "$shell: bootstrap with LibreSSL: says so in one line, leaves nothing" refused_unasked 'this openssl cannot do Ed25519'
    rm -r "$work/tools-libre"

    for bad in "${TOKEN%?}" "${TOKEN}0" "${TOKEN%?}F" '' __SIKKERKEY''_TOKEN__; do
        fresh "{\"script_token\":\"$bad\"}"
        run_bootstrap
        check "$shell: bootstrap with the bad token '${bad:0:12}' of ${#bad}: says so, leaves nothing" \
            refused_unasked 'the bootstrap token is malformed'
    done

    fresh '{"register":{"status":401,"body":{"error":"Authentication failed"}}}'
    run_bootstrap
    check "$shell: bootstrap refused: shows the server's error" refused 'registration failed: Authentication failed'
    fresh '{"register":{"status":403,"body":{"error":"a \"quoted\" \\ \u001b[31m/text\n::x"}}}'
    run_bootstrap
    check "$shell: bootstrap refused: an error with quotes and escapes is one clean line" one_line
    check "$shell: bootstrap refused: no escape sequence reaches the terminal" holds_not "$work/err" $'\e'
    check "$shell: bootstrap refused: the quotes of an error are readable" holds "$work/err" 'a "quoted" \ '
    fresh '{"register":{"status":502,"body":"<html>Bad gateway</html>"}}'
    run_bootstrap
    check "$shell: bootstrap refused without JSON: shows the status" \
        refused 'registration failed: the server answered with HTTP status 502'
    fresh '{"register":{"status":302,"body":""}}'
    run_bootstrap
    check "$shell: bootstrap redirected: is an error" refused 'registration failed: the server answered with HTTP status 302'
    fresh '{"register":{"status":200,"body":"hello"}}'
    run_bootstrap
    check "$shell: bootstrap with an answer that is not JSON" refused 'registration failed: the answer has no valid machine id'

    for bad in '../../etc' 'vault_A' 'vault_' 'vault_a/b' 'vault_a b' 'VAULT_A1' 'vault_a\nvault_b' '$(id)'; do
        fresh "{\"answer\":{\"vaultId\":\"$bad\"}}"
        run_bootstrap
        check "$shell: bootstrap answered with the vault id '$bad': refused" refused 'registration failed: the answer has no valid vault id'
    done
    for bad in '' '../x' 'a\"b' 'a\r\nX-Evil: 1'; do
        fresh "{\"answer\":{\"machineId\":\"$bad\"}}"
        run_bootstrap
        check "$shell: bootstrap answered with the machine id '$bad': refused" refused 'registration failed: the answer has no valid machine id'
    done
    for bad in 'http://example.com' 'https://example.com/' 'https://example.com/path' 'ftp://example.com' 'https://' \
        'http://localhost.example.com' 'https://u:p@example.com' 'https://example.com\"' 'https://a b'; do
        fresh "{\"answer\":{\"apiUrl\":\"$bad\"}}"
        run_bootstrap
        check "$shell: bootstrap answered with the address '$bad': refused" refused 'registration failed: the answer has no valid API address'
    done
    for bad in 'https://api.example.com' 'https://api.example.com:8443' 'https://[2001:db8::1]:443' 'http://localhost' 'http://localhost:80'; do
        fresh "{\"answer\":{\"apiUrl\":\"$bad\"}}"
        run_bootstrap
        check "$shell: bootstrap answered with the address '$bad': taken" \
            is "$status:$(jq -r .apiUrl "$work/home/.sikkerkey/vaults/$VAULT/identity.json")" "0:$bad"
    done

    fresh
    download "bootstrap/$TOKEN"
    sed -i "s#$mock#http://localhost:1#" "$work/script"
    piped
    check "$shell: bootstrap without a server: says so, leaves nothing" refused 'registration failed: no answer from the server'

    fresh
    settings=(TMPDIR="$work/tmp" PATH="$tools")
    run_bootstrap
    check "$shell: bootstrap without HOME: says so" refused 'HOME is not set'
    fresh
    : >"$work/tmp-file"
    settings+=(HOME="$work/tmp-file")
    run_bootstrap
    check "$shell: bootstrap with a HOME that cannot be written: says so before the token is spent" \
        refused_unasked "cannot write to $work/tmp-file"
    fresh
    settings+=(TMPDIR="$work/nowhere")
    run_bootstrap
    check "$shell: bootstrap without a temporary directory: says so" holds "$work/err" 'cannot make a temporary directory'
    fresh
    mkdir -p "$work/home/.sikkerkey/vaults/$VAULT/identity.json"
    run_bootstrap
    check "$shell: bootstrap over something that cannot be replaced: fails" is "$status" 1
    check "$shell: bootstrap over something that cannot be replaced: writes no key" \
        is "$(find "$work/home" -type f | wc -l)" 0
}

# A download that breaks off anywhere runs nothing.
test_truncated() {
    local route=$1 label=$2 total lines cut left
    fresh
    settings+=(SIKKERKEY_ENROLLMENT_TOKEN="$ENROLLMENT_TOKEN")
    download "$route"
    mv "$work/script" "$work/whole"
    total=$(wc -c <"$work/whole")
    left=
    # At each line end but the last, and inside the last line's first word.
    lines=$(head -c -1 "$work/whole" | grep -b '' | cut -d: -f1)
    for cut in $lines $((total - 24)) $((total - 18)); do
        head -c "$cut" "$work/whole" >"$work/script"
        (cd "$work/elsewhere" && env -i "${settings[@]}" "${command[@]}" <"$work/script" >/dev/null 2>&1)
        keeps_nothing >/dev/null || left="$left $cut"
    done
    check "$shell: $label cut off at any of $(wc -l <<<"$lines") places: writes nothing" is "$left" ''
    check "$shell: $label cut off: sends nothing" no_request
}

# Ctrl-C or a closed terminal while the server has not answered yet.
test_interrupted() {
    local signal pid held
    for signal in HUP:129 TERM:143; do
        fresh '{"hold":true}'
        download "bootstrap/$TOKEN"
        # A process group of its own, so that the signal reaches curl too, as it does from a terminal.
        setsid env -i "${settings[@]}" "${command[@]}" <"$work/script" >"$work/out" 2>"$work/err" &
        pid=$!
        held=$(curl -sS -o "$work/held" -w '%{http_code}' "$mock/_mock/held")
        kill -s "${signal%:*}" -- "-$pid"
        wait "$pid"
        status=$?
        scenario '{}'
        check "$shell: bootstrap ended by SIG${signal%:*} in mid-request: ends so" is "$held:$status" "200:${signal#*:}"
        check "$shell: bootstrap ended by SIG${signal%:*} in mid-request: leaves nothing" keeps_nothing
    done
}
