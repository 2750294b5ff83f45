# Gives this machine a SikkerKey identity:  irm URL | iex   (Windows PowerShell 5.1, PowerShell 7, no administrator)
#
# The server replaces the placeholders (two underscores on each side) SIKKERKEY_API_URL and SIKKERKEY_TOKEN. Makes a
# keypair here with openssl, registers the public half with a single-use token, and writes identity.json and
# private.pem under ~/.sikkerkey (or SIKKERKEY_HOME), readable by this user only. The private half never leaves this
# machine. Running it again for the same vault replaces the identity.
#
# Everything is inside one block that starts only when the whole text has arrived, and that leaves no function or
# setting behind in the session. Problems are thrown: `exit` would close the window of the person who ran it.

& {
    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'

    $apiUrl = '__SIKKERKEY_API_URL__'
    $token = '__SIKKERKEY_TOKEN__'
    $onWindows = [Environment]::OSVersion.Platform -eq [PlatformID]::Win32NT
    $utf8 = New-Object System.Text.UTF8Encoding $false

    function Stop-WithReason([string] $reason) {
        throw "sikkerkey: $reason"
    }

    # Runs a program and says whether it succeeded. Its error output is dropped: Windows PowerShell would turn it into
    # a script error of its own.
    function Test-Run([string] $program, [string[]] $arguments) {
        $ErrorActionPreference = 'Continue'
        & $program @arguments 2>$null | Out-Null
        return $LASTEXITCODE -eq 0
    }

    # Lets only this user at a file or directory.
    function Protect-Path([string] $path) {
        $isDirectory = Test-Path -LiteralPath $path -PathType Container
        if ($onWindows) {
            $user = [System.Security.Principal.WindowsIdentity]::GetCurrent().User.Value
            $grant = if ($isDirectory) { "*${user}:(OI)(CI)F" } else { "*${user}:F" }
            $done = Test-Run 'icacls' @($path, '/inheritance:r', '/grant:r', $grant)
        } else {
            $mode = if ($isDirectory) { '700' } else { '600' }
            $done = Test-Run 'chmod' @($mode, $path)
        }
        if (-not $done) { Stop-WithReason "cannot restrict access to $path" }
    }

    function New-PrivateDirectory([string] $path) {
        [System.IO.Directory]::CreateDirectory($path) | Out-Null
        Protect-Path $path
    }

    # A text property of the server's answer, or an empty string.
    function Read-Property($answer, [string] $name) {
        if ($null -eq $answer) { return '' }
        $property = $answer.PSObject.Properties[$name]
        if ($null -eq $property -or $property.Value -isnot [string]) { return '' }
        return $property.Value
    }

    # What the server said about a failed request: its error text if there is one, else the status.
    function Read-Failure($record) {
        $text = ''
        if ($null -ne $record.ErrorDetails) { $text = [string] $record.ErrorDetails.Message }
        $response = $null
        $property = $record.Exception.PSObject.Properties['Response']
        if ($null -ne $property) { $response = $property.Value }
        if ($text -eq '' -and $response -is [System.Net.HttpWebResponse]) {
            $reader = New-Object System.IO.StreamReader $response.GetResponseStream()
            try { $text = $reader.ReadToEnd() } finally { $reader.Dispose() }
        }
        $said = ''
        try { $said = Read-Property (ConvertFrom-Json $text) 'error' } catch { $said = '' }
        if ($said -ne '') { return ($said -replace '[\x00-\x1f\x7f]', ' ') }
        if ($null -ne $response) { return "the server answered with HTTP status $([int] $response.StatusCode)" }
        return "no answer from the server ($($record.Exception.Message))"
    }

    # The first openssl that can make an Ed25519 key, which it leaves in $keyPath. The Windows package does not put
    # itself on the PATH.
    function New-Key([string] $keyPath) {
        $candidates = @('openssl')
        if ($onWindows) {
            $candidates += Join-Path $env:ProgramFiles 'OpenSSL-Win64\bin\openssl.exe'
            $candidates += Join-Path $env:ProgramFiles 'Git\usr\bin\openssl.exe'
        } else {
            $candidates += '/opt/homebrew/opt/openssl@3/bin/openssl'
            $candidates += '/usr/local/opt/openssl@3/bin/openssl'
        }
        $seen = $false
        foreach ($candidate in $candidates) {
            if ($null -eq (Get-Command $candidate -CommandType Application -ErrorAction SilentlyContinue)) { continue }
            $seen = $true
            if (Test-Run $candidate @('genpkey', '-algorithm', 'Ed25519', '-out', $keyPath)) { return $candidate }
        }
        $install = if ($onWindows) { 'winget install ShiningLight.OpenSSL' } else { 'apt-get install openssl, brew install openssl@3' }
        if ($seen) { Stop-WithReason "this openssl cannot do Ed25519: install OpenSSL 3 ($install)" }
        Stop-WithReason "openssl is missing: install OpenSSL 3 ($install)"
    }

    if ($token -cnotmatch '\A[0-9a-f]{64}\z') {
        Stop-WithReason 'the bootstrap token is malformed: make a new one in the dashboard and copy the whole command'
    }

    $base = if ($env:SIKKERKEY_HOME) { $env:SIKKERKEY_HOME } else { Join-Path $HOME '.sikkerkey' }
    $base = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($base)
    $work = Join-Path ([System.IO.Path]::GetTempPath()) ('sikkerkey-' + [Guid]::NewGuid().ToString('N'))
    $staging = ''
    $made = @()

    try {
        New-PrivateDirectory $work
        $keyPath = Join-Path $work 'private.pem'
        $publicPath = Join-Path $work 'public.der'
        $openssl = New-Key $keyPath

        # 48 bytes of PKCS#8 version 1, and nothing around them: clients accept no other form.
        $pem = [System.IO.File]::ReadAllText($keyPath)
        $head = ''
        if ($pem -cmatch '\A-----BEGIN PRIVATE KEY-----\r?\n([A-Za-z0-9+/]{64})\r?\n-----END PRIVATE KEY-----\r?\n\z') {
            $head = [System.BitConverter]::ToString([Convert]::FromBase64String($Matches[1]), 0, 16)
        }
        if ($head -ne '30-2E-02-01-00-30-05-06-03-2B-65-70-04-22-04-20') {
            Stop-WithReason 'openssl made a private key in an unexpected form: install OpenSSL 3'
        }

        # The raw key is the last 32 of the 44 bytes of the SubjectPublicKeyInfo.
        if (-not (Test-Run $openssl @('pkey', '-in', $keyPath, '-pubout', '-outform', 'DER', '-out', $publicPath))) {
            Stop-WithReason 'openssl cannot write the public key: install OpenSSL 3'
        }
        $public = [System.IO.File]::ReadAllBytes($publicPath)
        if ($public.Length -ne 44) {
            Stop-WithReason 'openssl wrote a public key in an unexpected form: install OpenSSL 3'
        }

        $sha256 = [System.Security.Cryptography.SHA256]::Create()
        try { $hash = $sha256.ComputeHash($public, 12, 32) } finally { $sha256.Dispose() }
        $fingerprint = 'SHA256:' + [Convert]::ToBase64String($hash).TrimEnd('=')

        # The key is made ready beside its target before a token is spent: a directory that cannot be written costs none.
        $vaultsDirectory = Join-Path $base 'vaults'
        $staging = Join-Path $vaultsDirectory ('.new.' + [Guid]::NewGuid().ToString('N'))
        $stagedKey = Join-Path $staging 'private.pem'
        $stagedIdentity = Join-Path $staging 'identity.json'
        try {
            foreach ($directory in @($base, $vaultsDirectory)) {
                if (-not (Test-Path -LiteralPath $directory)) { $made = @($directory) + $made }
            }
            [System.IO.Directory]::CreateDirectory($base) | Out-Null
            # A directory that the person named keeps its rights: it may be one they share on purpose.
            if (-not $env:SIKKERKEY_HOME) { Protect-Path $base }
            New-PrivateDirectory $vaultsDirectory
            New-PrivateDirectory $staging
            [System.IO.File]::WriteAllText($stagedKey, $pem, $utf8)
            [System.IO.File]::WriteAllText($stagedIdentity, (' ' * 1024), $utf8)
            Protect-Path $stagedKey
            Protect-Path $stagedIdentity
        } catch {
            Stop-WithReason "cannot write to $base ($($_.Exception.Message))"
        }

        $hostname = [Environment]::MachineName -creplace '[^A-Za-z0-9._-]', '-'
        if ($hostname.Length -gt 255) { $hostname = $hostname.Substring(0, 255) }
        if ($hostname -eq '') { $hostname = 'unnamed' }
        $body = ConvertTo-Json -Compress ([ordered] @{
            publicKey = [Convert]::ToBase64String($public, 12, 32)
            hostname = $hostname
        })

        if ($PSVersionTable.PSVersion.Major -lt 6) {
            # Old Windows would not offer TLS 1.2 by itself.
            [System.Net.ServicePointManager]::SecurityProtocol =
                [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
        }
        $answer = $null
        $failure = ''
        try {
            $answer = Invoke-RestMethod -Method Post -Uri "$apiUrl/v1/bootstrap/$token/register" -UseBasicParsing `
                -ContentType 'application/json' -Body ($utf8.GetBytes($body)) -TimeoutSec 30 -MaximumRedirection 0
        } catch {
            $failure = Read-Failure $_
        }
        if ($failure -ne '') { Stop-WithReason "registration failed: $failure" }

        # Every part is checked before it is used in a path or a file.
        $machineId = Read-Property $answer 'machineId'
        $machineName = Read-Property $answer 'machineName'
        $vaultId = Read-Property $answer 'vaultId'
        $readUrl = Read-Property $answer 'apiUrl'
        if ($machineId -cnotmatch '\A[A-Za-z0-9-]{1,64}\z') {
            Stop-WithReason 'registration failed: the answer has no valid machine id'
        }
        if ($vaultId -cnotmatch '\Avault_[a-z0-9]{1,64}\z') {
            Stop-WithReason 'registration failed: the answer has no valid vault id'
        }
        if ($machineName -eq '' -or $machineName -match '[\x00-\x1f\x7f]') { $machineName = $hostname }
        if ($readUrl -eq '') { $readUrl = $apiUrl }
        # What published clients accept: https, or http to localhost; no path, no slash at the end.
        if ($readUrl -cnotmatch '\A(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://localhost)(:[0-9]{1,5})?\z') {
            Stop-WithReason 'registration failed: the answer has no valid API address'
        }

        # Both files are ready beside their targets and are renamed one after the other.
        $vaultDirectory = Join-Path $vaultsDirectory $vaultId
        $identityTarget = Join-Path $vaultDirectory 'identity.json'
        $keyTarget = Join-Path $vaultDirectory 'private.pem'
        try {
            New-PrivateDirectory $vaultDirectory
            $identity = ConvertTo-Json -Compress ([ordered] @{
                machineId = $machineId
                machineName = $machineName
                vaultId = $vaultId
                apiUrl = $readUrl
                privateKeyPath = $keyTarget
            })
            [System.IO.File]::WriteAllText($stagedIdentity, $identity + "`n", $utf8)
            Move-Item -LiteralPath $stagedKey -Destination $keyTarget -Force
            Move-Item -LiteralPath $stagedIdentity -Destination $identityTarget -Force
        } catch {
            Stop-WithReason ("the machine is registered, but its identity cannot be written to $vaultDirectory " +
                "($($_.Exception.Message)): correct that, then run again with a new token")
        }

        Write-Host 'This machine is registered with SikkerKey and waits for approval.'
        Write-Host ''
        Write-Host "  machine      $machineName"
        Write-Host "  id           $machineId"
        Write-Host "  vault        $vaultId"
        Write-Host "  fingerprint  $fingerprint"
        Write-Host "  identity     $identityTarget"
        Write-Host ''
        Write-Host 'Next, compare the fingerprint, approve the machine, add it to a project, and grant it the secrets it needs: in the'
        Write-Host "dashboard, or without one by POST $readUrl/v1/manage/machines/$machineId/approve and what docs/onboarding.md says after it."
    } finally {
        foreach ($leftover in @($work, $staging)) {
            if ($leftover -ne '' -and (Test-Path -LiteralPath $leftover)) {
                Remove-Item -LiteralPath $leftover -Recurse -Force
            }
        }
        # Of the directories that this run made, those that stayed empty go again.
        foreach ($directory in $made) {
            if (-not (Test-Path -LiteralPath $directory)) { continue }
            if ([System.IO.Directory]::GetFileSystemEntries($directory).Length -eq 0) {
                Remove-Item -LiteralPath $directory -Force
            }
        }
    }
}
