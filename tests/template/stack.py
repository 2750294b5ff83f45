"""The stack as the files describe it: functions with their roles and environment, routes, triggers, policies.

AWS resources get short names: `table/vault`, `table/vault/index/by-owner`, `key`, `function/seal-secret`,
`log-group/read-secret`, `queue/dead-letters`.
"""

import dataclasses
import re

import policy
from cloudformation import ACCOUNT, PREFIX, REGION, Template

# Each kind of resource in policies: how its ARN looks, and its short name.
_ARN = r"arn:aws:%s:" + re.escape(f"{REGION}:{ACCOUNT}")
_CANONICAL = [
    (re.compile(_ARN % "dynamodb" + rf":table/{PREFIX}-([^/]+)(/index/.+|/stream/.+)?"), "table/{}{}"),
    (re.compile(_ARN % "kms" + r":key/[^*]+"), "key"),
    (re.compile(_ARN % "lambda" + rf":function:{PREFIX}-([^:]+)"), "function/{}"),
    (re.compile(_ARN % "logs" + rf":log-group:/aws/lambda/{PREFIX}-([^:]+):log-stream:\*"), "log-group/{}"),
    (re.compile(_ARN % "ses" + r":identity/[^*]*"), "identity"),
    (re.compile(_ARN % "sqs" + rf":{PREFIX}-([^:]+)"), "queue/{}"),
]


def canonical(arn):
    """The short name of the resource; an ARN of no known shape (a wildcard, say) stays as it is."""
    for pattern, name in _CANONICAL:
        if match := pattern.fullmatch(arn):
            return name.format(*(part or "" for part in match.groups()))
    return arn


def short(name):
    """A function's, role's or table's name without the deployment's prefix."""
    return name.removeprefix(f"{PREFIX}-")


@dataclasses.dataclass(frozen=True)
class Role:
    """A role as it is, whoever uses it."""

    name: str
    statements: tuple
    managed: tuple
    trust: tuple


@dataclasses.dataclass(frozen=True)
class Function:
    """A function and what the template gives it."""

    name: str
    role: str
    environment: dict
    log: str
    dead_letters: str
    routes: tuple
    scheduled: bool
    # The table whose stream it follows, by its short name.
    follows: str
    # Who else may invoke it, by the template: principal and source.
    permissions: tuple


@dataclasses.dataclass(frozen=True)
class Stack:
    """Everything the tests look at."""

    functions: dict
    roles: dict
    routes: frozenset
    key_policy: tuple
    # The statements of the tables' own policies, by the table's short name.
    table_policies: dict

    def statements(self, function):
        return self.roles[self.functions[function].role].statements


# What has no default.
REQUIRED = {"SetUpCodeHash": "0" * 64}
# Everything that can be switched on.
EVERY_OPTION = {
    **REQUIRED,
    "AlarmEmail": "alarms@example.org",
    "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/one",
    "DomainName": "keys.example.org",
    "MailFrom": "keys@example.org",
    "MailIdentity": "example.org",
    "OpenSignUp": "true",
    "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/bound",
    "ReserveConcurrency": "true",
}


def build(documents, parameters=None):
    """The stack that these templates describe, with these parameters and the defaults of the others."""
    if unknown := set(parameters or ()) - set(documents["template.yaml"]["Parameters"]):
        raise KeyError(f"template.yaml has no parameter {', '.join(unknown)}")
    root = Template(documents, "template.yaml", {**REQUIRED, **(parameters or {})})
    refuse_other_ways(root)
    permissions = [properties for _, properties in root.all("AWS::Lambda::Permission")]
    routes = frozenset(_routes(root))
    roles = {}
    for name, properties in root.all("AWS::IAM::Role"):
        roles[properties.get("RoleName", name)] = _role(name, properties)
    functions = {}
    defaults = root.resolve(root.document.get("Globals", {}).get("Function", {}))
    for _, own in root.all("AWS::Serverless::Function"):
        name = short(own["FunctionName"])
        variables = [part.get("Environment", {}).get("Variables", {}) for part in (defaults, own)]
        functions[name] = Function(
            name=name,
            role=own["Role"].rsplit("/", 1)[1],
            environment={**variables[0], **variables[1]},
            log=own["LoggingConfig"]["LogGroup"],
            dead_letters=_dead_letters(own),
            routes=tuple(sorted((method, path) for method, path, function in routes if function == name)),
            scheduled=any(event["Type"] == "Schedule" for event in own.get("Events", {}).values()),
            follows=_followed(own),
            permissions=tuple(
                (permission["Principal"], permission.get("SourceArn", ""))
                for permission in permissions
                if _function(permission["FunctionName"]) == name
            ),
        )
    (key,) = [properties for _, properties in root.all("AWS::KMS::Key")]
    key_policy = tuple(policy.parse(statement, canonical) for statement in key["KeyPolicy"]["Statement"])
    tables = {}
    for _, table in root.all("AWS::DynamoDB::Table"):
        document = table.get("ResourcePolicy", {}).get("PolicyDocument", {"Statement": []})
        tables[short(table["TableName"])] = tuple(
            policy.parse(statement, canonical) for statement in document["Statement"]
        )
    return Stack(functions, roles, routes, key_policy, tables)


# What gives rights to somebody beside roles, permissions and the policies of key and tables: alarms may be published.
_PUBLISHES = "AWS::SNS::TopicPolicy"
_GRANTING = re.compile(r".*(Policy|PolicyAttachment|EventSourceMapping|::Url|LayerVersionPermission)")


# The events of functions that are looked at.
TRIGGERS = ("Schedule", "DynamoDB")


def refuse_other_ways(root):
    """Rights and triggers that come about in a way these tests do not look at are an error."""
    for name, resource in root.all_as_written():
        kind, properties = resource["Type"], resource.get("Properties", {})
        function = kind in ("AWS::Lambda::Function", "AWS::Serverless::Function")
        other = [
            kind == "AWS::Lambda::Function",
            _GRANTING.fullmatch(kind) and kind != _PUBLISHES,
            "ResourcePolicy" in properties and kind != "AWS::DynamoDB::Table",
            function and {"AutoPublishAlias", "FunctionUrlConfig", "PermissionsBoundary", "Policies"} & set(properties),
            function and any(event["Type"] not in TRIGGERS for event in properties.get("Events", {}).values()),
        ]
        if any(other):
            raise policy.Unsupported(f"{name} ({kind}) grants rights or triggers in a way these tests do not know")


def _role(name, properties):
    statements = []
    for inline in properties.get("Policies", []):
        for statement in inline["PolicyDocument"]["Statement"]:
            statements.append(policy.parse(statement, canonical))
    trust = []
    for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
        trust.append(policy.parse({"Resource": [], **statement}, canonical))
    return Role(name, tuple(statements), tuple(properties.get("ManagedPolicyArns", ())), tuple(trust))


def _function(arn_or_name):
    """The function that an ARN, an invocation URI or a name means."""
    match = re.search(rf"(?:function:|^){PREFIX}-([a-z0-9-]+)", arn_or_name)
    if match is None:
        raise ValueError(f"{arn_or_name} names no function of the stack")
    return match[1]


def _routes(root):
    targets = {name: _function(found["IntegrationUri"]) for name, found in root.all("AWS::ApiGatewayV2::Integration")}
    for _, route in root.all("AWS::ApiGatewayV2::Route"):
        method, path = route["RouteKey"].split(" ")
        yield method, path, targets[route["Target"].removeprefix("integrations/")]


def _dead_letters(properties):
    """The queue for events that the function could not handle, by its short name."""
    streams = [event["Properties"] for event in properties.get("Events", {}).values() if event["Type"] == "DynamoDB"]
    given = [properties.get("EventInvokeConfig", {}), *streams]
    arns = [part.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") for part in given]
    arn = next(filter(None, arns), None) or properties.get("DeadLetterQueue", {}).get("TargetArn")
    return canonical(arn) if arn else ""


def _followed(properties):
    """The stream that the function follows, by its short name."""
    events = properties.get("Events", {}).values()
    streams = [canonical(event["Properties"]["Stream"]) for event in events if event["Type"] == "DynamoDB"]
    return streams[0] if streams else ""
