"""The page docs/rights.md: what each function may do, and what somebody who takes it over could do.

All of it is worked out from the roles. A right, an attribute or a function that has no words here is an error, so the
page is never short of one.
"""

import policy
import powers
import rights

# What rows are called.
ROWS = {
    ("table/accounts", "CEREMONY#*"): "ceremonies of passkeys",
    ("table/accounts", "CREDENTIAL#*"): "passkeys and second factors",
    ("table/accounts", "LINK#*"): "mailed links",
    ("table/accounts", "DEPLOYMENT"): "who owns the deployment",
    ("table/accounts", "EMAIL#*"): "e-mail addresses",
    ("table/accounts", "SESSION#*"): "sessions",
    ("table/accounts", "USER#*"): "people",
    ("table/accounts/index/by-owner", "USER#*"): "the sessions and mailed links of a person",
    ("table/agents", "AGENT#*"): "AI agents with their earlier names",
    ("table/agents", "AGENT-BOOTSTRAP#*"): "bootstrap tokens of AI agents",
    ("table/agents/index/by-owner", "VAULT#*"): "the AI agents of a vault",
    ("table/audit", "agent#*"): "nonces of AI agents, which are audit records where a call only looks",
    ("table/audit/index/by-agent", "AGENT#*"): "the audit records of an AI agent",
    ("table/audit", "machine#*"): "nonces of machines, which are audit records where a request is audited",
    ("table/audit", "record#*"): "audit records",
    ("table/audit/index/by-time", "vault_*"): "the audit records of a vault",
    ("table/values", "sk_*"): "sealed values",
    ("table/vault", "BOOTSTRAP#*"): "bootstrap tokens",
    ("table/vault", "BUNDLE#*"): "bundles",
    ("table/vault", "ENROLLMENT#*"): "enrollment tokens",
    ("table/vault", "ENROLLMENT-HASH#*"): "hashes of enrollment tokens",
    ("table/vault", "EXPIRY"): "what is due to expire",
    ("table/vault", "LOCKOUT#*"): "failures of source addresses",
    ("table/vault", "MACHINE#*"): "machines with their memberships, grants and earlier names",
    ("table/vault", "PROJECT#*"): "projects",
    ("table/vault", "PROJECTS"): "the list of projects",
    ("table/vault", "SECRET#*"): "secrets without their values",
    ("table/vault", "STATS#*"): "counts of reads",
    ("table/vault", "VAULT#*"): "vaults with their IP allowlists",
    ("table/vault/index/by-owner", "PROJECT#*"): "the secrets, members and grants of a project",
    ("table/vault/index/by-owner", "VAULT#*"): "the projects, machines and enrollment tokens of a vault",
}
# What is done to them, in the order in which it is told.
VERBS = {
    "dynamodb:GetItem": "read",
    "dynamodb:BatchGetItem": "read",
    "dynamodb:Query": "list",
    "dynamodb:ConditionCheckItem": "demand that there are",
    "dynamodb:PutItem": "write",
    "dynamodb:DeleteItem": "delete",
}
# What rows are called where a role names the attributes that may be put: by an attribute that no other kind has.
KINDS = {
    ("table/vault", "MACHINE#*", "addedAt"): "memberships",
    ("table/vault", "MACHINE#*", "grantedAt"): "grants",
    ("table/vault", "MACHINE#*", "from"): "earlier names of machines",
    ("table/vault", "MACHINE#*", "publicKey"): "machines",
}
# What an update may set, by the rows and the attribute. Those that an update only looks at count as set too.
UPDATES = {
    ("table/accounts", "SESSION#*", "lastUsedAt"): "when a session was last used",
    ("table/accounts", "CREDENTIAL#*", "confirmedAt"): "whether a second factor is asked for",
    ("table/accounts", "CREDENTIAL#*", "credential"): "the counter of a passkey",
    ("table/accounts", "CREDENTIAL#*", "lastStep"): "the last code that was taken",
    ("table/accounts", "CREDENTIAL#*", "lastUsedAt"): "when a passkey was last used",
    ("table/accounts", "CREDENTIAL#*", "lastWrongAt"): "when the last wrong code came",
    ("table/accounts", "CREDENTIAL#*", "name"): "the name of a passkey",
    ("table/accounts", "CREDENTIAL#*", "recoveryHashes"): "the hashes of recovery codes",
    ("table/accounts", "CREDENTIAL#*", "recoverySalt"): "the salt of recovery codes",
    ("table/accounts", "CREDENTIAL#*", "seed"): "the sealed seed of an authenticator app",
    ("table/accounts", "CREDENTIAL#*", "wrongCodes"): "how many wrong codes there were",
    ("table/accounts", "USER#*", "emailVerifiedAt"): "whether a person's address is verified",
    ("table/accounts", "USER#*", "passwordHash"): "a person's password hash",
    ("table/accounts", "USER#*", "sessionsSince"): "since when a person's sessions count",
    ("table/agents", "AGENT#*", "approved"): "whether an AI agent is approved",
    ("table/agents", "AGENT#*", "enabled"): "whether an AI agent is enabled",
    ("table/agents", "AGENT#*", "name"): "the name of an AI agent",
    ("table/agents", "AGENT#*", "projects"): "the projects an AI agent may see",
    ("table/agents", "AGENT#*", "scopes"): "what an AI agent may do",
    ("table/vault", "ENROLLMENT#*", "revoked"): "whether an enrollment token is revoked",
    ("table/vault", "ENROLLMENT#*", "uses"): "how often an enrollment token was used",
    ("table/vault", "LOCKOUT#*", "failures"): "the failures of a source address",
    ("table/vault", "LOCKOUT#*", "lockedUntil"): "until when a source address is locked out",
    ("table/vault", "LOCKOUT#*", "ttl"): "when the failures of a source address are dropped",
    ("table/vault", "MACHINE#*", "approved"): "whether a machine is approved",
    ("table/vault", "MACHINE#*", "delivered"): "which version a machine was last given",
    ("table/vault", "MACHINE#*", "enabled"): "whether a machine is enabled",
    ("table/vault", "MACHINE#*", "name"): "the name of a machine",
    ("table/vault", "PROJECT#*", "description"): "the description of a project",
    ("table/vault", "PROJECT#*", "frozen"): "whether a project is frozen",
    ("table/vault", "PROJECT#*", "name"): "the name of a project",
    ("table/vault", "PROJECT#*", "updatedAt"): "when a project was changed",
    ("table/vault", "SECRET#*", "deletedAt"): "whether a secret is in the trash",
    ("table/vault", "SECRET#*", "lastAccessedAt"): "when a secret was last delivered",
    ("table/vault", "SECRET#*", "name"): "the name of a secret",
    ("table/vault", "SECRET#*", "note"): "the note of a secret",
    ("table/vault", "SECRET#*", "updatedAt"): "when a secret was changed",
    ("table/vault", "SECRET#*", "version"): "which version of a secret is current",
    ("table/vault", "STATS#*", "denied"): "how many reads were refused in an hour",
    ("table/vault", "STATS#*", "hour"): "which hour is counted",
    ("table/vault", "STATS#*", "reads"): "how many reads there were in an hour",
    ("table/vault", "STATS#*", "ttl"): "when the counts of an hour are dropped",
    ("table/vault", "VAULT#*", "allowlist"): "the ranges of an IP allowlist",
    ("table/vault", "VAULT#*", "allowlistEnabled"): "whether an IP allowlist is on",
    ("table/vault", "VAULT#*", "label"): "the label of a range",
}
# An update names the row's own key among its attributes.
KEY_ATTRIBUTES = {"pk", "sk"}
KEY_USES = {
    ("kms:Decrypt", "project"): "unwrap the keys of projects",
    ("kms:Decrypt", "vault"): "unwrap the keys of vaults",
    ("kms:GenerateDataKeyWithoutPlaintext", "project"): "make keys for projects, wrapped and never seen",
    ("kms:GenerateDataKeyWithoutPlaintext", "vault"): "make keys for vaults, wrapped and never seen",
}
OTHERS = {
    ("lambda:InvokeFunction", "function/seal-secret"): "call `seal-secret`",
    ("lambda:InvokeFunction", "function/send-mail"): "ask `send-mail` for mail",
    ("ses:SendEmail", "identity"): "send mail from the deployment's address, by Amazon SES",
    (
        "sqs:SendMessage",
        "queue/dead-letters",
    ): "put events that failed into the queue of dead letters, which the Lambda service does",
}
FOLLOWS = set(rights.STREAM)
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
SESSIONS = "session cookies"
# What is in the requests and answers of a function. Whoever owns it sees that and can change it; no role prevents it.
PASSING = {
    "account": f"passwords, codes and recovery codes, and {SESSIONS}",
    "account-mail": f"new passwords, the tokens of mailed links, and {SESSIONS}",
    "account-passkeys": f"passwords where a passkey is added, answers of passkeys, and {SESSIONS}",
    "dashboard": "nothing; what its pages do in a browser is his to change, so whoever opens a mailed link gives it to him",
    "bootstrap-agent": "bootstrap tokens of AI agents. With one he can register an agent of his own, which stays pending "
    "until it is approved",
    "bootstrap-machine": "bootstrap tokens. With one he can register a machine of his own, which stays pending until "
    "a person approves it",
    "download-bundle": "links of bundles, and the private keys in them",
    "enroll-machine": "enrollment tokens. With one he can enroll machines, which read what the token grants",
    "export-secrets": "signed requests of machines, and the values in the answers",
    "list-secrets": "signed requests of machines, and the names of secrets in the answers",
    "count-reads": "audit records of reads, as they are written",
    "make-bundle": f"{SESSIONS}, and the links of new bundles",
    "manage-agents": f"{SESSIONS}, signed calls of AI agents, and new bootstrap tokens of AI agents",
    "manage-audit": f"{SESSIONS}, signed calls of AI agents, and the audit records in the answers",
    "manage-machines": f"{SESSIONS}, signed calls of AI agents, and new bootstrap tokens and enrollment tokens",
    "manage-projects": f"{SESSIONS}, and signed calls of AI agents",
    "manage-secrets": f"{SESSIONS}, signed calls of AI agents, and new values on their way to `seal-secret`",
    "poll-secrets": "signed requests of machines, and which secrets changed in the answers",
    "read-secret": "signed requests of machines, and the values in the answers",
    "seal-secret": "new values in clear, values that are rolled back or rotated in part, and the private keys of new bundles",
    "send-mail": "the links in mails, before they are sent",
    "sweep-expired": "nothing",
}

INTRODUCTION = """\
# What each function may do

Made from `infra/roles.yaml` by `tests/template/run --write`. The suite `template` fails when the two differ.

Each function has a role of its own, and the role grants what the function needs and no more. The suite compares the
roles with all calls that the functions make while the end-to-end suite runs: every call is allowed, every right is
used, and one right taken away or added fails. It also holds the roles to the table below.

The page supposes the worst: somebody, called "he" here, runs code of his own in one function, with its role. The other
functions go on checking what they check.

## What roles cannot prevent

- **Requests that pass through.** He sees every request that comes to the function, and answers it as he likes. What is
  in them is said for each function. A machine's signed request cannot be changed or used at another route. With a
  person's session he can do all that they can, and so give a machine of his own access to their values; their audit log
  shows it.
- **Writing means overwriting.** `PutItem` replaces a row whose key is known; IAM has no rule "only if it is new". In
  the audit table a record that is replaced shows as a change in the table's stream, where nothing else does.
- **Writing means reading.** DynamoDB can be asked to answer a write, or a check that fails, with the row that was
  there. So who may write or check rows may also read them, if he knows their keys.
- **A partition is the smallest thing a role can name.** A machine, its memberships and its grants are one partition, so
  who may read or delete one of them may do so with all. Where a role names the attributes that may be written, it
  keeps them apart: a row is refused if the role that reads it finds an attribute missing.
- **Vaults are not told apart.** A role does not know for whom a function works, so what it may do it may do in every
  vault. Most rows can only be asked for by id, and ids are random.
- **Memory.** A function that opens values keeps unwrapped project keys for up to five minutes, and some of them from
  its start.
- **Roles themselves.** Who may change roles, functions or the key's policy in the AWS account can do everything.
  CloudTrail records that.

"Values" are what secrets hold. The rows of secrets in the table `vault` have names, notes and field names, and no
values.
"""


def write(of):
    """The page."""
    parts = [INTRODUCTION, _table(of)]
    for name in sorted(of.functions):
        parts.append(_section(of, of.functions[name]))
    return "\n".join(parts)


def _table(of):
    lines = ["## Who could do what", "", "| he could | if he owned |", "|---|---|"]
    held = {name: powers.held_by(of.statements(name)) for name in of.functions}
    for power in powers.POWERS:
        names = [f"`{name}`" for name in sorted(of.functions) if power in held[name]]
        lines.append(f"| {power.could} | {', '.join(names) or 'none'} |")
    return "\n".join(lines) + "\n"


def _section(of, function):
    statements = of.statements(function.name)
    held = powers.held_by(statements)
    lines = [f"## {function.name}", "", _reached(of, function), "", "It may:", ""]
    lines += [f"- {sentence}" for sentence in sentences(function.name, statements)]
    lines += ["", f"Passing through it: {_words(PASSING, function.name)}.", "", "Whoever takes it over could:", ""]
    lines += [f"- {power.could}" + (f". {power.meaning}" if power.meaning else "") for power in held] or [
        "- nothing more"
    ]
    rest = [power.could for power in powers.POWERS if power not in held]
    lines += ["", f"He could not: {'; '.join(rest)}."]
    return "\n".join(lines) + "\n"


def _reached(of, function):
    if function.scheduled:
        return "Runs on a schedule. Nobody outside can call it."
    if function.routes:
        return "Routes: " + ", ".join(f"`{method} {path}`" for method, path in function.routes) + "."
    callers = [
        name
        for name in sorted(of.functions)
        if powers.Held(of.statements(name)).may("lambda:InvokeFunction", f"function/{function.name}")
    ]
    return f"Called by {' and '.join(f'`{name}`' for name in callers)}. Nobody outside can call it."


def sentences(function, statements):
    """What the rights are, in words."""
    on_rows, updates, others = {}, {}, []
    named, kinds = set(), set()
    logs, streams = set(), set()
    for right in sorted(rights.all_granted(statements), key=str):
        place = (right.resource, right.key)
        if right.action == "dynamodb:PutItem" and right.attribute:
            if kind := KINDS.get((*place, right.attribute)):
                on_rows.setdefault(right.resource, {}).setdefault("write", set()).add(kind)
                kinds.add(place)
            named.add(place)
        elif right.action in VERBS:
            verb = VERBS[right.action]
            on_rows.setdefault(right.resource, {}).setdefault(verb, set()).add(_words(ROWS, *place))
        elif right.action == "dynamodb:UpdateItem":
            if right.attribute not in KEY_ATTRIBUTES:
                updates.setdefault(right.resource, set()).add(_words(UPDATES, *place, right.attribute))
        elif right.action.startswith("kms:"):
            others.append(_words(KEY_USES, right.action, right.purpose))
        elif right.action in LOGS and right.resource == f"log-group/{function}":
            logs.add(right.action)
        elif right.action in FOLLOWS and "/stream/" in right.resource:
            streams.add(right.action)
        else:
            others.append(_words(OTHERS, right.action, right.resource))
    if named != kinds:
        raise policy.Unsupported(f"tests/template/page.py cannot tell what {function} writes by its attributes")
    found = []
    for resource in sorted(on_rows.keys() | updates.keys()):
        table = resource.split("/")[1]
        where = f"`{table}`, index `{resource.split('/')[3]}`" if "/index/" in resource else f"`{table}`"
        told = [
            f"{verb} {_and(on_rows[resource][verb])}"
            for verb in dict.fromkeys(VERBS.values())
            if verb in on_rows.get(resource, {})
        ]
        if resource in updates:
            told.append(f"set {_and(updates[resource])}")
        found.append(f"{where}: {'; '.join(told)}")
    found += others
    if streams == FOLLOWS:
        found.append("follow the stream of the audit table, which the Lambda service does")
    elif streams:
        raise policy.Unsupported(f"{function} has half of the rights on a stream")
    if logs == LOGS:
        found.append("write its own log")
    elif logs:
        raise policy.Unsupported(f"{function} has half of the rights on its log")
    return found


def _words(table, *right):
    """The words for a right or a function."""
    found = table.get(right if len(right) > 1 else right[0])
    if found is None:
        raise policy.Unsupported(f"tests/template/page.py has no words for: {' '.join(map(str, right))}")
    return found


def _and(words):
    *most, last = sorted(words)
    return f"{', '.join(most)} and {last}" if most else last
