"""The wrapped keys in the store, held against KMS: they open in their own context and in no other."""

import itertools

import botocore.exceptions

# A row with a wrapped key, by the beginning of its partition key: where the key is.
WRAPPED = {"PROJECT#": "masterKey", "VAULT#": "key"}


def wrapped_keys(dynamodb, table):
    """One wrapped key of each kind, with the context it was made for."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    rows = list(itertools.chain.from_iterable(page["Items"] for page in pages))
    for prefix, attribute in WRAPPED.items():
        purpose = prefix.strip("#").lower()
        row = next((row for row in rows if row["pk"]["S"].startswith(prefix) and attribute in row), None)
        if row is None:
            yield purpose, None, None
            continue
        own = row["id"]["S"]
        project = {"project": own} if purpose == "project" else {}
        vault = row["vault"]["S"] if project else own
        yield purpose, row[attribute]["B"], {"purpose": purpose, "vault": vault, **project}


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
    for purpose, blob, context in wrapped_keys(dynamodb, table):
        name = f"the wrapped key of a {purpose}"
        if blob is None:
            tally.check(name, "there is none in the store")
            continue
        tally.check(f"{name} opens in its own context", refusal(kms, key, blob, context))
        for change, wrong in contexts_that_are_wrong(context):
            code = refusal(kms, key, blob, wrong)
            tally.check(f"{name} with {change} is refused", code != "InvalidCiphertextException" and f"answer: {code}")
        flipped = blob[:-1] + bytes([blob[-1] ^ 1])
        code = refusal(kms, key, flipped, context)
        tally.check(f"{name} with a bit changed is refused", code != "InvalidCiphertextException" and f"answer: {code}")
