"""What is not in one role's statements: who uses the role, routes, triggers, environment, the key, the tables."""

import dataclasses
import itertools

import gateway
import policy
import rights
import stack
import system
from cloudformation import ACCOUNT, PREFIX, REGION
from held import CRYPTOGRAPHIC, WRITES

SYSTEM = system.read()

# What every function is told.
COMMON = {
    "SIKKERKEY_DEFAULT_PLAN",
    "SIKKERKEY_KEY_CACHE_SECONDS",
    "SIKKERKEY_LOCKOUT_FAILURES",
    "SIKKERKEY_LOCKOUT_LOCK_SECONDS",
    "SIKKERKEY_LOCKOUT_WINDOW_SECONDS",
    "SIKKERKEY_LOG",
    "SIKKERKEY_OPEN_SIGN_UP",
    "SIKKERKEY_PLANS",
    "SIKKERKEY_SET_UP_CODE_HASH",
    "SIKKERKEY_TABLE_PREFIX",
    "SIKKERKEY_URL",
    "SIKKERKEY_WEBHOOK_PORTS",
}
KEY_VARIABLE = "SIKKERKEY_KMS_KEY"
SEAL_VARIABLE = "SIKKERKEY_SEAL_FUNCTION"
MAIL_VARIABLE = "SIKKERKEY_MAIL_FUNCTION"
FROM_VARIABLE = "SIKKERKEY_MAIL_FROM"
# Invoked by other functions, which do not wait for it.
DELIVERY_VARIABLE = "SIKKERKEY_DELIVERY_FUNCTION"
# Started by a schedule, and by other functions besides.
WOKEN = {name for name, function in SYSTEM.functions.items() if function.trigger == "schedule and call"}
LATER = {name for name, function in SYSTEM.functions.items() if function.trigger == "call later"}
# AWS lets two readers follow a stream's shard at a time (DynamoDB developer guide, "DynamoDB Streams and Lambda triggers").
STREAM_READERS = 2
# Gives out files of its own and calls nothing.
STATIC = {name for name, function in SYSTEM.functions.items() if not function.rights}
# Where the routes of each plane are.
PATHS = {
    "machine": ("/v1/secret/", "/v1/secrets", "/v1/cli/", "/v1/verify-access"),
    "onboarding": ("/v1/bootstrap/", "/v1/{vaultId}/enroll/", "/v1/bundle/", "/v1/share/", "/v1/ai-bootstrap/"),
    "account": ("/v1/account", "/v1/operator/"),
    "pages": ("/verify-email", "/reset-password", "/v1/openapi.json", "/v1/health", "/v1/webhooks/keys"),
    "management": ("/v1/manage/", "/v1/ai/"),
    "events": (),
}
DATA_KEYS = {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}
GATEWAY = "apigateway.amazonaws.com"


def roles(of, calls, routes):
    """A role that is shared, missing, managed by others, or open to others."""
    users = [function.role for function in of.functions.values()]
    for function in of.functions.values():
        expected = "".join(word.capitalize() for word in function.name.split("-")) + "Role"
        role = of.roles.get(function.role)
        if role is None:
            yield f"{function.name} has no role of the stack"
            continue
        if (role.name, function.role) != (expected, f"{PREFIX}-{function.name}-{REGION}"):
            yield f"{function.name} should have a role {expected} of its own name, not {role.name} ({function.role})"
        if users.count(function.role) > 1:
            yield f"{function.name} shares the role {role.name}"
        if role.managed:
            yield f"{role.name} has managed policies: {', '.join(role.managed)}"
        trusted = [(entry.effect, entry.actions, entry.principals) for entry in role.trust]
        if trusted != [("Allow", ("sts:AssumeRole",), ("Service:lambda.amazonaws.com",))]:
            yield f"{role.name} may be assumed by others than lambda.amazonaws.com"
    for name, role in of.roles.items():
        if name not in users:
            yield f"{role.name} is the role of no function"


def recorded(of, calls, routes):
    """A recorded call of a function that the stack does not have, or a function that never made one."""
    named = {call.function for call in calls}
    yield from (
        f"calls are recorded of {name}, which the stack does not have" for name in sorted(named - set(of.functions))
    )
    yield from (f"no call is recorded of {name}" for name in sorted(set(of.functions) - named - STATIC))


def route_table(of, calls, routes):
    """A route of the code that the gateway leads elsewhere, or one of the gateway that is in another function's way."""
    return gateway.problems(of.routes, routes)


def families(of, calls, routes):
    """A route of the gateway that the code's routes do not make, or one that they make and it does not have."""
    made = gateway.made(routes)
    yield from (f"only the template has {' '.join(route)}" for route in sorted(of.routes - made))
    yield from (f"the template has no {' '.join(route)}" for route in sorted(made - of.routes))


def planes(of, calls, routes):
    """A route where the routes of its function's plane are not."""
    for method, path, name in sorted(routes | of.routes):
        plane = SYSTEM.functions[name].plane if name in SYSTEM.functions else "events"
        if not path.startswith(PATHS[plane]):
            yield f"{method} {path} of {name} is not where routes of the plane {plane} are"


def triggers(of, calls, routes):
    """A function that can be reached in another way than the one it is for, or in none."""
    readers = [function.name for function in of.functions.values() if function.follows]
    if len(readers) > STREAM_READERS:
        yield f"{', '.join(readers)} follow one stream, which takes {STREAM_READERS} readers"
    for function in of.functions.values():
        callers = [other for other in of.functions if _may_invoke(of, other, function.name)]
        ways = [bool(function.routes), function.scheduled, bool(function.follows), bool(callers)]
        if sum(ways) != (2 if function.name in WOKEN else 1):
            yield f"{function.name} is reached in {sum(ways)} ways: routes, schedule, stream and functions should be one"
        if function.follows and not function.follows.startswith("table/audit/stream/"):
            yield f"{function.name} follows {function.follows}, which is not the audit table's stream"
        expected = set()
        if function.routes:
            expected.add(GATEWAY)
        for principal, source in function.permissions:
            if principal not in expected and not (function.scheduled and principal == "events.amazonaws.com"):
                yield f"{function.name} may be invoked by {principal}"
            if not source:
                yield f"{function.name} may be invoked by {principal} for anybody: the permission needs a SourceArn"
        if function.routes and GATEWAY not in dict(function.permissions):
            yield f"{function.name} has routes, and the gateway may not invoke it"
        if function.log != f"/aws/lambda/{PREFIX}-{function.name}":
            yield f"{function.name} writes into {function.log}"
        later = function.scheduled or bool(function.follows) or function.name in LATER
        if bool(function.dead_letters) != later:
            yield f"{function.name}: a dead-letter queue belongs to functions that are invoked asynchronously"


def environment(of, calls, routes):
    """A variable that a function does not need, or does not get."""
    for function in of.functions.values():
        statements = of.statements(function.name)
        uses_key = any(action.startswith("kms:") for statement in statements for action in statement.actions)
        seals = _may_invoke(of, function.name, "seal-secret")
        asks = _may_invoke(of, function.name, "send-mail")
        expected = COMMON | ({KEY_VARIABLE} if uses_key else set()) | ({SEAL_VARIABLE} if seals else set())
        expected |= {MAIL_VARIABLE} if asks else set()
        wakes = _may_invoke(of, function.name, "deliver-webhooks")
        expected |= {DELIVERY_VARIABLE} if wakes else set()
        expected |= {FROM_VARIABLE} if asks or function.name == "send-mail" else set()
        given = function.environment
        yield from (f"{function.name} gets {name} and does not need it" for name in sorted(set(given) - expected))
        yield from (f"{function.name} needs {name} and does not get it" for name in sorted(expected - set(given)))
        if given.get("SIKKERKEY_TABLE_PREFIX") != PREFIX:
            yield f"{function.name} uses the tables of another deployment"
        if uses_key and stack.canonical(given.get(KEY_VARIABLE, "")) != "key":
            yield f"{function.name}: {KEY_VARIABLE} is not the stack's key"
        if seals and stack.short(given.get(SEAL_VARIABLE, "").rsplit(":", 1)[-1]) != "seal-secret":
            yield f"{function.name}: {SEAL_VARIABLE} is not seal-secret"
        if asks and stack.short(given.get(MAIL_VARIABLE, "").rsplit(":", 1)[-1]) != "send-mail":
            yield f"{function.name}: {MAIL_VARIABLE} is not send-mail"
        if wakes and stack.short(given.get(DELIVERY_VARIABLE, "").rsplit(":", 1)[-1]) != "deliver-webhooks":
            yield f"{function.name}: {DELIVERY_VARIABLE} is not deliver-webhooks"


# Who may use the key beside the functions, on what condition and for what: services, which open nothing but what they
# have encrypted themselves. None of them for what the envelope has wrapped.
NOT_THE_ENVELOPE = ("Null", rights.PURPOSE, ("true",))
_OWN = f"{REGION}:{ACCOUNT}"
AT_REST = {
    # Whoever in the account uses the tables or the queue; grants are how DynamoDB keeps its access.
    "AWS:*": (
        {
            ("StringEquals", "kms:CallerAccount", (ACCOUNT,)),
            (
                "StringEquals",
                "kms:ViaService",
                tuple(f"{name}.{REGION}.amazonaws.com" for name in ("dynamodb", "sqs")),
            ),
        },
        {"CreateGrant", "Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", *DATA_KEYS},
    ),
    f"Service:logs.{REGION}.amazonaws.com": (
        {
            (
                "ArnLike",
                "kms:EncryptionContext:aws:logs:arn",
                (
                    f"arn:aws:logs:{_OWN}:log-group:/aws/lambda/{PREFIX}-*",
                    f"arn:aws:logs:{_OWN}:log-group:/aws/vendedlogs/{PREFIX}-api",
                ),
            )
        },
        {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", *DATA_KEYS},
    ),
    "Service:cloudwatch.amazonaws.com": (
        {("ArnLike", "aws:SourceArn", (f"arn:aws:cloudwatch:{_OWN}:alarm:{PREFIX}-*",))},
        {"Decrypt", "GenerateDataKey"},
    ),
}
ADMINISTRATORS = f"AWS:arn:aws:iam::{ACCOUNT}:root"


def key_policy(of, calls, routes):
    """A way to use the key that is neither a function's role with a purpose, nor a service for what it stores."""
    by_policy = set()
    for statement in of.key_policy:
        uses = {
            action
            for action in CRYPTOGRAPHIC
            if any(policy.like(pattern, f"kms:{action}") for pattern in statement.actions)
        }
        conditions = {dataclasses.astuple(condition) for condition in statement.conditions}
        envelope = {key for _, key, _ in conditions} == {"aws:PrincipalArn", rights.PURPOSE} and len(conditions) == 2
        if statement.effect != "Allow" or any(map(rights.wild, statement.actions)) or len(statement.principals) != 1:
            yield f"{statement.sid} should allow named actions to one principal"
        elif not uses:
            if statement.principals[0] != ADMINISTRATORS:
                yield f"{statement.sid} lets {statement.principals[0]} administer the key"
        elif statement.principals[0] in AT_REST:
            expected, most = AT_REST[statement.principals[0]]
            if conditions != expected | {NOT_THE_ENVELOPE} or not uses <= most:
                yield f"{statement.sid} lets {statement.principals[0]} use the key beyond what it stores"
        elif (
            statement.principals[0] == ADMINISTRATORS
            and envelope
            and {operator for operator, _, _ in conditions} == {"StringEquals"}
        ):
            roles = statement.values("aws:PrincipalArn")
            let = set(itertools.product(roles, statement.actions, statement.values(rights.PURPOSE)))
            if by_policy & let:
                yield f"{statement.sid} lets again what another statement lets"
            by_policy |= let
        else:
            yield f"{statement.sid} lets {statement.principals[0]} use the key, not as a function's role with a purpose"
    by_role = {
        (f"arn:aws:iam::{ACCOUNT}:role/{function.role}", right.action, right.purpose)
        for function in of.functions.values()
        for right in rights.all_granted(of.statements(function.name))
        if right.resource == "key"
    }
    yield from (f"the key's policy lets {' '.join(use)}, the role does not" for use in sorted(by_policy - by_role))
    yield from (
        f"the role lets {' '.join(map(str, use))}, the key's policy does not"
        for use in sorted(by_role - by_policy, key=str)
    )


def table_policies(of, calls, routes):
    """A table's own policy that allows something, or an audit table whose records could be changed."""
    for table, statements in of.table_policies.items():
        for statement in statements:
            if statement.effect != "Deny":
                yield f"{statement.sid}, of the table {table}, allows something; roles should"
    for action in (f"dynamodb:{name}" for name in WRITES if name not in ("PutItem", "PartiQLInsert")):
        # Nobody, by any role: only services, of which the one that drops expired records is one.
        request = policy.Request(action, "table/audit", {"aws:PrincipalIsAWSService": ("false",)})
        denying = [
            statement
            for statement in of.table_policies["audit"]
            if statement.principals == ("*",) and statement.applies(request)
        ]
        if not denying:
            yield f"the audit table's own policy does not deny {action}"
    request = policy.Request("dynamodb:DeleteItem", "table/audit", {"aws:PrincipalIsAWSService": ("true",)})
    if any(statement.applies(request) for statement in of.table_policies["audit"]):
        yield "the audit table's own policy keeps DynamoDB from dropping expired records"
    for call in calls:
        table = call.resource.removeprefix("table/").split("/")[0]
        request = call.request()
        request.context["aws:PrincipalIsAWSService"] = ("false",)
        if any(statement.applies(request) for statement in of.table_policies.get(table, ())):
            yield f"the policy of the table {table} denies what is needed: {call}"


def _may_invoke(of, caller, function):
    request = policy.Request("lambda:InvokeFunction", f"function/{function}", {})
    return policy.allowed(of.statements(caller), request)


CHECKS = {
    "each function has a role of its own, and nobody else can take it": roles,
    "every function made calls while the suites ran": recorded,
    "the gateway leads each route of the code to its function, and no path of one function to another": route_table,
    "the gateway has one route for a family of routes, and otherwise the code's": families,
    "each function has the routes of its plane": planes,
    "each function is reached in one way only": triggers,
    "each function gets the variables it needs and no others": environment,
    "the key opens nothing but for the functions' roles, each for its purpose": key_policy,
    "audit records can be put, and be changed by nobody": table_policies,
}
