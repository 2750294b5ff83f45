"""What matters about rights: the powers they amount to, worked out from a role's statements alone.

`POWERS` is the architecture's table of planes as data: each power with the functions that may have it. The tests hold the
stack to it, and the page in docs tells it. Whoever owns a function is called "he", as attackers are.
"""

import dataclasses
import typing

import policy
import rights

# Everything that can be asked of a table's rows. Any of these, writes and checks too, can be made to give the row back:
# a write by `ReturnValues` or by a condition that fails.
READS = ("BatchGetItem", "GetItem", "Query", "Scan", "PartiQLSelect")
ANY_ON_ROWS = (*READS, "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem")
PARTIQL = ("PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")
CHANGES = ("UpdateItem", "DeleteItem", "BatchWriteItem", *PARTIQL[1:])
MANAGEMENT = frozenset({"manage-audit", "manage-machines", "manage-projects", "manage-secrets"})
MACHINE_PLANE = frozenset({"export-secrets", "list-secrets", "poll-secrets", "read-secret"})
NOBODY = frozenset()


class Held:
    """The statements of one role, to be asked what they make possible."""

    def __init__(self, statements):
        self.statements = [statement for statement in statements if statement.effect == "Allow"]

    def touches(self, resource):
        """Whether any statement names the resource, whatever else it says."""
        return any(policy.like(pattern, resource) for statement in self.statements for pattern in statement.resources)

    def rows(self, actions, table, key=None, attribute=None):
        """Whether one of the actions is allowed on rows with such a key, the index's too."""
        context = {}
        if key:
            context[rights.KEYS] = (key,)
        if attribute:
            context[rights.ATTRIBUTES] = (attribute,)
        return any(self.may(f"dynamodb:{action}", f"table/{table}", context) for action in actions)

    def key(self, action, purpose):
        return self.may(f"kms:{action}", "key", {rights.PURPOSE: (purpose,)})

    def may(self, action, resource, context=None):
        return policy.allowed(self.statements, policy.Request(action, resource, context or {}))


@dataclasses.dataclass(frozen=True)
class Power:
    """Something an attacker could do, as in "he could ...", and which functions would let him."""

    could: str
    holders: frozenset
    holds: typing.Callable
    # What it leads to, if that is not plain.
    meaning: str = ""


def _reads_values(held):
    return held.rows(READS, "values", "sk_0123456789") or held.rows(READS, "values")


def _touches_values(held):
    return held.touches("table/values") or held.touches("table/values/index/any")


def _opens_keys(purpose):
    return lambda held: held.key("Decrypt", purpose) or held.key("ReEncryptFrom", purpose)


def _rows(actions, table, key=None, attribute=None):
    return lambda held: held.rows(actions, table, key, attribute)


POWERS = (
    Power(
        "open stored values",
        frozenset({"read-secret", "export-secrets"}),
        lambda held: _reads_values(held) and _opens_keys("project")(held),
        "any value of any vault, without a machine's request and without a record",
    ),
    Power(
        "open the values that his own writes give back",
        frozenset({"seal-secret"}),
        lambda held: _touches_values(held) and not _reads_values(held) and _opens_keys("project")(held),
        "the role has no right to read values, but DynamoDB can be asked to answer a write with the row that was there, "
        "and IAM has no rule against all ways of asking; so any value whose secret's id he knows",
    ),
    Power("read sealed values", frozenset({"read-secret", "export-secrets"}), _reads_values),
    Power(
        "replace or destroy stored values",
        frozenset({"seal-secret"}),
        _rows(("PutItem", "DeleteItem", "UpdateItem"), "values", "sk_0123456789"),
    ),
    Power(
        "have values written by `seal-secret`",
        frozenset({"manage-machines", "manage-secrets"}),
        lambda held: held.may("lambda:InvokeFunction", "function/seal-secret"),
        "it takes values in and gives none out",
    ),
    Power("unwrap the keys of projects", frozenset({"export-secrets", "read-secret", "seal-secret"}), _opens_keys("project")),
    Power("unwrap the keys of vaults", frozenset({"download-bundle", "seal-secret"}), _opens_keys("vault")),
    Power(
        "open the private keys in bundles",
        frozenset({"download-bundle"}),
        lambda held: held.rows(ANY_ON_ROWS, "vault", "BUNDLE#x") and _opens_keys("vault")(held),
        "of a bundle whose link he sees, and so become that machine; it needs the link, of which only the hash is stored",
    ),
    Power(
        "make machines, memberships and grants, or overwrite them",
        frozenset({"bootstrap-machine", "enroll-machine", "manage-machines", "manage-projects"}),
        _rows(("PutItem",), "vault", "MACHINE#x"),
        "the way round: as a machine with a key of his own and a grant, he reads values through `read-secret`; those reads "
        "are in the audit log",
    ),
    Power(
        "approve machines and switch them on and off",
        frozenset({"manage-machines", "sweep-expired"}),
        _rows(("UpdateItem",), "vault", "MACHINE#x", "enabled"),
    ),
    Power(
        "remove machines, memberships and grants",
        frozenset({"manage-machines", "manage-projects", "sweep-expired"}),
        _rows(("DeleteItem",), "vault", "MACHINE#x"),
    ),
    Power(
        "read the machines, memberships and grants of a machine whose id he knows",
        frozenset({"download-bundle", "manage-machines", "manage-projects", "sweep-expired"}) | MACHINE_PLANE,
        _rows(READS, "vault", "MACHINE#x"),
    ),
    Power(
        "list what belongs to a vault or a project whose id he knows",
        frozenset({"manage-machines", "manage-projects", "manage-secrets"}),
        lambda held: any(held.rows(READS, "vault/index/by-owner", key) for key in ("VAULT#x", "PROJECT#x")),
    ),
    Power(
        "switch IP allowlists off",
        frozenset({"account", "manage-machines"}),
        lambda held: held.rows(("PutItem",), "vault", "VAULT#x")
        or held.rows(("UpdateItem",), "vault", "VAULT#x", "allowlistEnabled"),
    ),
    Power(
        "freeze and unfreeze projects",
        frozenset({"manage-projects"}),
        lambda held: held.rows(("PutItem",), "vault", "PROJECT#x") or held.rows(("UpdateItem",), "vault", "PROJECT#x", "frozen"),
    ),
    Power(
        "read people's addresses, password hashes and sessions",
        MANAGEMENT | {"account"},
        lambda held: held.rows(ANY_ON_ROWS, "accounts", "USER#x") or held.rows(ANY_ON_ROWS, "accounts", "EMAIL#x"),
        "of people whose ids or sessions he knows; sessions are kept as hashes, which sign nobody in",
    ),
    Power(
        "sign in as anybody",
        frozenset({"account"}),
        _rows(("PutItem",), "accounts", "SESSION#x"),
        "by writing a session of his own; with it he can do what that person can",
    ),
    Power(
        "forget failed attempts and lockouts of addresses",
        MACHINE_PLANE | {"account", "bootstrap-machine", "enroll-machine"},
        _rows(("UpdateItem", "PutItem", "DeleteItem"), "vault", "LOCKOUT#x", "lockedUntil"),
        "and so guess on, or lock others out",
    ),
    Power("read the audit log", frozenset({"manage-audit"}), lambda held: held.rows(READS, "audit/index/by-time", "vault_x#1#1")),
    Power(
        "add audit records that are not true",
        (MANAGEMENT - {"manage-audit"})
        | MACHINE_PLANE
        | {"account", "bootstrap-machine", "download-bundle", "enroll-machine", "seal-secret", "sweep-expired"},
        _rows(("PutItem",), "audit", "record#x"),
        "or put one in the place of a record whose key he knows; keys are random and only `manage-audit` can look them up",
    ),
    Power(
        "change or delete audit records",
        NOBODY,
        lambda held: held.rows(CHANGES, "audit", "record#x", "detail") or held.rows(CHANGES, "audit"),
    ),
    Power(
        "read a whole table",
        NOBODY,
        lambda held: any(
            held.rows(("Scan", *PARTIQL, "ExportTableToPointInTime", "CreateBackup"), table)
            for table in ("accounts", "agents", "audit", "values", "vault", "vault/index/by-owner")
        ),
    ),
    Power(
        "read or write AI agents",
        NOBODY,
        lambda held: held.touches("table/agents") or held.touches("table/agents/index/by-owner"),
    ),
    Power(
        "use the key for anything else",
        NOBODY,
        lambda held: any(
            held.may(f"kms:{action}", "key", {rights.PURPOSE: (purpose,)} if purpose else {})
            for action in ("Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "CreateGrant", "Encrypt", "ReEncryptFrom")
            for purpose in ("", "other")
        ),
    ),
)


def held_by(statements):
    """The powers that these statements amount to."""
    held = Held(statements)
    return [power for power in POWERS if power.holds(held)]


def misplaced(statements, function, needed):
    """A power that this function has and should not, or the other way round."""
    found = {power.could for power in held_by(statements)}
    problems = []
    for power in POWERS:
        if (power.could in found) != (function.name in power.holders):
            verb = "must not be able to" if power.could in found else "is expected to be able to"
            problems.append(f"{function.name} {verb} {power.could}")
    return problems
