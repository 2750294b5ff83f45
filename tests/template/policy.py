"""What IAM would say: an evaluator for the policy language, as far as this stack uses it.

A request is allowed when one statement allows it as a whole and no statement denies it. Whatever is not known here (an
operator, a condition key, a policy variable, `NotAction`) is an error and never a guess.
"""

import dataclasses
import functools
import re


class Unsupported(Exception):
    """A policy says something that this evaluator does not know."""


# The condition keys that the stack's policies may use. A key that is spelled otherwise would never match on AWS.
KEYS = {
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:SourceArn",
    "dynamodb:Attributes",
    "dynamodb:LeadingKeys",
    "kms:CallerAccount",
    "kms:EncryptionContext:aws:logs:arn",
    "kms:EncryptionContext:purpose",
    "kms:ViaService",
}


@dataclasses.dataclass(frozen=True)
class Request:
    """One call as IAM sees it. A key that is not in the context is not in the request."""

    action: str
    resource: str
    context: dict


@dataclasses.dataclass(frozen=True)
class Condition:
    """`operator: {key: values}`."""

    operator: str
    key: str
    values: tuple

    def holds(self, context):
        quantifier, comparison, if_exists = _parse(self.operator)
        known = context.get(self.key)
        if comparison == "Null":
            return any((known is None) == (value == "true") for value in self.values)
        if known is None:
            # Of no value at all everything is true: so a request without the key passes.
            return if_exists or quantifier == "ForAllValues"
        matches = [any(_compare(comparison, value, pattern) for pattern in self.values) for value in known]
        if quantifier == "ForAllValues":
            return all(matches)
        if quantifier is None and len(known) != 1:
            raise Unsupported(f"{self.operator} on {self.key}, which has {len(known)} values in the request")
        return any(matches)


@dataclasses.dataclass(frozen=True)
class Statement:
    """One statement, with its lists as tuples and its resources by their canonical names (see `stack.canonical`)."""

    sid: str
    effect: str
    actions: tuple
    resources: tuple
    conditions: tuple = ()
    principals: tuple = ()

    def applies(self, request):
        return (
            any(like(pattern.lower(), request.action.lower()) for pattern in self.actions)
            and any(like(pattern, request.resource) for pattern in self.resources)
            and all(condition.holds(request.context) for condition in self.conditions)
        )

    def values(self, key):
        """What the condition on this key lists; nothing when there is none."""
        return tuple(value for condition in self.conditions if condition.key == key for value in condition.values)


def allowed(statements, request):
    """Whether these statements, together all there is, allow the request."""
    applying = [statement.effect for statement in statements if statement.applies(request)]
    return "Allow" in applying and "Deny" not in applying


def parse(statement, canonical):
    """A statement as it stands in a policy document, its functions resolved; `canonical` names its resources."""
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    if unknown:
        raise Unsupported(f"{', '.join(sorted(unknown))} in a statement")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise Unsupported(f"the effect {statement['Effect']}")
    conditions = []
    for operator, pairs in (statement.get("Condition") or {}).items():
        _parse(operator)
        for key, values in pairs.items():
            values = tuple(_text(value) for value in _list(values))
            if key not in KEYS:
                raise Unsupported(f"the condition key {key}")
            if not values or any("${" in value for value in values):
                raise Unsupported(f"no values or policy variables in the condition on {key}")
            conditions.append(Condition(operator, key, values))
    return Statement(
        sid=statement.get("Sid", ""),
        effect=statement["Effect"],
        actions=tuple(_list(statement["Action"])),
        resources=tuple(canonical(resource) for resource in _list(statement["Resource"])),
        conditions=tuple(conditions),
        principals=_principals(statement.get("Principal")),
    )


@functools.cache
def _pattern(pattern):
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def like(pattern, text):
    """IAM's wildcards: `*` is any text and `?` any one character, the slash among them."""
    return _pattern(pattern).fullmatch(text) is not None


_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(StringEquals|StringLike|ArnLike|Bool|Null)(IfExists)?")


@functools.cache
def _parse(operator):
    match = _OPERATOR.fullmatch(operator)
    if match is None or (match[2] == "Null" and (match[1] or match[3])):
        raise Unsupported(f"the condition operator {operator}")
    return match[1], match[2], match[3] is not None


def _compare(comparison, value, pattern):
    if comparison in ("StringEquals", "Bool"):
        return value == pattern
    if comparison == "StringLike":
        return like(pattern, value)
    # The six parts of an ARN are compared each for itself.
    parts = (pattern.split(":", 5), value.split(":", 5))
    return len(parts[0]) == len(parts[1]) and all(map(like, *parts))


def _list(value):
    return value if isinstance(value, list) else [value]


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _principals(principal):
    if principal is None:
        return ()
    if not isinstance(principal, dict):
        return (str(principal),)
    return tuple(f"{kind}:{who}" for kind, values in principal.items() for who in _list(values))
