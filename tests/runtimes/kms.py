"""The wrapped keys in the store, held against KMS: they open in their own context and in no other, and can all be wrapped
again under another key."""

import itertools
import subprocess

import botocore.exceptions

import servers

# A row with a wrapped key, by the beginning of its partition key: where the key is.
WRAPPED = {"PROJECT#": "masterKey", "VAULT#": "key"}


def wrapped_keys(dynamodb, table):
    """The wrapped keys by kind, each with the context it was made for."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    rows = list(itertools.chain.from_iterable(page["Items"] for page in pages))
    keys = {}
    for prefix, attribute in WRAPPED.items():
        purpose = prefix.strip("#").lower()
        keys[purpose] = []
        for row in rows:
            if row["pk"]["S"].startswith(prefix) and attribute in row:
                own = row["id"]["S"]
                of = {"vault": row["vault"]["S"], "project": own} if purpose == "project" else {"vault": own}
                keys[purpose].append((row[attribute]["B"], {"purpose": purpose, **of}))
    return keys


def contexts_that_are_wrong(context):
    """The context changed in each way, by what was done."""
    other = {"purpose": {"project": "vault", "vault": "project"}[context["purpose"]]}
    for name, value in context.items():
        yield f"another {name}", {**context, name: other.get(name, f"{value[:-1]}{'0' if value[-1] != '0' else '1'}")}
        yield f"no {name}", {known: text for known, text in context.items() if known != name}
    yield "one pair more", {**context, "more": "1"}


def refusal(kms, key, blob, context):
    """How KMS refuses; nothing when it opens the key."""
    try:
        opened = kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionContext=context)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return None if len(opened["Plaintext"]) == 32 else "a key of another length"


def check(tally, kms, key, dynamodb, table):
    for purpose, keys in wrapped_keys(dynamodb, table).items():
        name = f"the wrapped key of a {purpose}"
        if not keys:
            tally.check(name, "there is none in the store")
            continue
        blob, context = keys[0]
        tally.check(f"{name} opens in its own context", refusal(kms, key, blob, context))
        for change, wrong in contexts_that_are_wrong(context):
            code = refusal(kms, key, blob, wrong)
            tally.check(f"{name} with {change} is refused", code != "InvalidCiphertextException" and f"answer: {code}")
        flipped = blob[:-1] + bytes([blob[-1] ^ 1])
        code = refusal(kms, key, flipped, context)
        tally.check(f"{name} with a bit changed is refused", code != "InvalidCiphertextException" and f"answer: {code}")


def rewrap(tally, kms, dynamodb, machine):
    """`infra/rewrap` on what a run has left in the store."""
    table, before = f"{machine.prefix}-vault", machine.key
    after = kms.create_key(Description="another")["KeyMetadata"]["Arn"]
    endpoints = {"AWS_ENDPOINT_URL_DYNAMODB": machine.dynamodb_url, "AWS_ENDPOINT_URL_KMS": machine.kms_url}
    environment = servers.bare_environment(machine.folder, **endpoints)
    subprocess.run(["cargo", "build", "--quiet", "--locked", "-p", "rewrap"], cwd=servers.ROOT, check=True)

    def run(source, target):
        command = [servers.target() / "debug/rewrap", "--name", machine.prefix, "--from", source, "--to", target]
        return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)

    refused = run(after, after)
    tally.check("keys of another KMS key are not wrapped again", refused.returncode != 1 and refused.stdout)
    done = run(before, after)
    tally.check("all keys are wrapped again", done.returncode and done.stderr)
    for purpose, keys in wrapped_keys(dynamodb, table).items():
        problems = {refusal(kms, after, blob, context) for blob, context in keys}
        tally.check(f"{len(keys)} keys of a {purpose} open under the new key", problems != {None} and str(problems))
    again = run(before, after)
    tally.check("a second run finds nothing to do", not again.stdout.startswith("0 keys of 0 vaults") and again.stdout + again.stderr)
