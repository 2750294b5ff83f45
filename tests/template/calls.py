"""What the functions need: the calls recorded while the suites ran, and what the Lambda service does in their name.

The end-to-end suite writes `tmp/calls.jsonl`, a line for each kind of call, and `tmp/routes.json` into the target
folder.
"""

import dataclasses
import json

import policy
import rights

# The process in which everything runs on a laptop; it is no function of the stack.
LOCAL = "local"
# What the recorder's context is called in a policy.
CONTEXT = {"purpose": "kms:EncryptionContext:purpose"}


@dataclasses.dataclass(frozen=True)
class Call:
    """One kind of call that a function makes."""

    function: str
    action: str
    resource: str
    keys: tuple = ()
    attributes: tuple = ()
    purpose: str = ""

    def request(self):
        context = {}
        if self.keys:
            context["dynamodb:LeadingKeys"] = self.keys
        if self.attributes:
            context["dynamodb:Attributes"] = self.attributes
        if self.purpose:
            context[CONTEXT["purpose"]] = (self.purpose,)
        return policy.Request(self.action, self.resource, context)

    def __str__(self):
        parts = [self.function, self.action, self.resource]
        parts += [f"keys {', '.join(self.keys)}"] if self.keys else []
        parts += [f"attributes {', '.join(self.attributes)}"] if self.attributes else []
        parts += [f"purpose {self.purpose}"] if self.purpose else []
        return "  ".join(parts)


def read(path):
    """The recorded calls of the stack's functions."""
    found = set()
    for line in path.read_text().splitlines():
        line = json.loads(line)
        if line["function"] == LOCAL:
            continue
        context = line.get("context", {})
        if unknown := set(context) - set(CONTEXT):
            raise ValueError(f"{path.name}: the context {', '.join(unknown)}")
        found.add(
            Call(
                function=line["function"],
                action=line["action"],
                resource=line["resource"],
                keys=tuple(sorted(line.get("keys", ()))),
                attributes=tuple(sorted(line.get("attributes", ()))),
                purpose=context.get("purpose", ""),
            )
        )
    return sorted(found, key=dataclasses.astuple)


def read_routes(path):
    """The routes of the code: method, path, function."""
    routes = json.loads(path.read_text())
    return {(route["method"], route["path"], route["function"]) for route in routes if route["function"] != LOCAL}


def by_the_service(function):
    """What the Lambda service does with a function's role; no code of ours makes these calls.

    - logs: it writes what the function prints into the function's own log group.
    - sqs: it puts an event that an asynchronous function could not handle into its dead-letter queue.
    - dynamodb: it reads the stream that a function follows.
    """
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Call(function.name, action, f"log-group/{function.name}")
    if function.dead_letters:
        yield Call(function.name, "sqs:SendMessage", function.dead_letters)
    if function.follows:
        for action in rights.STREAM:
            yield Call(function.name, action, function.follows)


def needed(of, recorded):
    """All that a function needs."""
    return [call for call in recorded if call.function == of.name] + list(by_the_service(of))
