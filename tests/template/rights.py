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
# A put or an update names the row's own key among its attributes.
KEY_ATTRIBUTES = ("pk", "sk")
ATTRIBUTES = "dynamodb:Attributes"
PURPOSE = "kms:EncryptionContext:purpose"
PURPOSES = {"project", "share", "signing", "vault", "webhook"}
# What a resource of the stack is, by the beginning of its short name.
KINDS = {"function", "identity", "key", "log-group", "queue", "table"}
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


def product(actions, resources, keys=(), attributes=(), purposes=()):
    """The rights in each combination of these; an empty list does not apply."""
    lists = (keys or (None,), attributes or (None,), purposes or (None,))
    return {Right(*parts) for parts in itertools.product(actions, resources, *lists)}


def granted(statement):
    """The rights in one statement."""
    return product(
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
    return product(*lists, call.attributes, purposes) | product(*lists, (), purposes)


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
        problems.append("\n".join([*named, "a right of infra/system.toml with this would allow it:", *lines(calls)]))
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
                kind in KINDS and not wild(resource),
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
            yield (
                f"{condition.key} {value}",
                ([dataclasses.replace(statement, conditions=tuple(conditions))] if rest else []),
            )


# Rights put together, and as infra/system.toml writes them.


@dataclasses.dataclass(frozen=True, order=True)
class Access:
    """One kind of access: what a statement says, or a line of infra/system.toml."""

    resource: str
    keys: tuple
    attributes: tuple
    purposes: tuple
    actions: tuple

    def __str__(self):
        kind, _, name = self.resource.partition("/")
        place = {"log-group": "log", "identity": "identity", "key": "key"}.get(kind, name.replace("/index/", "/"))
        attributes = ", ".join(attribute for attribute in self.attributes if attribute not in KEY_ATTRIBUTES)
        parts = (
            ", ".join(action.split(":")[1] for action in self.actions),
            "stream" if "/stream/" in name else place,
            ", ".join(self.keys or self.purposes),
            f"({attributes})" if attributes else "",
        )
        return " ".join(filter(None, parts))


def merged(rights):
    """The fewest kinds of access that are these rights and no more.

    What one action may do on one resource stands together, because one statement has to allow a call as a whole. Where
    attributes are named each kind of row keeps its own; a call that names attributes is about one row.
    """
    values = {}
    for right in rights:
        own = right.key if right.attribute else None
        lists = values.setdefault((right.resource, right.action, own), (set(), set(), set()))
        for found, value in zip(lists, (right.key, right.attribute, right.purpose), strict=True):
            found.update([value] if value else [])
    # Actions that may do the same are one kind of access.
    actions = {}
    for (resource, action, _), lists in values.items():
        actions.setdefault((resource, *(tuple(sorted(found)) for found in lists)), set()).add(action)
    return sorted(Access(*same, tuple(sorted(found))) for same, found in actions.items())


def lines(calls):
    """What these calls of one function need, as infra/system.toml writes it."""
    needed = set()
    for call in calls:
        attributes = call.attributes if call.action == UPDATE else ()
        purposes = (call.purpose,) if call.purpose else ()
        needed |= product((call.action,), (call.resource,), call.keys, attributes, purposes)
    return [str(access) for access in merged(needed)]
