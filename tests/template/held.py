"""What the statements of a role make possible."""

import policy
import rights

# How rows are read, and all that can be asked about them. Any of the latter, writes and checks too, can be made to give
# the row back: a write by `ReturnValues`, both by a condition that fails.
READS = ("BatchGetItem", "GetItem", "PartiQLSelect", "Query", "Scan")
WRITES = ("BatchWriteItem", "DeleteItem", "PartiQLDelete", "PartiQLInsert", "PartiQLUpdate", "PutItem", "UpdateItem")
ANYTHING = (*READS, *WRITES, "ConditionCheckItem")
TABLES = ("accounts", "agents", "audit", "values", "vault")
# What takes a whole table.
WHOLE = ("CreateBackup", "ExportTableToPointInTime", "GetRecords", "PartiQLSelect", "Scan")
# What makes use of a KMS key, or lets others.
CRYPTOGRAPHIC = (
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
)


class Held:
    """The statements of one role, to be asked what they make possible."""

    def __init__(self, statements):
        self.statements = [statement for statement in statements if statement.effect == "Allow"]

    def touches(self, table):
        """Whether any statement names the table or an index of it, whatever else it says."""
        patterns = [pattern for statement in self.statements for pattern in statement.resources]
        return any(
            pattern.startswith(f"table/{table}/") or policy.like(pattern, f"table/{table}") for pattern in patterns
        )

    def rows(self, actions, table, key=None, attribute=None):
        """Whether one of the actions is allowed on rows with such a key; without one, on rows that are not named."""
        context = {rights.KEYS: (key,)} if key else {}
        if attribute:
            context[rights.ATTRIBUTES] = (attribute,)
        return any(self.may(f"dynamodb:{action}", f"table/{table}", context) for action in actions)

    def key(self, action, purpose=None):
        return self.may(f"kms:{action}", "key", {rights.PURPOSE: (purpose,)} if purpose else {})

    def opens(self, purpose):
        """Whether keys with this purpose can be unwrapped."""
        return self.key("Decrypt", purpose) or self.key("ReEncryptFrom", purpose)

    def may(self, action, resource, context=None):
        return policy.allowed(self.statements, policy.Request(action, resource, context or {}))
