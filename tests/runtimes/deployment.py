"""What template.yaml says about tables and functions, for emulators."""

import json
import sys

import boto3
import botocore.config

import servers

# After our own folder, so that no module there hides one of ours.
sys.path.append(str(servers.ROOT / "tests" / "template"))

import cloudformation  # noqa: E402  needs the path above
import stack  # noqa: E402
import system  # noqa: E402


# Longer than any call takes on a machine that is busy with something else; a call that is given up is not sent again.
PATIENCE = botocore.config.Config(read_timeout=330, retries={"total_max_attempts": 1})


def client(service, endpoint):
    return boto3.client(
        service,
        config=PATIENCE,
        endpoint_url=endpoint,
        region_name=servers.REGION,
        aws_access_key_id=servers.CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=servers.CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


# Whom a deployment's mail is from.
MAIL_IDENTITY = "example.org"
MAIL_FROM = f"keys@{MAIL_IDENTITY}"


def allow_mail(endpoint):
    """As an operator has Amazon SES do: takes the sender for verified, and recipients without being asked."""
    ses = client("sesv2", endpoint)
    ses.create_email_identity(EmailIdentity=MAIL_IDENTITY)
    ses.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.org", ProductionAccessEnabled=True
    )


def documents():
    return cloudformation.read(servers.ROOT)


def functions():
    """The functions by name, with environment and routes."""
    return stack.build(documents()).functions


def told():
    """What infra/system.toml says of the functions, by name."""
    return system.read(servers.ROOT).functions


def operations():
    """The code's routes, as the OpenAPI document has them: method and path."""
    document = json.loads((servers.ROOT / "docs" / "openapi.json").read_text())
    return sorted((method.upper(), path) for path, methods in document["paths"].items() for method in methods)


def make_tables(dynamodb, prefix):
    """The template's tables, as far as an emulator has what they ask for."""
    template = cloudformation.Template(documents(), "template.yaml", stack.REQUIRED)
    wanted = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
    for _, table in template.all("AWS::DynamoDB::Table"):
        name = f"{prefix}-{stack.short(table['TableName'])}"
        dynamodb.create_table(TableName=name, **{part: table[part] for part in wanted if part in table})
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=table["TimeToLiveSpecification"])


def environment(given):
    """One environment for all functions: what the template gives any of them, with `given` in place of what only a real
    deployment has."""
    variables = {}
    for function in functions().values():
        for name, value in function.environment.items():
            value = given.get(name, str(value))
            if variables.setdefault(name, value) != value:
                raise ValueError(f"the template gives {name} different values; one environment cannot hold them")
    for name, value in variables.items():
        if name not in given and (cloudformation.PREFIX in value or "<" in value):
            raise ValueError(f"{name}: a value that only a deployment has; give an emulator's")
    return variables
