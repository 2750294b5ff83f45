"""What a deployment takes of AWS's quotas, with every option on: at most 80 % of each.

Names are counted at their longest: a deployment whose name has as many characters as infra/deploy takes, in the region
with the longest name.
"""

import dataclasses
import json
import re

import stack
from cloudformation import PREFIX, REGION, Template

# Of each quota at most this much, so that there is time to think when one comes near.
MOST = 0.8
# Regions with names of 14 characters: ap-southeast-1, ap-northeast-1, cn-northwest-1 and others. No region where the
# services are that this needs has a longer one.
LONGEST_REGION = "ap-southeast-1"
# The longest name of a partition that has them, in place of `aws`.
LONGEST_PARTITION = "aws-us-gov"

AWS = "https://docs.aws.amazon.com/"
GATEWAY = f"{AWS}apigateway/latest/developerguide/http-api-quotas.html"
CLOUDFORMATION = f"{AWS}AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
IAM = f"{AWS}IAM/latest/UserGuide/reference_iam-quotas.html"
KMS = f"{AWS}kms/latest/developerguide/resource-limits.html"
LAMBDA = f"{AWS}lambda/latest/api/API_CreateFunction.html"


@dataclasses.dataclass(frozen=True)
class Quota:
    """One quota: what AWS calls it, where it stands, and what we count, thing by thing."""

    name: str
    quota: int
    source: str
    used: tuple

    @property
    def largest(self):
        """The thing that takes most of it."""
        return max(self.used, key=lambda pair: pair[1])


def longest_name(root):
    """As many characters as infra/deploy takes for a deployment's name."""
    (most,) = re.findall(r"=~ \^\[a-z\]\[a-z0-9-\]\{1,(\d+)\}\$", (root / "infra" / "deploy").read_text())
    return "n" * (1 + int(most))


def count(root, documents):
    """Every quota with what is used of it."""
    whole = Template(documents, "template.yaml", stack.EVERY_OPTION)
    prefix = longest_name(root)

    def long(text):
        text = text.replace("arn:aws:", f"arn:{LONGEST_PARTITION}:")
        return text.replace(PREFIX, prefix).replace(REGION, LONGEST_REGION)

    def of(*types):
        return [properties for _, properties in whole.all(*types)]

    resources = {path: sum(map(_resources, document["Resources"].values())) for path, document in documents.items()}
    roles = {stack.short(role["RoleName"]).removesuffix(f"-{REGION}"): role for role in of("AWS::IAM::Role")}
    names = {name: len(long(role["RoleName"])) for name, role in roles.items()}
    # White space is not counted.
    policies = {name: len(long(json.dumps(role["Policies"])).replace(" ", "")) for name, role in roles.items()}
    functions = [function["FunctionName"] for function in of("AWS::Serverless::Function")]
    (key,) = of("AWS::KMS::Key")
    sizes = {path: (root / path).stat().st_size for path in documents}
    return (
        Quota("Routes per API", 300, GATEWAY, _one(len(of("AWS::ApiGatewayV2::Route")))),
        Quota("Integrations per API", 300, GATEWAY, _one(len(of("AWS::ApiGatewayV2::Integration")))),
        Quota("Resources in a template", 500, CLOUDFORMATION, tuple(resources.items())),
        Quota("Resources in one operation on nested stacks", 2500, CLOUDFORMATION, _one(sum(resources.values()))),
        Quota("Outputs in a template", 200, CLOUDFORMATION, _of_each(documents, "Outputs")),
        Quota("Parameters in a template", 200, CLOUDFORMATION, _of_each(documents, "Parameters")),
        Quota("Bytes of a template", 1_048_576, CLOUDFORMATION, tuple(sizes.items())),
        Quota("Roles in an account", 1000, IAM, _one(len(roles))),
        Quota("Characters of a role's name", 64, IAM, tuple(names.items())),
        Quota("Characters of a role's inline policies", 10_240, IAM, tuple(policies.items())),
        Quota("Bytes of a key policy", 32_768, KMS, _one(len(long(json.dumps(key["KeyPolicy"]))))),
        Quota(
            "Characters of a function's name",
            64,
            LAMBDA,
            tuple((stack.short(name), len(long(name))) for name in functions),
        ),
    )


def _one(number):
    return (("", number),)


def _of_each(documents, section):
    return tuple((path, len(document.get(section, {}))) for path, document in documents.items())


def _resources(resource):
    """What becomes of a resource: SAM makes of an event a rule or a mapping and a permission."""
    properties = resource.get("Properties", {})
    if resource["Type"] != "AWS::Serverless::Function":
        return 1
    return 1 + 2 * len(properties.get("Events", {})) + ("EventInvokeConfig" in properties)


def problems(quotas):
    """A quota of which more than the part is used."""
    for quota in quotas:
        for thing, number in quota.used:
            if number > MOST * quota.quota:
                of = f" of {thing}" if thing else ""
                yield f"{quota.name}{of}: {number:,} of {quota.quota:,} is more than {MOST:.0%} ({quota.source})"


def table(quotas):
    """The same as a table of a page. Parts only: numbers would change with every route and right."""
    lines = ["| what | used | quota |", "|---|---:|---:|"]
    for quota in quotas:
        thing, number = quota.largest
        of = f" (`{thing}`)" if thing else ""
        lines.append(f"| {quota.name}{of} | {number / quota.quota:.0%} | [{quota.quota:,}]({quota.source}) |")
    return lines
