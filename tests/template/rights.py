"""Granted equals needed, for each function: what its role allows against the calls that it makes."""

import dataclasses
import itertools

import policy

# The actions for which DynamoDB tells IAM the leading keys. For any other, a Scan say, the request has none, and
# `ForAllValues` is true of nothing: the condition would not hold it back.
KEYED = {
    f"dynamodb:{name}"
    for name in (
        "BatchGetItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    )
}
KEYS = "dynamodb:LeadingKeys"
UPDATE = "dynamodb:UpdateItem"
ATTRIBUTES = "dynamodb:Attributes"
PURPOSE = "kms:EncryptionContext:purpose"
PURPOSES = {"project", "vault"}
# How each condition has to be written.
OPERATORS = {
    KEYS: {"ForAllValues:StringEquals", "ForAllValues:StringLike"},
    ATTRIBUTES: {"ForAllValues:StringEquals"},
    PURPOSE: {"StringEquals"},
}


@dataclasses.dataclass(frozen=True)
class Right:
    """The smallest thing that can be granted; what does not apply is None."""

    action: str
    resource: str
    key: str | None = None
    attribute: str | None = None
    purpose: str | None = None

    def __str__(self):
        return " ".join(part for part in dataclasses.astuple(self) if part)


def _rights(actions, resources, keys, attributes, purposes):
    lists = (keys or (None,), attributes or (None,), purposes or (None,))
    return {Right(*parts) for parts in itertools.product(actions, resources, *lists)}


def granted(statement):
    """The rights in one statement."""
    return _rights(
        statement.actions,
        statement.resources,
        statement.values(KEYS),
        statement.values(ATTRIBUTES),
        statement.values(PURPOSE),
    )


def used(call):
    """The rights that one call takes, both with its attributes and as a statement says it that names none."""
    purposes = (call.purpose,) if call.purpose else ()
    lists = ((call.action,), (call.resource,), call.keys)
    return _rights(*lists, call.attributes, purposes) | _rights(*lists, (), purposes)


def all_granted(statements):
    return set().union(*map(granted, statements))


# The checks. Each takes a role's statements, the function, and the calls it needs, and gives what is wrong.


def denied(statements, function, needed):
    """A call that the role does not allow."""
    refused = {}
    for call in needed:
        if not policy.allowed(statements, call.request()):
            refused.setdefault((call.action, call.resource), []).append(call)
    problems = []
    for calls in refused.values():
        named = [f"not allowed: {call}" for call in calls]
        problems.append("\n".join([*named, "this would allow it, in infra/roles.yaml:", smallest(calls)]))
    return problems


def superfluous(statements, function, needed):
    """An atom of a statement (action, resource, value of a condition) without which every call is still allowed."""
    problems = []
    for index, statement in enumerate(statements):
        for atom, smaller in atoms(statement):
            rest = list(statements)
            rest[index : index + 1] = smaller
            if all(policy.allowed(rest, call.request()) for call in needed):
                problems.append(f"{function.name}: {statement.sid} grants {atom}, and no call needs it")
    return problems


# What it takes to follow a stream.
STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


def unused(statements, function, needed):
    """A combination of action, resource and condition values that no call uses."""
    in_use = set().union(*map(used, needed))
    problems = []
    for statement in statements:
        for right in sorted(granted(statement) - in_use, key=str):
            problems.append(f"{function.name}: {statement.sid} grants `{right}`, and no call uses it")
    return problems


def shape(statements, function, needed):
    """A statement that is wider or vaguer than statements here may be."""
    problems = []

    def demand(holds, statement, problem):
        if not holds:
            problems.append(f"{function.name}: {statement.sid or 'a statement without a Sid'} {problem}")

    sids = [statement.sid for statement in statements]
    for statement in statements:
        demand(statement.sid and sids.count(statement.sid) == 1, statement, "needs a Sid of its own")
        demand(statement.effect == "Allow", statement, "denies; take the right away where it is granted")
        for resource in statement.resources:
            kind, _, name = resource.partition("/")
            demand(
                kind in _RESOURCES and not wild(resource),
                statement,
                f"names no single resource of the stack: {resource}",
            )
            demand(
                kind != "log-group" or name == function.name, statement, f"is about another function's log: {resource}"
            )
        for condition in statement.conditions:
            demand(
                condition.operator in OPERATORS.get(condition.key, ()),
                statement,
                f"must not use {condition.operator} on {condition.key}",
            )
        for action in statement.actions:
            demand(not wild(action), statement, f"allows the wildcard action {action}")
            service = action.split(":")[0]
            if action in STREAM and all("/stream/" in resource for resource in statement.resources):
                # A stream has no rows to name: who follows it sees all of the table's changes.
                continue
            if service == "dynamodb":
                demand(action in KEYED, statement, f"allows {action}, which no leading keys can hold back")
                demand(statement.values(KEYS), statement, "does not say which rows (dynamodb:LeadingKeys)")
                for key in statement.values(KEYS):
                    demand(key.rstrip("*") and not wild(key[:-1]), statement, f"does not say which rows: {key}")
            if action == UPDATE:
                demand(
                    statement.values(ATTRIBUTES),
                    statement,
                    "does not say which attributes may be updated (dynamodb:Attributes)",
                )
            if service == "kms":
                purposes = set(statement.values(PURPOSE))
                demand(purposes and purposes <= PURPOSES, statement, "does not name a purpose of the key")
    return problems


def wild(text):
    return "*" in text or "?" in text


def atoms(statement):
    """Each atom of a statement in words, with what is left of the statement without it: one statement or none."""
    for field in ("actions", "resources"):
        for value in getattr(statement, field):
            rest = tuple(other for other in getattr(statement, field) if other != value)
            yield value, [dataclasses.replace(statement, **{field: rest})] if rest else []
    for index, condition in enumerate(statement.conditions):
        for value in condition.values:
            rest = tuple(other for other in condition.values if other != value)
            conditions = list(statement.conditions)
            conditions[index] = dataclasses.replace(condition, values=rest)
            yield f"{condition.key} {value}", (
                [dataclasses.replace(statement, conditions=tuple(conditions))] if rest else []
            )


# Statements for calls, as infra/roles.yaml has them.

_ARN = "!Sub arn:${{AWS::Partition}}:%s:${{AWS::Region}}:${{AWS::AccountId}}:"
_RESOURCES = {
    "key": "!Ref KeyArn",
    "table": _ARN % "dynamodb" + "table/${{Prefix}}-{}",
    "function": _ARN % "lambda" + "function:${{Prefix}}-{}",
    "log-group": _ARN % "logs" + "log-group:/aws/lambda/${{Prefix}}-{}:log-stream:*",
    "identity": _ARN % "ses" + "identity/${{MailIdentity}}",
    "queue": _ARN % "sqs" + "${{Prefix}}-{}",
}
_STREAM = "!Ref AuditStream"


def smallest(calls):
    """The smallest statements that allow these calls of one function, as YAML."""
    # Calls of one action on one resource share a statement, because one statement has to allow a call as a whole.
    # Updates share one only where a call names both kinds of rows, so that each kind keeps its own attributes.
    groups = []
    for call in calls:
        same = [group for group in groups if _belongs(call, group)]
        groups = [group for group in groups if group not in same] + [[call, *itertools.chain.from_iterable(same)]]
    # Actions that need the same of the same resource are one statement.
    merged = {}
    for group in groups:
        values = tuple(
            tuple(sorted(set(itertools.chain.from_iterable(part(call) for call in group))))
            for part in (
                lambda call: call.keys,
                lambda call: call.attributes if call.action == UPDATE else (),
                lambda call: (call.purpose,) if call.purpose else (),
            )
        )
        merged.setdefault((group[0].resource, values), set()).add(group[0].action)
    return "\n".join(
        _yaml(resource, sorted(actions), *values) for (resource, values), actions in sorted(merged.items())
    )


def _belongs(call, group):
    first = group[0]
    if (call.action, call.resource) != (first.action, first.resource):
        return False
    return call.action != UPDATE or any(set(call.keys) & set(other.keys) for other in group)


def _yaml(resource, actions, keys, attributes, purposes):
    kind, _, name = resource.partition("/")
    lines = [
        f"- Sid: {_sid(resource, actions, keys)}",
        "  Effect: Allow",
        f"  Action: [{', '.join(actions)}]" if len(actions) > 1 else f"  Action: {actions[0]}",
        f"  Resource: {_STREAM if '/stream/' in name else _RESOURCES[kind].format(name)}",
    ]
    conditions = {}
    if keys:
        conditions.setdefault("ForAllValues:StringLike", []).append((KEYS, keys))
    if attributes:
        conditions.setdefault("ForAllValues:StringEquals", []).append((ATTRIBUTES, attributes))
    if purposes:
        conditions.setdefault("StringEquals", []).append((PURPOSE, purposes))
    if conditions:
        lines.append("  Condition:")
    for operator, pairs in conditions.items():
        lines.append(f"    {operator}:")
        for key, values in pairs:
            lines.append(f"      {key}: [{', '.join(repr(value) if wild(value) else value for value in values)}]")
    return "\n".join(lines)


def _sid(resource, actions, keys):
    words = [*(action.split(":")[1] for action in actions), *resource.split("/")]
    words += [key.rstrip("#*_") for key in keys] if len(keys) == 1 else []
    return "".join(part[:1].upper() + part[1:] for word in words for part in word.replace("_", "-").split("-"))
