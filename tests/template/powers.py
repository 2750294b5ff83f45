"""What matters about rights: the powers they amount to, worked out from a role's statements alone.

`POWERS` is the architecture's table of planes as data: each power with the functions that may have it. It is strict:
what a function could be made to do counts, not what its code does. So `seal-secret`, which only writes values, counts
among those that could open them. The tests hold the stack to the table, and the page in docs tells it. Whoever has
taken a function over is called "he".

The table does not follow from infra/system.toml: who holds a power stands here by name. Only who belongs to the
management plane, whose functions are many and whose common powers are small, is for the file to say; the function's
routes have to be there too (wiring.py).
"""

import dataclasses
import typing

import system
from held import ANYTHING, CRYPTOGRAPHIC, READS, TABLES, WHOLE, WRITES, Held

MACHINE_PLANE = frozenset({"export-secrets", "list-secrets", "poll-secrets", "read-secret"})
MANAGEMENT = system.read().of_plane("management")
# Those that AI agents can call too.
BY_AGENTS = MANAGEMENT - {"make-bundle"}
# Those by which people sign in.
PEOPLE = frozenset({"account", "account-mail", "account-passkeys"})
MAKES_MACHINES = frozenset({"bootstrap-machine", "enroll-machine", "make-bundle"})
MAKES_GRANTS = frozenset({"enroll-machine", "make-bundle", "manage-projects"})
NOBODY = frozenset()


@dataclasses.dataclass(frozen=True)
class Power:
    """Something an attacker could do, as in "he could ...", and the functions in which he could."""

    could: str
    holders: frozenset
    holds: typing.Callable
    # What it amounts to, if that is not plain.
    meaning: str = ""


def _reads_values(held):
    return held.rows(READS, "values", "sk_0123456789") or held.rows(WHOLE, "values")


def _reads_shared_values(held):
    return held.rows(READS, "values", "SHARE#x") or held.rows(WHOLE, "values")


POWERS = (
    Power(
        "open stored values",
        frozenset({"export-secrets", "read-secret", "seal-secret"}),
        lambda held: held.rows(ANYTHING, "values", "sk_0123456789") and held.opens("project"),
        "Any value whose secret's id he knows, in any vault, with no record in the audit log. CloudTrail shows which "
        "projects' keys are unwrapped.",
    ),
    Power(
        "read sealed values",
        frozenset({"export-secrets", "read-secret", "seal-secret"}),
        _reads_values,
        "`seal-secret` reads what it rolls back and the fields that a rotation keeps; no operation of it gives a value out.",
    ),
    Power(
        "replace or destroy stored values himself",
        frozenset({"manage-projects", "seal-secret"}),
        lambda held: held.rows(WRITES, "values", "sk_0123456789")
        or held.rows(("PutItem", "DeleteItem"), "vault", "PROJECT#x"),
        "By writing them, or by overwriting the wrapped key of their project. Point-in-time recovery brings back what "
        "was there.",
    ),
    Power(
        "have `seal-secret` make, replace and destroy values",
        frozenset({"make-bundle", "manage-canaries", "manage-schedules", "manage-secrets", "rotate-due", "sweep-expired"})
        | {"manage-alerts", "manage-shares"},
        lambda held: held.may("lambda:InvokeFunction", "function/seal-secret"),
        "Of any secret whose id he knows. It gives no value out.",
    ),
    Power(
        "open values of share links",
        frozenset({"open-share", "seal-secret"}),
        lambda held: held.rows(ANYTHING, "values", "SHARE#x") and held.opens("share"),
        "Of links that he sees, since a link is found by its hash only. `seal-secret` writes them and cannot read one, but a "
        "write can be made to give back what was there; it sees each value in clear when its link is made.",
    ),
    Power(
        "read sealed values of share links",
        frozenset({"open-share"}),
        _reads_shared_values,
    ),
    Power(
        "destroy values of share links",
        frozenset({"manage-projects", "open-share", "seal-secret", "sweep-expired"}),
        lambda held: held.rows(WRITES, "values", "SHARE#x") or held.rows(("PutItem", "DeleteItem"), "vault", "SHARE-KEY#x"),
        "Of links whose hash he knows, or by removing the key of all links of a project.",
    ),
    Power(
        "unwrap the keys of projects",
        frozenset({"export-secrets", "read-secret", "seal-secret"}),
        lambda held: held.opens("project"),
    ),
    Power(
        "unwrap the keys of share links",
        frozenset({"open-share", "seal-secret"}),
        lambda held: held.opens("share"),
    ),
    Power(
        "unwrap the keys of vaults",
        frozenset({"account", "account-passkeys", "download-bundle", "seal-secret"}),
        lambda held: held.opens("vault"),
    ),
    Power(
        "unwrap the keys of webhooks' signing secrets",
        frozenset({"deliver-webhooks", "seal-secret"}),
        lambda held: held.opens("webhook"),
        "`seal-secret` seals signing secrets, and has no right to read one.",
    ),
    Power(
        "open signing secrets of webhooks",
        frozenset({"deliver-webhooks"}),
        lambda held: held.rows(READS, "vault", "WEBHOOKS#x") and held.opens("webhook"),
        "With one he signs what its receiver takes for ours.",
    ),
    Power(
        "sign deliveries as the deployment",
        frozenset({"deliver-webhooks"}),
        lambda held: held.opens("signing"),
    ),
    Power(
        "choose what webhooks are told, and where they are",
        frozenset({"manage-alerts"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "WEBHOOKS#x", "url"),
        "Records have no values in them. `deliver-webhooks` sends to public addresses only, whatever a row says.",
    ),
    Power(
        "have webhooks told what is not true",
        frozenset({"deliver-webhooks", "follow-audit", "manage-alerts"}),
        lambda held: held.rows(("PutItem",), "vault", "DELIVERIES#x") or held.opens("signing"),
        "By putting a delivery down, of webhooks whose ids he knows; `deliver-webhooks` by signing it.",
    ),
    Power(
        "have `send-mail` send mail",
        frozenset({"account-mail", "follow-audit", "sweep-expired"}),
        lambda held: held.may("lambda:InvokeFunction", "function/send-mail"),
        "Links to people who have an account, and alerts with words of his to owners of vaults.",
    ),
    Power(
        "open the private keys in bundles",
        frozenset({"download-bundle"}),
        lambda held: held.rows(ANYTHING, "vault", "BUNDLE#x") and held.opens("vault"),
        "Of a bundle whose link he sees, since a bundle is found by its link's hash only. With it he is that machine.",
    ),
    Power(
        "get hold of sealed bundles, or destroy them",
        frozenset({"download-bundle", "make-bundle", "sweep-expired"}),
        lambda held: held.rows(ANYTHING, "vault", "BUNDLE#x"),
        "Of bundles whose link's hash he knows.",
    ),
    Power(
        "list what is going to expire",
        frozenset({"sweep-expired"}),
        lambda held: held.rows(READS, "vault", "EXPIRY#x"),
        "With the ids of machines, secrets and projects and the hashes of bundles' links and share links.",
    ),
    Power(
        "make machines, or put a key of his own into a machine's row",
        MAKES_MACHINES,
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "MACHINE#x", "publicKey"),
        "The way round: as a machine that has grants he reads their values through `read-secret`, by the front door. "
        "Those reads are in the audit log. He has to know the machine's id, or to make its grants too.",
    ),
    Power(
        "make memberships and grants",
        MAKES_GRANTS,
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "MACHINE#x", "grantedAt"),
        "Of machines, projects and secrets whose ids he knows.",
    ),
    Power(
        "approve machines",
        (MAKES_MACHINES - {"bootstrap-machine"}) | {"manage-machines", "sweep-expired"},
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "MACHINE#x", "approved"),
        "Without that a machine is pending, whatever else its row says.",
    ),
    Power(
        "disable or remove machines, or take grants away",
        MAKES_MACHINES | MAKES_GRANTS | {"manage-machines", "sweep-expired"},
        lambda held: held.rows(("PutItem", "DeleteItem", "UpdateItem"), "vault", "MACHINE#x", "enabled"),
    ),
    Power(
        "note a false delivery, which hides from a machine that a value changed",
        MAKES_GRANTS | (MACHINE_PLANE - {"list-secrets"}),
        lambda held: held.rows(("UpdateItem",), "vault", "MACHINE#x", "delivered")
        or held.rows(("PutItem",), "vault", "MACHINE#x", "grantedAt"),
    ),
    Power(
        "read machines, memberships or grants",
        MACHINE_PLANE
        | MAKES_MACHINES
        | MAKES_GRANTS
        | {"download-bundle", "follow-audit", "manage-audit", "manage-alerts", "send-mail", "manage-canaries", "manage-machines", "manage-policies"}
        | {"manage-secrets", "manage-shares", "manage-support", "sweep-expired"},
        lambda held: held.rows(ANYTHING, "vault", "MACHINE#x")
        or any(held.rows(READS, "vault/index/by-owner", f"{kind}#x") for kind in ("PROJECT", "SECRET", "VAULT")),
        "Those of machines, projects or vaults whose ids he knows.",
    ),
    Power(
        "read the names and notes of secrets",
        MACHINE_PLANE
        | {"enroll-machine", "follow-audit", "make-bundle", "manage-audit", "manage-machines", "manage-projects"}
        | {"manage-canaries", "manage-policies", "manage-schedules", "manage-secrets", "rotate-due", "seal-secret"}
        | {"manage-shares", "sweep-expired"},
        lambda held: held.rows(ANYTHING, "vault", "SECRET#x") or held.rows(READS, "vault/index/by-owner", "PROJECT#x"),
        "Of secrets or projects whose ids he knows.",
    ),
    Power(
        "list the projects of all vaults",
        frozenset({"export-secrets", "read-secret", "seal-secret"}),
        lambda held: held.rows(READS, "vault", "PROJECTS"),
    ),
    Power(
        "put secrets into the trash and take them out",
        frozenset({"manage-secrets", "seal-secret"}),
        lambda held: held.rows(("DeleteItem", "PutItem", "UpdateItem"), "vault", "SECRET#x", "deletedAt"),
    ),
    Power(
        "loosen access policies, or unbind secrets from them",
        frozenset({"manage-policies", "seal-secret"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "POLICY#x", "axes")
        or held.rows(("PutItem", "UpdateItem"), "vault", "SECRET#x", "policy"),
        "Machines still need a grant. `seal-secret` writes whole rows of secrets when it makes them.",
    ),
    Power(
        "have secrets destroyed or rotated, through their policies",
        frozenset({"export-secrets", "manage-policies", "read-secret"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "READS#x", "total")
        or held.rows(("PutItem", "UpdateItem"), "vault", "POLICY#x", "axes"),
        "Of secrets that are bound to a policy with a TTL by reads, or with rotation; with `manage-policies` of any.",
    ),
    Power(
        "disarm canaries",
        frozenset({"manage-canaries", "seal-secret"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "SECRET#x", "canary"),
        "`seal-secret` writes whole rows of secrets when it makes them.",
    ),
    Power(
        "make bootstrap or enrollment tokens, or revive enrollment tokens",
        frozenset({"enroll-machine", "manage-machines"}),
        lambda held: any(
            held.rows(("PutItem",), "vault", f"{kind}#x") for kind in ("BOOTSTRAP", "ENROLLMENT", "ENROLLMENT-HASH")
        )
        or any(held.rows(("UpdateItem",), "vault", "ENROLLMENT#x", attribute) for attribute in ("revoked", "uses")),
    ),
    Power(
        "change IP allowlists",
        frozenset({"account-mail", "manage-machines"}),
        lambda held: held.rows(("PutItem",), "vault", "VAULT#x")
        or any(
            held.rows(("UpdateItem",), "vault", "VAULT#x", attribute) for attribute in ("allowlist", "allowlistEnabled")
        ),
        "Of vaults whose ids he knows.",
    ),
    Power(
        "freeze and unfreeze projects",
        frozenset({"export-secrets", "follow-audit", "manage-projects", "read-secret"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "vault", "PROJECT#x", "frozen"),
        "Those that trip canaries freeze; IAM cannot keep them from lifting a freeze.",
    ),
    Power(
        "read people's names, addresses and password hashes",
        MANAGEMENT | PEOPLE | {"operator", "send-mail"},
        lambda held: held.rows(ANYTHING, "accounts", "USER#x") or held.rows(ANYTHING, "accounts", "EMAIL#x"),
        "Of people whose ids he knows. Sessions are stored as hashes, which sign nobody in.",
    ),
    Power(
        "sign in as anybody",
        PEOPLE,
        lambda held: held.rows(("PutItem",), "accounts", "SESSION#x") or held.rows(("PutItem",), "accounts", "USER#x"),
        "By writing a session or a password hash of his own. With it he can do all that person can, by the front door.",
    ),
    Power(
        "sign in as somebody who has no second factor, by a link that he makes",
        PEOPLE | {"send-mail"},
        lambda held: held.rows(("PutItem",), "accounts", "LINK#x") or held.rows(("PutItem",), "accounts", "SESSION#x"),
        "Setting a password by a link is in the audit log, and ends the person's sessions.",
    ),
    Power(
        "read the sealed seeds of authenticator apps",
        PEOPLE - {"account-mail"},
        lambda held: held.rows(ANYTHING, "accounts", "CREDENTIAL#x"),
        "Of people whose ids he knows; passkeys and hashes of recovery codes are there too.",
    ),
    Power(
        "open the seeds of authenticator apps",
        frozenset({"account", "account-passkeys"}),
        lambda held: held.rows(ANYTHING, "accounts", "CREDENTIAL#x") and held.opens("vault"),
    ),
    Power(
        "send mail in the deployment's name",
        frozenset({"send-mail"}),
        lambda held: held.may("ses:SendEmail", "identity"),
        "To anybody, with any text.",
    ),
    Power(
        "lift lockouts of source addresses, or lock addresses out",
        MACHINE_PLANE | BY_AGENTS | PEOPLE | {"bootstrap-agent", "bootstrap-machine", "enroll-machine"},
        lambda held: held.rows(WRITES, "vault", "LOCKOUT#x", "lockedUntil"),
    ),
    Power(
        "read the audit log",
        frozenset({"manage-audit"}),
        lambda held: held.rows(READS, "audit/index/by-time", "vault_x#rare"),
    ),
    Power(
        "read what AI agents did",
        frozenset({"manage-agents", "manage-audit"}),
        lambda held: held.rows(READS, "audit/index/by-agent", "vault_x#x"),
    ),
    Power(
        "follow the audit log as it is written",
        frozenset({"follow-audit"}),
        lambda held: held.may("dynamodb:GetRecords", "table/audit/stream/made"),
        "Of all vaults, a day back.",
    ),
    Power(
        "add audit records that are not true",
        frozenset({"bootstrap-agent", "bootstrap-machine", "download-bundle", "enroll-machine"})
        | {"deliver-webhooks", "follow-audit", "open-share", "operator", "seal-secret", "send-mail", "sweep-expired"}
        | PEOPLE
        | MACHINE_PLANE
        | MANAGEMENT,
        lambda held: held.rows(("PutItem",), "audit", "record#x"),
        "Or put one in the place of a record whose key he knows. Keys are random, and only `manage-audit` can list "
        "them.",
    ),
    Power(
        "delete audit records, or update them in place",
        NOBODY,
        lambda held: any(
            held.rows(set(WRITES) - {"PutItem"}, "audit", key, "detail") for key in (None, "machine#x", "record#x")
        ),
    ),
    Power(
        "read a whole table",
        NOBODY,
        lambda held: any(held.rows(WHOLE, table) for table in (*TABLES, "vault/index/by-owner", "audit/index/by-time")),
    ),
    Power(
        "read AI agents, their scopes and allowlists",
        BY_AGENTS | {"bootstrap-agent", "send-mail"},
        lambda held: held.rows(ANYTHING, "agents", "AGENT#x") or held.rows(READS, "agents/index/by-owner", "VAULT#x"),
        "Of agents whose ids he knows. Their keys are public halves.",
    ),
    Power(
        "make AI agents, or give them scopes",
        frozenset({"bootstrap-agent", "manage-agents"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "agents", "AGENT#x", "scopes"),
        "The way round: as an agent with every scope he manages a vault by the front door, and reads no value there. "
        "What an agent calls is in the audit log.",
    ),
    Power(
        "approve AI agents",
        frozenset({"manage-agents"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "agents", "AGENT#x", "approved"),
        "Without that an agent is pending, whatever else its row says.",
    ),
    Power(
        "put a key of his own into an AI agent's row",
        frozenset({"bootstrap-agent"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "agents", "AGENT#x", "publicKey"),
    ),
    Power(
        "widen the allowlists of AI agents",
        frozenset({"bootstrap-agent", "manage-agents", "manage-projects"}),
        lambda held: held.rows(("PutItem", "UpdateItem"), "agents", "AGENT#x", "projects"),
    ),
    Power(
        "use the KMS key without a purpose, or for another one",
        NOBODY,
        lambda held: any(held.key(action, purpose) for action in CRYPTOGRAPHIC for purpose in (None, "other")),
    ),
)


def held_by(statements):
    """The powers that these statements amount to."""
    held = Held(statements)
    return [power for power in POWERS if power.holds(held)]


def misplaced(statements, function, needed):
    """A power that this function has and should not, or the other way round."""
    found = held_by(statements)
    problems = []
    for power in POWERS:
        if (power in found) != (function.name in power.holders):
            verb = "must not be able to" if power in found else "is expected to be able to"
            problems.append(f"{function.name} {verb} {power.could}")
    return problems
