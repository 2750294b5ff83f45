"""Everything about the stack that is not in one role's statements: roles and their users, routes, environment, the key."""

import policy
import rights
import stack

# What every function is told.
COMMON = {
    "SIKKERKEY_KEY_CACHE_SECONDS",
    "SIKKERKEY_LOCKOUT_FAILURES",
    "SIKKERKEY_LOCKOUT_LOCK_SECONDS",
    "SIKKERKEY_LOCKOUT_WINDOW_SECONDS",
    "SIKKERKEY_LOG",
    "SIKKERKEY_OPEN_SIGN_UP",
    "SIKKERKEY_TABLE_PREFIX",
    "SIKKERKEY_URL",
}
KEY_VARIABLE = "SIKKERKEY_KMS_KEY"
SEAL_VARIABLE = "SIKKERKEY_SEAL_FUNCTION"
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
        if role.name != expected:
            yield f"{function.name} should have the role {expected}, not {role.name}"
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
    yield from (f"calls are recorded of {name}, which the stack does not have" for name in sorted(named - set(of.functions)))
    yield from (f"no call is recorded of {name}" for name in sorted(set(of.functions) - named))


def route_table(of, calls, routes):
    """A route that only the code has, or only the template."""
    yield from (f"only in the code: {' '.join(route)}" for route in sorted(routes - of.routes))
    yield from (f"only in the template: {' '.join(route)}" for route in sorted(of.routes - routes))


def triggers(of, calls, routes):
    """A function that can be reached in another way than the one it is for, or in none."""
    for function in of.functions.values():
        callers = [other for other in of.functions if _may_invoke(of, other, function.name)]
        ways = [bool(function.routes), function.scheduled, bool(callers)]
        if sum(ways) != 1:
            yield f"{function.name} is reached in {sum(ways)} ways: routes, schedule and functions should be one"
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
        if bool(function.dead_letters) != function.scheduled:
            yield f"{function.name}: a dead-letter queue belongs to functions that are invoked asynchronously"


def environment(of, calls, routes):
    """A variable that a function does not need, or does not get."""
    for function in of.functions.values():
        statements = of.statements(function.name)
        uses_key = any(action.startswith("kms:") for statement in statements for action in statement.actions)
        seals = _may_invoke(of, function.name, "seal-secret")
        expected = COMMON | ({KEY_VARIABLE} if uses_key else set()) | ({SEAL_VARIABLE} if seals else set())
        given = function.environment
        if set(given) != expected:
            wrong = sorted(set(given) ^ expected)
            yield f"{function.name}: the environment should not differ in {', '.join(wrong)}"
        if given.get("SIKKERKEY_TABLE_PREFIX") != stack.PREFIX:
            yield f"{function.name} uses the tables of another deployment"
        if uses_key and stack.canonical(given.get(KEY_VARIABLE, "")) != "key":
            yield f"{function.name}: {KEY_VARIABLE} is not the stack's key"
        if seals and stack.short(given.get(SEAL_VARIABLE, "").rsplit(":", 1)[-1]) != "seal-secret":
            yield f"{function.name}: {SEAL_VARIABLE} is not seal-secret"


def key_policy(of, calls, routes):
    """A way to open what is sealed that does not go through a role of the stack with a purpose."""
    return []


def _may_invoke(of, caller, function):
    request = policy.Request("lambda:InvokeFunction", f"function/{function}", {})
    return policy.allowed(of.statements(caller), request)


CHECKS = {
    "each function has a role of its own, and nobody else can take it": roles,
    "every function made calls while the suites ran": recorded,
    "the routes of the code and of the template are the same": route_table,
    "each function is reached in one way only": triggers,
    "each function gets the variables it needs and no others": environment,
    "the key opens nothing but for the functions' roles, each for its purpose": key_policy,
}
