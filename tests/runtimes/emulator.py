#!/usr/bin/env python3
"""ministack, made to hold functions to their roles as AWS does.

With AUTH=true it checks each call of a function against the function's role: action, resource, and those conditions
whose keys it knows. Here it learns the keys that our roles and our key's policy use besides: which rows and attributes
a call to DynamoDB names, the encryption context of a call to KMS, the identity that a mail is sent as, and the role behind
a function's session.
"""

import contextvars
import json
import re
import sys

from ministack import app
from ministack.core import iam_actions, iam_evaluator

# The actions of a transaction's steps.
STEPS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
}
# A name or alias in an expression, without what follows it in a path; not a function and not a value.
NAME = re.compile(r"(?<![\w:#.])#?[A-Za-z_]\w*(?!\w|\s*\()")
SESSION = re.compile(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.*")
WORDS = {"ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET"}

_request = contextvars.ContextVar("request", default=None)


def _parts(request, action, table):
    """What one check is about: the request, or its steps with this action on this table."""
    if "TransactItems" not in request:
        yield request
        return
    for step in request["TransactItems"]:
        for kind, part in step.items():
            if STEPS.get(kind) == action and part.get("TableName") == table:
                yield part


def _leading_keys(part, table):
    """The partition keys that are named."""
    if "RequestItems" in part:
        return [key["pk"]["S"] for key in part["RequestItems"].get(table, {}).get("Keys", [])]
    if "KeyConditionExpression" in part:
        _, value = re.match(r"\s*([\w#]+)\s*=\s*(:\w+)", part["KeyConditionExpression"]).groups()
        return [part["ExpressionAttributeValues"][value]["S"]]
    return [row["pk"]["S"] for row in (part.get("Key"), part.get("Item")) if row]


def _attributes(part):
    """The attributes that an update names, those of its key and its conditions too."""
    if "UpdateExpression" not in part:
        return []
    aliases = part.get("ExpressionAttributeNames", {})
    expressions = f"{part['UpdateExpression']} {part.get('ConditionExpression', '')}"
    names = {aliases.get(name, name) for name in NAME.findall(expressions) if name.upper() not in WORDS}
    return sorted(names | set(part["Key"]))


def _dynamodb_contexts(action, resource):
    """What each check is about. DynamoDB authorizes each step of a transaction for itself, as the call it stands for."""
    request = _request.get() or {}
    table = resource.split(":table/", 1)[-1].split("/")[0]
    for part in _parts(request, action, table):
        context = {"dynamodb:LeadingKeys": _leading_keys(part, table), "dynamodb:Attributes": _attributes(part)}
        yield {key: values for key, values in context.items() if values}


def teach():
    """Puts our additions around ministack's own checks."""
    dynamodb_context, tags, enforce = (
        iam_actions.dynamodb_service_context,
        iam_actions.request_tag_context,
        iam_evaluator.enforce,
    )
    mail_resource = iam_actions._ses_v2_resource_arn
    condition_key = iam_evaluator._resolve_condition_key

    def remembering(body):
        _request.set(json.loads(body or b"{}"))
        return dynamodb_context(body)

    def with_encryption_context(service, action, body, parameters):
        context = tags(service, action, body, parameters)
        if service == "kms":
            pairs = json.loads(body or b"{}").get("EncryptionContext", {})
            context.update((f"kms:EncryptionContext:{name}", value) for name, value in pairs.items())
        return context

    def with_rows(access_key, action, service, region, resource_arn="*", service_context=None):
        def denied(more):
            context = {**(service_context or {}), **more}
            return enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=context)

        contexts = list(_dynamodb_contexts(action, resource_arn)) if service == "dynamodb" else []
        return next(filter(None, map(denied, contexts or [{}])), None)

    def with_role(key, context):
        value = condition_key(key, context)
        session = key.lower() == "aws:principalarn" and SESSION.fullmatch(value)
        return f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else value

    def of_mail(method, path, body, region, account):
        """A mail is sent as the sender's domain, which is what SES was asked to verify."""
        if path != "/v2/email/outbound-emails":
            return mail_resource(method, path, body, region, account)
        domain = json.loads(body or b"{}").get("FromEmailAddress", "").rpartition("@")[2]
        return f"arn:aws:ses:{region}:{account}:identity/{domain}"

    iam_actions.dynamodb_service_context = remembering
    iam_actions._ses_v2_resource_arn = of_mail
    iam_actions.request_tag_context = with_encryption_context
    iam_evaluator.enforce = with_rows
    iam_evaluator._resolve_condition_key = with_role


if __name__ == "__main__":
    teach()
    sys.exit(app.main())
