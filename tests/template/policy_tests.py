"""The evaluator against hand-made cases with known answers."""

import policy

ROWS = "dynamodb:LeadingKeys"
ATTRIBUTES = "dynamodb:Attributes"
PURPOSE = "kms:EncryptionContext:purpose"
SERVICE = "aws:PrincipalIsAWSService"
SOURCE = "aws:SourceArn"


def allow(action, resource, effect="Allow", **condition):
    operators = {name.replace("__", ":"): pairs for name, pairs in condition.items()}
    return {"Effect": effect, "Action": action, "Resource": resource, "Condition": operators}


def decide(statements, action, resource, **context):
    names = {"rows": ROWS, "attributes": ATTRIBUTES, "purpose": PURPOSE, "service": SERVICE, "source": SOURCE}
    request = policy.Request(action, resource, {names[name]: tuple(values) for name, values in context.items()})
    return policy.allowed([policy.parse(statement, lambda name: name) for statement in statements], request)


GET = allow("dynamodb:GetItem", "table/vault", ForAllValues__StringLike={ROWS: ["VAULT#*", "EXPIRY"]})
ANY = allow("dynamodb:*", "table/vault", ForAllValues__StringLike={ROWS: ["VAULT#*"]})
KEY = allow("kms:Decrypt", "key", StringEquals={PURPOSE: "project"})

# What is asked, and the answer.
CASES = {
    "nothing is allowed unless a statement allows it": (decide([], "a:B", "c"), False),
    "an action and resource that are named": (decide([allow("a:B", "c")], "a:B", "c"), True),
    "another action": (decide([allow("a:B", "c")], "a:C", "c"), False),
    "another resource": (decide([allow("a:B", "c")], "a:B", "d"), False),
    "one of several": (decide([allow(["a:A", "a:B"], ["b", "c"])], "a:B", "c"), True),
    "actions whatever their case": (decide([allow("a:getitem", "c")], "a:GetItem", "c"), True),
    "resources only in their own case": (decide([allow("a:B", "C")], "a:B", "c"), False),
    "a wildcard in an action": (decide([allow("a:*", "c")], "a:B", "c"), True),
    "a wildcard stops at the service it is in": (decide([allow("a:*", "c")], "b:B", "c"), False),
    "a wildcard in a resource runs over slashes": (decide([allow("a:B", "table/*")], "a:B", "table/x/index/y"), True),
    "a table without a wildcard is not its index": (decide([allow("a:B", "table/x")], "a:B", "table/x/index/y"), False),
    "a question mark is one character": (decide([allow("a:B", "c?")], "a:B", "c"), False),
    "other signs are themselves": (decide([allow("a:B", "c.[d]")], "a:B", "cxd"), False),
    "a Deny wins": (decide([allow("a:B", "c"), allow("a:B", "c", "Deny")], "a:B", "c"), False),
    "a Deny wins from the first place too": (decide([allow("*", "*", "Deny"), allow("a:B", "c")], "a:B", "c"), False),
    "a Deny of something else does not": (decide([allow("a:B", "c"), allow("a:B", "d", "Deny")], "a:B", "c"), True),
    "a Deny whose condition fails does not": (
        decide([allow("a:B", "c"), allow("a:B", "c", "Deny", StringEquals={PURPOSE: "x"})], "a:B", "c", purpose=["y"]),
        True,
    ),
    "rows of the kind": (decide([GET], "dynamodb:GetItem", "table/vault", rows=["VAULT#1"]), True),
    "rows of two kinds that one statement names": (
        decide([GET], "dynamodb:GetItem", "table/vault", rows=["EXPIRY", "VAULT#1"]),
        True,
    ),
    "rows of another kind": (decide([GET], "dynamodb:GetItem", "table/vault", rows=["USER#1"]), False),
    "one row of another kind among them": (
        decide([GET], "dynamodb:GetItem", "table/vault", rows=["VAULT#1", "USER#1"]),
        False,
    ),
    "an exact key is not a prefix": (decide([GET], "dynamodb:GetItem", "table/vault", rows=["EXPIRY#1"]), False),
    "a prefix is not found in the middle": (
        decide([GET], "dynamodb:GetItem", "table/vault", rows=["A-VAULT#1"]),
        False,
    ),
    "one statement has to allow a request as a whole": (
        decide(
            [
                allow("a:B", "c", ForAllValues__StringLike={ROWS: ["A#*"]}),
                allow("a:B", "c", ForAllValues__StringLike={ROWS: ["B#*"]}),
            ],
            "a:B",
            "c",
            rows=["A#1", "B#1"],
        ),
        False,
    ),
    "ForAllValues is true of a request without the key": (decide([ANY], "dynamodb:Scan", "table/vault"), True),
    "and of one with no values": (decide([ANY], "dynamodb:Scan", "table/vault", rows=[]), True),
    "Null false holds that back": (
        decide(
            [allow("dynamodb:*", "t", ForAllValues__StringLike={ROWS: "V#*"}, Null={ROWS: False})], "dynamodb:Scan", "t"
        ),
        False,
    ),
    "and lets a request with the key through": (
        decide(
            [allow("dynamodb:*", "t", ForAllValues__StringLike={ROWS: "V#*"}, Null={ROWS: "false"})],
            "dynamodb:Query",
            "t",
            rows=["V#1"],
        ),
        True,
    ),
    "Null true wants the key away": (decide([allow("a:B", "c", Null={ROWS: "true"})], "a:B", "c", rows=["x"]), False),
    "ForAnyValue wants one": (
        decide([allow("a:B", "c", ForAnyValue__StringLike={ROWS: "V#*"})], "a:B", "c", rows=["V#1", "U#1"]),
        True,
    ),
    "ForAnyValue is false of a request without the key": (
        decide([allow("a:B", "c", ForAnyValue__StringLike={ROWS: "V#*"})], "a:B", "c"),
        False,
    ),
    "StringEquals takes a star as a star": (
        decide([allow("a:B", "c", ForAllValues__StringEquals={ROWS: "V#*"})], "a:B", "c", rows=["V#1"]),
        False,
    ),
    "the purpose": (decide([KEY], "kms:Decrypt", "key", purpose=["project"]), True),
    "another purpose": (decide([KEY], "kms:Decrypt", "key", purpose=["vault"]), False),
    "no purpose": (decide([KEY], "kms:Decrypt", "key"), False),
    "no purpose, with IfExists": (decide([allow("a:B", "c", StringEqualsIfExists={PURPOSE: "x"})], "a:B", "c"), True),
    "another purpose, with IfExists": (
        decide([allow("a:B", "c", StringEqualsIfExists={PURPOSE: "x"})], "a:B", "c", purpose=["y"]),
        False,
    ),
    "an ARN with a wildcard": (
        decide(
            [allow("a:B", "c", ArnLike={SOURCE: "arn:aws:logs:r:1:group:/x-*"})],
            "a:B",
            "c",
            source=["arn:aws:logs:r:1:group:/x-y"],
        ),
        True,
    ),
    "a wildcard in an ARN stays in its part": (
        decide([allow("a:B", "c", ArnLike={SOURCE: "arn:aws:*:group"})], "a:B", "c", source=["arn:aws:logs:r:1:group"]),
        False,
    ),
    "Bool compares truth as text": (
        decide([allow("a:B", "c", Bool={SERVICE: False})], "a:B", "c", service=["false"]),
        True,
    ),
    "Bool of the other truth": (
        decide([allow("a:B", "c", Bool={SERVICE: "false"})], "a:B", "c", service=["true"]),
        False,
    ),
    "two conditions both have to hold": (
        decide(
            [
                allow(
                    "a:B",
                    "c",
                    ForAllValues__StringLike={ROWS: "V#*"},
                    ForAllValues__StringEquals={ATTRIBUTES: ["pk", "x"]},
                )
            ],
            "a:B",
            "c",
            rows=["V#1"],
            attributes=["pk", "y"],
        ),
        False,
    ),
    "and do when they do": (
        decide(
            [
                allow(
                    "a:B",
                    "c",
                    ForAllValues__StringLike={ROWS: "V#*"},
                    ForAllValues__StringEquals={ATTRIBUTES: ["pk", "x"]},
                )
            ],
            "a:B",
            "c",
            rows=["V#1"],
            attributes=["x", "pk"],
        ),
        True,
    ),
}

# Statements that are not understood, and have to be refused.
REFUSED = {
    "an operator that is not known": allow("a:B", "c", StringNotLike={ROWS: "x"}),
    "a quantifier that is not known": allow("a:B", "c", ForSomeValues__StringLike={ROWS: "x"}),
    "Null with a quantifier": allow("a:B", "c", ForAllValues__Null={ROWS: "true"}),
    "a condition key that is not known": allow("a:B", "c", StringEquals={"dynamodb:leadingKeys": "x"}),
    "a condition without values": allow("a:B", "c", StringEquals={PURPOSE: []}),
    "a policy variable": allow("a:B", "c", StringLike={ROWS: "${aws:userid}"}),
    "NotAction": {"Effect": "Allow", "NotAction": "a:B", "Resource": "c"},
    "NotResource": {"Effect": "Allow", "Action": "a:B", "NotResource": "c"},
    "an effect that is not known": allow("a:B", "c", "Permit"),
}


def evaluator():
    """Cases whose answer is another than it should be."""
    return [
        f"{what}: should be {'allowed' if right else 'denied'}"
        for what, (found, right) in CASES.items()
        if found != right
    ]


def refusals():
    """Statements that are taken although they are not understood, or requests."""
    problems = []
    for what, statement in REFUSED.items():
        try:
            policy.parse(statement, lambda name: name)
            problems.append(f"{what} is taken")
        except policy.Unsupported:
            pass
    try:
        decide([KEY], "kms:Decrypt", "key", purpose=["project", "vault"])
        problems.append("several values of a key for an operator on one are taken")
    except policy.Unsupported:
        pass
    return problems
