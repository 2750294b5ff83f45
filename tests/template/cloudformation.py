"""CloudFormation templates with their functions worked out, for one example deployment."""

import pathlib
import re

import yaml

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

    def all_as_written(self):
        """Every resource of this template and the nested ones, whatever its condition and with nothing resolved."""
        yield from self.resources.items()
        for child in self.children.values():
            yield from child.all_as_written()

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
            ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{place}:table/{own}/stream/made",
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
