"""The parts of template.yaml that are made from infra/system.toml: the key's envelope, tables, functions."""

from system import PLANES, camel

# One use of the key: these roles by name, for one purpose.
USE = """\
          - Sid: {Verb}{Purpose}Keys
            Effect: Allow
            Principal: {{AWS: !Sub 'arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:root'}}
            Action: kms:{action}
            Resource: '*'
            Condition:
              StringEquals:
                kms:EncryptionContext:purpose: {purpose}
                aws:PrincipalArn:"""
VERBS = {"Decrypt": "Open", "GenerateDataKeyWithoutPlaintext": "Make"}
ROLE = "- !Sub arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role${{RolePath}}${{AWS::StackName}}-{}-${{AWS::Region}}"

TABLE = """\
  {camel}Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      TableName: !Sub ${{AWS::StackName}}-{name}
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      PointInTimeRecoverySpecification: {{PointInTimeRecoveryEnabled: true}}
      SSESpecification: {{SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: !GetAtt Key.Arn}}
      TimeToLiveSpecification: {{Enabled: true, AttributeName: ttl}}
      AttributeDefinitions:"""

FUNCTION = """\
  {camel}:
    Type: AWS::Serverless::Function{needs}
    Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: {name}}}}}
    Properties:
      FunctionName: !Sub ${{AWS::StackName}}-{name}
      Description: {says}
      CodeUri: functions/programs
      Role: !GetAtt Roles.Outputs.{camel}RoleArn
      LoggingConfig: {{LogGroup: !Ref {camel}Log}}"""
LOG = """\
  {camel}Log:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub /aws/lambda/${{AWS::StackName}}-{name}
      RetentionInDays: !Ref LogRetentionDays
      KmsKeyId: !GetAtt Key.Arn"""

# What a function is told beside what all are told, and the resources whose rights bring it.
VARIABLES = (
    ("SIKKERKEY_KMS_KEY", "!GetAtt Key.Arn", {"key"}),
    ("SIKKERKEY_SEAL_FUNCTION", "!Ref SealSecret", {"function/seal-secret"}),
    ("SIKKERKEY_MAIL_FUNCTION", "!Ref SendMail", {"function/send-mail"}),
    ("SIKKERKEY_DELIVERY_FUNCTION", "!Ref DeliverWebhooks", {"function/deliver-webhooks"}),
    ("SIKKERKEY_MAIL_FROM", "!Ref MailFrom", {"function/send-mail", "identity"}),
)


def envelope(system):
    """The statements of the key's policy by which functions use it."""
    users = {}
    for function in system.functions.values():
        for right in system.granted(function):
            if right.resource == "key":
                users.setdefault((right.action.split(":")[1], right.purpose), []).append(function.name)
    lines = []
    for (action, purpose), names in sorted(users.items()):
        names_of = {"Verb": VERBS[action], "Purpose": purpose.capitalize()}
        lines.append(USE.format(action=action, purpose=purpose, **names_of))
        lines += [" " * 18 + ROLE.format(name) for name in names]
    return lines


def tables(system):
    """Each table."""
    lines = []
    for name, table in system.tables.items():
        lines += ["", TABLE.format(name=name, camel=camel(name))]
        keys = {index: said.split() for index, said in table.items() if index != "yaml"}
        attributes = dict.fromkeys(attribute for key in keys.values() for attribute in key)
        lines += [f"        - {{AttributeName: {attribute}, AttributeType: S}}" for attribute in attributes]
        lines += ["      KeySchema:", *_schema(keys.pop("key"), 8)]
        lines += ["      GlobalSecondaryIndexes:"] if keys else []
        for index, attributes in keys.items():
            lines += [f"        - IndexName: {index}", "          KeySchema:", *_schema(attributes, 12)]
            lines += ["          Projection: {ProjectionType: ALL}"]
        lines += indented(table.get("yaml", ""))
    return lines


def _schema(attributes, indent):
    kinds = ("HASH", "RANGE")
    return [
        f"{' ' * indent}- {{AttributeName: {attribute}, KeyType: {kind}}}"
        for attribute, kind in zip(attributes, kinds, strict=False)
    ]


def functions(system):
    """Each function with its log, by plane."""
    lines = []
    for plane in PLANES:
        lines += ["", f"  # ---- {plane}"]
        for function in system.functions.values():
            if function.plane == plane:
                lines += ["", *_function(system, function), LOG.format(name=function.name, camel=function.camel)]
    return lines


def _function(system, function):
    # Its first event may come as soon as it is there.
    # That of the table whose stream it follows is named by the stream.
    followed = "audit" if function.trigger == "stream" else ""
    tables = ", ".join(f"{camel(name)}Table" for name in system.tables_of(function) if name != followed)
    needs = f"\n    DependsOn: [{tables}]" if function.asynchronous else ""
    lines = [FUNCTION.format(**vars(function), camel=function.camel, needs=needs)]
    lines += [f"      MemorySize: {function.memory}"] if function.memory else []
    lines += [f"      Timeout: {function.timeout}"] if function.timeout else []
    resources = {right.resource for right in system.granted(function)}
    variables = [f"          {name}: {value}" for name, value, bring in VARIABLES if bring & resources]
    lines += ["      Environment:", "        Variables:", *variables] if variables else []
    return lines + indented(function.yaml)


def needed_by_routes(system):
    """What has to be there before anybody gets to a function: the functions with routes, and all tables."""
    names = [function.camel for function in system.functions.values() if function.plane != "events"]
    return [f"      - {name}" for name in [*names, *(f"{camel(name)}Table" for name in system.tables)]]


def indented(text):
    """Lines of properties, where properties stand."""
    return [" " * 6 + line for line in text.strip().splitlines()]


PARTS = {"envelope": envelope, "tables": tables, "functions": functions, "needed by routes": needed_by_routes}
