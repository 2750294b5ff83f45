"""The stack as the files describe it: functions with their roles and environment, routes, triggers, the key's policy.

The templates are resolved for one example deployment, with the parameters' defaults, and AWS resources get short names:
`table/vault`, `table/vault/index/by-owner`, `key`, `function/seal-secret`, `log-group/read-secret`, `queue/dead-letters`.
"""

import dataclasses
import pathlib
import re

import yaml

import policy

# The example deployment.
PREFIX = "example"
ACCOUNT = "111122223333"
REGION = "eu-central-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": "stack-id",
    "AWS::StackName": PREFIX,
    "AWS::URLSuffix": "amazonaws.com",
}
NESTED = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, which become what they are short for."""


def _tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _tag)


def read(root):
    """The templates of a stack by their path from the root, as they stand in the files."""
    documents = {}

    def add(path):
        documents[path] = yaml.load((root / path).read_text(), Loader)  # noqa: S506  a SafeLoader
        for resource in documents[path]["Resources"].values():
            if resource["Type"] in NESTED:
                add(str(pathlib.PurePosixPath(path).parent / _location(resource)))

    add("template.yaml")
    return documents


def _location(resource):
    properties = resource["Properties"]
    return properties.get("TemplateURL") or properties["Location"]


class Template:
    """One template with its parameters given."""

    def __init__(self, documents, path, parameters):
        self.document = documents[path]
        self.resources = self.document["Resources"]
        self.parameters = {}
        for name, parameter in self.document.get("Parameters", {}).items():
            value = parameters.get(name, parameter.get("Default"))
            if value is None:
                raise KeyError(f"{path}: the parameter {name} is not given and has no default")
            self.parameters[name] = value if isinstance(value, list) else str(value)
        self.children = {}
        for name, resource in self.live():
            if resource["Type"] in NESTED:
                child = str(pathlib.PurePosixPath(path).parent / _location(resource))
                given = self.resolve(resource["Properties"].get("Parameters", {}))
                self.children[name] = Template(documents, child, given)

    def live(self, *types):
        """The resources of these types, or all, whose condition holds."""
        for name, resource in self.resources.items():
            wanted = not types or resource["Type"] in types
            if wanted and ("Condition" not in resource or self.condition(resource["Condition"])):
                yield name, resource

    def all(self, *types):
        """The same with the properties resolved, the nested stacks' too: logical name, properties."""
        for name, resource in self.live(*types):
            yield name, self.resolve(resource.get("Properties", {}))
        for child in self.children.values():
            yield from child.all(*types)

    def condition(self, name):
        return self.test(self.document["Conditions"][name])

    def test(self, expression):
        ((function, value),) = expression.items()
        if function == "Condition":
            return self.condition(value)
        if function == "Fn::Equals":
            return self.resolve(value[0]) == self.resolve(value[1])
        if function == "Fn::Not":
            return not self.test(value[0])
        if function in ("Fn::And", "Fn::Or"):
            return (all if function == "Fn::And" else any)(self.test(part) for part in value)
        raise ValueError(f"the condition function {function}")

    def resolve(self, value):
        """The value with every function in it worked out, and what is AWS::NoValue left out."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self.reference(argument)
            if function.startswith("Fn::"):
                return self.call(function.removeprefix("Fn::"), argument)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not None}

    def call(self, function, argument):
        if function == "If":
            return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])
        if function == "Sub":
            text, names = (argument, {}) if isinstance(argument, str) else argument
            names = self.resolve(names)
            return re.sub(r"\$\{([^!}][^}]*)\}", lambda match: self.substitute(match[1], names), text)
        argument = self.resolve(argument)
        if function == "GetAtt":
            return self.attribute(*argument)
        if function == "Join":
            return argument[0].join(argument[1])
        if function == "Select":
            return argument[1][int(argument[0])]
        if function == "Split":
            return argument[1].split(argument[0])
        raise ValueError(f"the function {function}")

    def substitute(self, name, names):
        if name in names:
            return str(names[name])
        return str(self.attribute(*name.split(".", 1)) if "." in name else self.reference(name))

    def reference(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        resource = self.resources[name]
        properties = resource.get("Properties", {})
        for named in ("FunctionName", "TableName", "RoleName", "LogGroupName"):
            if named in properties:
                return self.resolve(properties[named])
        if resource["Type"] == "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
        return name

    def attribute(self, name, attribute):
        if name in self.children and attribute.startswith("Outputs."):
            child = self.children[name]
            return child.resolve(child.document["Outputs"][attribute.removeprefix("Outputs.")]["Value"])
        place = f"{REGION}:{ACCOUNT}"
        own = self.reference(name)
        arns = {
            ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{place}:table/{own}",
            ("AWS::IAM::Role", "Arn"): f"arn:aws:iam::{ACCOUNT}:role/{own}",
            ("AWS::KMS::Key", "Arn"): f"arn:aws:kms:{place}:key/{own}",
            ("AWS::Lambda::Function", "Arn"): f"arn:aws:lambda:{place}:function:{own}",
            ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{place}:log-group:{own}:*",
            ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{place}:{self.queue(name)}",
            ("AWS::Serverless::Function", "Arn"): f"arn:aws:lambda:{place}:function:{own}",
        }
        return arns.get((self.resources[name]["Type"], attribute), f"<{name}.{attribute}>")

    def queue(self, name):
        return self.resolve(self.resources[name].get("Properties", {}).get("QueueName", name))


# Each kind of resource in policies: how its ARN looks, and its short name.
_ARN = r"arn:aws:%s:" + re.escape(f"{REGION}:{ACCOUNT}")
_CANONICAL = [
    (re.compile(_ARN % "dynamodb" + rf":table/{PREFIX}-([^/]+)(/index/.+|/stream/.+)?"), "table/{}{}"),
    (re.compile(_ARN % "kms" + r":key/[^*]+"), "key"),
    (re.compile(_ARN % "lambda" + rf":function:{PREFIX}-([^:]+)"), "function/{}"),
    (re.compile(_ARN % "logs" + rf":log-group:/aws/lambda/{PREFIX}-([^:]+):log-stream:\*"), "log-group/{}"),
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
    dead_letters: str
    routes: tuple = ()
    scheduled: bool = False
    permissions: tuple = ()


@dataclasses.dataclass(frozen=True)
class Stack:
    """Everything the tests look at."""

    functions: dict
    roles: dict
    routes: frozenset
    key_policy: tuple

    def statements(self, function):
        return self.roles[self.functions[function].role].statements

    def with_statements(self, function, statements):
        """The stack with these statements in the role of this function."""
        name = self.functions[function].role
        role = dataclasses.replace(self.roles[name], statements=tuple(statements))
        return dataclasses.replace(self, roles={**self.roles, name: role})


def build(documents):
    """The stack that these templates describe."""
    root = Template(documents, "template.yaml", {})
    permissions = list(root.all("AWS::Lambda::Permission"))
    routes = frozenset(_routes(root))
    roles = {}
    for name, properties in root.all("AWS::IAM::Role"):
        roles[properties.get("RoleName", name)] = _role(name, properties)
    for name, _ in root.all("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"):
        raise policy.Unsupported(f"{name} adds rights from outside a role")
    functions = {}
    defaults = root.resolve(root.document.get("Globals", {}).get("Function", {}))
    for logical, own in root.all("AWS::Serverless::Function", "AWS::Lambda::Function"):
        if "Policies" in own:
            raise policy.Unsupported(f"{logical} adds rights from outside a role")
        name = short(own["FunctionName"])
        variables = [part.get("Environment", {}).get("Variables", {}) for part in (defaults, own)]
        functions[name] = Function(
            name=name,
            role=own["Role"].rsplit("/", 1)[1],
            environment={**variables[0], **variables[1]},
            dead_letters=_dead_letters(own),
            routes=tuple(sorted((method, path) for method, path, function in routes if function == name)),
            scheduled=_is_scheduled(root, name),
            permissions=tuple(
                (permission["Principal"], permission.get("SourceArn", ""))
                for _, permission in permissions
                if _function(permission["FunctionName"]) == name
            ),
        )
    (key,) = [properties for _, properties in root.all("AWS::KMS::Key")]
    key_policy = tuple(policy.parse(statement, canonical) for statement in key["KeyPolicy"]["Statement"])
    return Stack(functions, roles, routes, key_policy)


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
    places = [properties.get("DeadLetterQueue", {}).get("TargetArn"), properties.get("DeadLetterConfig", {}).get("TargetArn")]
    invoke = properties.get("EventInvokeConfig", {}).get("DestinationConfig", {})
    places.append(invoke.get("OnFailure", {}).get("Destination"))
    named = [canonical(arn) for arn in places if arn]
    return named[0] if named else ""


def _is_scheduled(root, name):
    for _, schedule in root.all("AWS::Scheduler::Schedule"):
        if _function(schedule["Target"]["Arn"]) == name:
            return True
    for _, rule in root.all("AWS::Events::Rule"):
        if any(_function(target["Arn"]) == name for target in rule["Targets"]):
            return True
    for _, function in root.all("AWS::Serverless::Function"):
        if short(function["FunctionName"]) == name:
            return any(event["Type"].startswith("Schedule") for event in function.get("Events", {}).values())
    return False
