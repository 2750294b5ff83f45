"""Mutants: the stack with one right less, one more, or one thing wired otherwise. The checks have to notice each."""

import dataclasses

import gateway
import policy
import powers
import rights
import wiring

# Actions, resources and condition values that are added where they are not there yet.
ACTIONS = (
    "dynamodb:*",
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLSelect",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "lambda:UpdateFunctionCode",
    "*",
)
RESOURCES = (
    "table/vault",
    "table/vault/index/by-owner",
    "table/values",
    "table/audit",
    "table/accounts",
    "table/agents",
    "table/*",
    "key",
    "function/seal-secret",
    "log-group/other",
    "*",
)
VALUES = {
    rights.KEYS: ("MACHINE#*", "SHARE#*", "PROJECT#*", "SECRET#*", "USER#*", "sk_*", "record#*", "M*", "*"),
    rights.ATTRIBUTES: ("approved", "delivered", "lockedUntil", "publicKey", "version"),
    rights.PURPOSE: ("project", "share", "signing", "vault", "webhook", "other"),
}


def _statement(sid, action, resource, *conditions):
    return policy.Statement(sid, "Allow", (action,), (resource,), tuple(policy.Condition(*part) for part in conditions))


def _rows(sid, action, resource, *keys):
    return _statement(sid, action, resource, ("ForAllValues:StringLike", rights.KEYS, keys))


# Statements that a role may get in addition.
STATEMENTS = (
    _rows("ReadValues", "dynamodb:GetItem", "table/values", "sk_*"),
    _rows("ReadSharedValues", "dynamodb:GetItem", "table/values", "SHARE#*"),
    _rows("ScanVault", "dynamodb:Scan", "table/vault", "VAULT#*"),
    _rows("ReadAgents", "dynamodb:GetItem", "table/agents", "AGENT#*"),
    _rows("DeleteRecords", "dynamodb:DeleteItem", "table/audit", "record#*"),
    _rows("ReadBundles", "dynamodb:GetItem", "table/vault", "BUNDLE#*"),
    _rows("WriteGrants", "dynamodb:PutItem", "table/vault", "MACHINE#*"),
    _rows("WriteSessions", "dynamodb:PutItem", "table/accounts", "SESSION#*"),
    _rows("CopyAudit", "dynamodb:ExportTableToPointInTime", "table/audit", "record#*"),
    _statement("ReadAll", "dynamodb:GetItem", "table/vault"),
    _statement("DecryptProject", "kms:Decrypt", "key", ("StringEquals", rights.PURPOSE, ("project",))),
    _statement("DecryptShare", "kms:Decrypt", "key", ("StringEquals", rights.PURPOSE, ("share",))),
    _statement("DecryptVault", "kms:Decrypt", "key", ("StringEquals", rights.PURPOSE, ("vault",))),
    _statement("DecryptAll", "kms:Decrypt", "key"),
    _statement("Seal", "lambda:InvokeFunction", "function/seal-secret"),
    _statement("Everything", "*", "*"),
    _statement("PassRole", "iam:PassRole", "arn:aws:iam::111122223333:role/admin"),
    _statement("OthersLogs", "logs:PutLogEvents", "log-group/other"),
)


def less(statements):
    """Each way to take one atom away, or to turn a statement around: what it is, the statements."""
    for index, statement in enumerate(statements):

        def put(what, *replacement, at=index, of=statement):
            return f"{of.sid}: {what}", [*statements[:at], *replacement, *statements[at + 1 :]]

        for atom, smaller in rights.atoms(statement):
            yield put(f"without {atom}", *smaller)
        yield put("as a Deny", dataclasses.replace(statement, effect="Deny"))


def more(statements):
    """Each way to add one thing: what it is, the statements."""
    for index, statement in enumerate(statements):

        def put(what, at=index, of=statement, **changes):
            changed = dataclasses.replace(of, **changes)
            return f"{of.sid}: {what}", [*statements[:at], changed, *statements[at + 1 :]]

        for action in ACTIONS:
            if action not in statement.actions:
                yield put(f"and {action}", actions=(*statement.actions, action))
        for resource in RESOURCES:
            if resource not in statement.resources:
                yield put(f"and {resource}", resources=(*statement.resources, resource))
        for place, condition in enumerate(statement.conditions):

            def turn(*changed, at=place, of=statement.conditions):
                return (*of[:at], *changed, *of[at + 1 :])

            yield put(f"without the condition on {condition.key}", conditions=turn())
            if_exists = dataclasses.replace(condition, operator=f"{condition.operator}IfExists")
            yield put(f"{condition.key} only if it exists", conditions=turn(if_exists))
            for value in VALUES.get(condition.key, ()):
                if value not in condition.values:
                    wider = dataclasses.replace(condition, values=(*condition.values, value))
                    yield put(f"and {condition.key} {value}", conditions=turn(wider))
    for statement in STATEMENTS:
        if not rights.granted(statement) <= rights.all_granted(statements):
            yield f"and {statement.sid}", [*statements, statement]


def wired(of, routes):
    """The stack with one thing wired otherwise: what it is, the stack, the routes of the code."""

    def function(name, **changes):
        changed = dataclasses.replace(of.functions[name], **changes)
        return dataclasses.replace(of, functions={**of.functions, name: changed})

    def role(name, **changes):
        changed = dataclasses.replace(of.roles[name], **changes)
        return dataclasses.replace(of, roles={**of.roles, name: changed})

    yield from ((what, dataclasses.replace(of, routes=frozenset(changed)), routes) for what, changed in _gateways(of))
    yield from ((what, of, changed) for what, changed in _codes(of, routes))
    for name, found in of.functions.items():
        for other in of.functions:
            if other != name:
                yield f"{name} with the role of {other}", function(name, role=of.functions[other].role), routes
        for variable in found.environment:
            rest = {known: value for known, value in found.environment.items() if known != variable}
            yield f"{name} without {variable}", function(name, environment=rest), routes
        for variable in (wiring.KEY_VARIABLE, wiring.SEAL_VARIABLE, "OTHER"):
            if variable not in found.environment:
                yield (
                    f"{name} with {variable}",
                    function(name, environment={**found.environment, variable: "x"}),
                    routes,
                )
        if found.permissions:
            yield f"{name} without its permission", function(name, permissions=()), routes
        opened = (*found.permissions, ("*", "arn:aws:any"))
        yield f"{name} open to all", function(name, permissions=opened), routes
        unbound = tuple((principal, "") for principal, _ in found.permissions) or (("events.amazonaws.com", ""),)
        yield f"{name} with a permission for any source", function(name, permissions=unbound), routes
        letters = "" if found.dead_letters else "queue/dead-letters"
        yield f"{name} with dead letters {letters or 'nowhere'}", function(name, dead_letters=letters), routes
        yield f"{name} scheduled otherwise", function(name, scheduled=not found.scheduled), routes
        stream = "" if found.follows else "table/audit/stream/made"
        yield f"{name} following {stream or 'nothing'}", function(name, follows=stream), routes
        yield f"{name} following values", function(name, follows="table/values/stream/made"), routes
    for name, found in of.roles.items():
        yield f"{name} with a managed policy", role(name, managed=("arn:aws:iam::aws:policy/ReadOnlyAccess",)), routes
        (trust,) = found.trust
        for principal in ("AWS:*", "Service:ec2.amazonaws.com"):
            wider = dataclasses.replace(trust, principals=(*trust.principals, principal))
            yield f"{name} open to {principal}", role(name, trust=(wider,)), routes
    yield (
        "a role of no function",
        dataclasses.replace(of, roles={**of.roles, "SpareRole": next(iter(of.roles.values()))}),
        routes,
    )
    yield from ((what, changed, routes) for what, changed in (*_key_policies(of), *_table_policies(of)))


def _elsewhere(function):
    return "manage-audit" if function != "manage-audit" else "account"


def _gateways(of):
    """The gateway's routes with one of them less, more, or otherwise."""
    for route in of.routes:
        method, path, function = route
        rest, told = of.routes - {route}, f"{method} {path}"
        yield f"without {told}", rest
        yield f"{told} elsewhere", rest | {(method, path, _elsewhere(function))}
        yield f"{told} elsewhere too", of.routes | {(method, path, _elsewhere(function))}
        wider = f"{path.removesuffix(f'/{gateway.GREEDY}').rpartition('/')[0]}/{gateway.GREEDY}"
        yield f"{wider} in place of {told}", rest | {(gateway.ANY, wider, function)}
        if method == gateway.ANY:
            yield f"{told} for GET only", rest | {("GET", path, function)}
            yield f"{told} for POST only", rest | {("POST", path, function)}
    yield "a route more", of.routes | {("GET", "/v1/all", "read-secret")}
    for path in (f"/{gateway.GREEDY}", f"/v1/{gateway.GREEDY}", f"/v1/manage/{gateway.GREEDY}"):
        yield f"{path} for one", of.routes | {(gateway.ANY, path, "manage-audit")}


def _codes(of, routes):
    """The code's routes with one of them otherwise."""
    for route in routes:
        method, path, function = route
        rest, told = routes - {route}, f"{method} {path}"
        if route in of.routes:
            # Below a family the gateway goes on leading to what is not there any more, and the function answers 404.
            yield f"the code without {told}", rest
        yield f"the code with {told} elsewhere", rest | {(method, path, _elsewhere(function))}
        yield f"the code with /v2{path}", rest | {(method, f"/v2{path}", function)}
    yield "the code with one more", routes | {("POST", "/v1/manage/all", "manage-audit")}


def _key_policies(of):
    for index, statement in enumerate(of.key_policy):

        def put(what, at=index, of_statement=statement, **changes):
            changed = dataclasses.replace(of_statement, **changes)
            policies = (*of.key_policy[:at], changed, *of.key_policy[at + 1 :])
            return f"key policy, {of_statement.sid}: {what}", dataclasses.replace(of, key_policy=policies)

        for action in ("kms:Decrypt", "kms:*", "kms:CreateGrant", "kms:ReEncryptFrom"):
            if not any(policy.like(pattern, action) for pattern in statement.actions):
                yield put(f"and {action}", actions=(*statement.actions, action))
        for place, condition in enumerate(statement.conditions):
            rest = (*statement.conditions[:place], *statement.conditions[place + 1 :])
            yield put(f"without the condition {condition.operator} on {condition.key}", conditions=rest)
            for value in ("*", "other"):
                wider = dataclasses.replace(condition, values=(*condition.values, value))
                changed = (*statement.conditions[:place], wider, *statement.conditions[place + 1 :])
                yield put(f"and {condition.key} {value}", conditions=changed)
        if statement.conditions and statement.principals != ("AWS:*",):
            yield put("for everybody", principals=("AWS:*",))
    opened = policy.Statement("Open", "Allow", ("kms:Decrypt",), ("*",), (), ("AWS:*",))
    yield "key policy: open to all", dataclasses.replace(of, key_policy=(*of.key_policy, opened))


def _table_policies(of):
    def put(table, *statements):
        return dataclasses.replace(of, table_policies={**of.table_policies, table: statements})

    allow = policy.Statement("Open", "Allow", ("dynamodb:GetItem",), ("*",), (), ("AWS:*",))
    for table, statements in of.table_policies.items():
        yield f"the table {table} open to all", put(table, *statements, allow)
    deny = policy.Statement("Closed", "Deny", ("dynamodb:PutItem", "dynamodb:DeleteItem"), ("*",), (), ("*",))
    yield "an audit table that takes no records", put("audit", *of.table_policies["audit"], deny)
    yield "an audit table without a policy", put("audit")
    for statement in of.table_policies["audit"]:
        for action in statement.actions:
            rest = tuple(other for other in statement.actions if other != action)
            yield f"{statement.sid} without {action}", put("audit", dataclasses.replace(statement, actions=rest))
        yield f"{statement.sid} for one only", put("audit", dataclasses.replace(statement, principals=("AWS:1",)))
        yield f"{statement.sid} without its condition", put("audit", dataclasses.replace(statement, conditions=()))


def survivors(of, calls, routes, needed, role_checks, architecture, noticed):
    """The mutants that no check notices; of the others `noticed` counts which check was the first.

    `architecture` are those of the `role_checks` that do not ask what the code needs.
    """
    for function in of.functions.values():
        statements = of.statements(function.name)
        for what, changed in (*less(statements), *more(statements)):
            by = first(role_checks, changed, function, needed[function.name])
            noticed.update(by)
            if not by:
                yield f"{function.name}: {what}"
        # The same when the code would make use of it: then the architecture alone stands in the way.
        for statement in STATEMENTS:
            if _nothing_new(statement, statements):
                continue
            changed = [*statements, statement]
            by = first(architecture, changed, function, needed[function.name])
            noticed.update(by)
            if not by:
                yield f"{function.name}: {statement.sid}, made use of"
    for what, changed, code in wired(of, routes):
        by = first(wiring.CHECKS, changed, calls, code)
        noticed.update(by)
        if not by:
            yield what


def _nothing_new(statement, statements):
    """Whether something may be done already with the same rows: who may write or check them may read them."""
    known = {(right.resource, right.key, right.purpose) for right in rights.all_granted(statements)}
    new = {(right.resource, right.key, right.purpose) for right in rights.granted(statement)}
    return new <= known and powers.held_by([*statements, statement]) == powers.held_by(statements)


def first(checks, *arguments):
    """The first check that finds something, by its title; none, if none does."""
    for title, check in checks.items():
        try:
            if any(True for _ in check(*arguments)):
                return [title]
        except policy.Unsupported:
            return ["the evaluator does not know it"]
    return []
