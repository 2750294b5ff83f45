"""infra/roles.yaml, made from infra/system.toml: a role for each function."""

import rights

HEADER = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: 'SikkerKey: one role for each function, with what its code needs and no more'

# Made from infra/system.toml by `tests/template/run --write`; a test fails when the two differ.
#
# How to read a role. A statement is one kind of access to one table or index: its actions, and in the condition the
# rows, named by the beginning of their partition key, and the attributes that may be written. Transactions need the
# action of each of their steps. KMS is limited to a purpose by the encryption context. The suite compares all this with
# the calls that the code makes.
#
# The key's policy in template.yaml names these roles, so they have names of their own. A role's name is unique in the
# account, in all regions, so the region is part of it.

Parameters:
  Prefix:
    Type: String
    Description: The deployment's name, with which the names of its tables, functions and log groups begin
  KeyArn:
    Type: String
    Description: ARN of the deployment's KMS key
  AuditStream:
    Type: String
    Description: ARN of the audit table's stream
  MailIdentity:
    Type: String
    Description: The identity in Amazon SES that mail is sent from; empty where none is sent
  RolePath:
    Type: String
    Description: The path of the roles
  PermissionsBoundary:
    Type: String
    Description: ARN of the policy that bounds what each role may do; empty for none

Conditions:
  HasBoundary: !Not [!Equals [!Ref PermissionsBoundary, '']]

Resources:"""

ROLE = """
  # {name}, of the plane {plane}. {says}
  {camel}Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub ${{Prefix}}-{name}-${{AWS::Region}}
      Path: !Ref RolePath
      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundary, !Ref AWS::NoValue]
      Description: Rights of the function {name}
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {{Service: lambda.amazonaws.com}}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: {name}
          PolicyDocument:
            Version: '2012-10-17'
            Statement:"""

OUTPUT = """\
  {camel}RoleArn:
    Value: !GetAtt {camel}Role.Arn"""

ARN = "!Sub arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"
# Where each kind of resource is, by the rest of its short name.
PLACES = {
    "key": lambda _: "!Ref KeyArn",
    "table": lambda name: "!Ref AuditStream" if "/stream/" in name else ARN % ("dynamodb", "table/${Prefix}-" + name),
    "function": lambda name: ARN % ("lambda", "function:${Prefix}-" + name),
    "log-group": lambda name: ARN % ("logs", "log-group:/aws/lambda/${Prefix}-" + name + ":log-stream:*"),
    "identity": lambda _: ARN % ("ses", "identity/${MailIdentity}"),
    "queue": lambda name: ARN % ("sqs", "${Prefix}-" + name),
}


def yaml(system):
    """The file."""
    lines = [HEADER]
    for function in system.functions.values():
        lines.append(ROLE.format(**vars(function), camel=function.camel))
        for access in rights.merged(system.granted(function)):
            lines += [" " * 14 + line for line in statement(access)]
    lines += ["", "Outputs:"]
    lines += [OUTPUT.format(camel=function.camel) for function in system.functions.values()]
    return "\n".join(lines) + "\n"


def statement(access):
    """One kind of access as a statement, in lines."""
    kind, _, name = access.resource.partition("/")
    lines = [
        f"- Sid: {sid(access)}",
        "  Effect: Allow",
        f"  Action: {flow(access.actions) if len(access.actions) > 1 else access.actions[0]}",
        f"  Resource: {PLACES[kind](name)}",
    ]
    conditions = (
        ("ForAllValues:StringLike", rights.KEYS, access.keys),
        ("ForAllValues:StringEquals", rights.ATTRIBUTES, access.attributes),
        ("StringEquals", rights.PURPOSE, access.purposes),
    )
    if any(values for _, _, values in conditions):
        lines.append("  Condition:")
    for operator, key, values in conditions:
        if values:
            lines += [f"    {operator}:", f"      {key}: {flow(values)}"]
    return lines


def flow(values):
    return f"[{', '.join(repr(value) if '*' in value else value for value in values)}]"


def sid(access):
    """A name of letters and digits, which no other statement of the role has."""
    kind, _, name = access.resource.partition("/")
    place = "Stream" if "/stream/" in name else name or kind
    words = [*(action.split(":")[1] for action in access.actions), *place.split("/")]
    words += [key.rstrip("#*_") for key in access.keys] if len(access.keys) == 1 else []
    return "".join(part[:1].upper() + part[1:] for word in words for part in word.replace("_", "-").split("-"))
