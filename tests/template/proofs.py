"""What the key's policy and the roles allow, proved for all requests and not only for those that were recorded.

An SMT solver looks for a request that breaks a theorem. It finds none, or prints it. The theorems hold under these
assumptions: IAM, KMS and Lambda do what AWS documents; nobody changes the key's policy, a role, or a function's code; and
whoever is not the key's own service principal is a principal of some account. About identity policies nothing is assumed:
everybody is given kms:*, so what holds, holds against administrators.
"""

import dataclasses

import z3

from policy import Unsupported

OPENERS = ("read-secret", "export-secrets", "seal-secret")
SHARE_OPENERS = ("open-share", "seal-secret")
WEBHOOK_OPENERS = ("deliver-webhooks", "seal-secret")
SIGNERS = ("deliver-webhooks",)
VAULT_OPENERS = ("account", "account-passkeys", "download-bundle", "seal-secret")
READS = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQLSelect")
PLAINTEXT = ("kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")
PURPOSE = "kms:EncryptionContext:purpose"
LOGS = "kms:EncryptionContext:aws:logs:arn"
KEYS = "dynamodb:LeadingKeys"
# Who reads rows of the values table, by what their partition keys begin with.
READERS = {"sk_": OPENERS, "SHARE#": ("open-share",)}


class Asked:
    """A request of which nothing is known: each part is a variable."""

    def __init__(self):
        self.action = z3.String("action")
        self.principal = z3.String("principal")
        self.is_service = z3.Bool("is a service")
        self.in_account = z3.Bool("in this account")
        self.context = {}

    def key(self, name):
        """A context key: whether it is there, and its value."""
        if name not in self.context:
            self.context[name] = (z3.Bool(f"has {name}"), z3.String(name))
        return self.context[name]

    def told(self, model):
        """A model's request, for people."""
        value = lambda variable: model.eval(variable, model_completion=True)  # noqa: E731
        parts = [value(self.action).as_string(), "by " + value(self.principal).as_string()]
        for name, (there, text) in sorted(self.context.items()):
            if z3.is_true(value(there)):
                parts.append(f"{name}={value(text).as_string()}")
        return ", ".join(parts)


def like(text, pattern):
    """IAM's wildcards."""
    parts = {"*": z3.Full(z3.ReSort(z3.StringSort())), "?": z3.AllChar(z3.ReSort(z3.StringSort()))}
    expressions = [parts.get(char) if char in parts else z3.Re(char) for char in pattern] or [z3.Re("")]
    return z3.InRe(text, z3.Concat(*expressions) if len(expressions) > 1 else expressions[0])


def condition(asked, of):
    """Whether a condition holds. ArnLike is taken for StringLike, which allows more."""
    there, text = asked.key(of.key)
    operator = of.operator.removesuffix("IfExists")
    if operator == "Null":
        return z3.Or(*(z3.Not(there) if value == "true" else there for value in of.values))
    if operator in ("StringEquals", "Bool"):
        matches = z3.Or(*(text == value for value in of.values))
    elif operator in ("StringLike", "ArnLike"):
        matches = z3.Or(*(like(text, value) for value in of.values))
    else:
        raise Unsupported(f"the condition operator {of.operator} in a proof")
    return z3.Or(z3.Not(there), matches) if of.operator != operator else z3.And(there, matches)


def principal(asked, statement):
    """Whether a statement of the key's policy is for whoever asks. The account's root stands for all its principals."""
    ways = []
    for who in statement.principals:
        kind, _, name = who.partition(":")
        if kind == "Service":
            ways.append(z3.And(asked.is_service, asked.principal == name))
        elif name == "*":
            ways.append(z3.Not(asked.is_service))
        elif name.endswith(":root"):
            ways.append(z3.And(z3.Not(asked.is_service), asked.in_account))
        else:
            raise Unsupported(f"the principal {who} in a proof")
    return z3.Or(*ways)


def by_key_policy(asked, statements):
    """Whether the key's policy allows a request, for somebody whose own policies allow everything."""
    if any(statement.effect != "Allow" for statement in statements):
        raise Unsupported("a statement of the key's policy that denies")
    return z3.Or(
        *(
            z3.And(
                z3.Or(*(like(asked.action, action) for action in statement.actions)),
                principal(asked, statement),
                *(condition(asked, each) for each in statement.conditions),
            )
            for statement in statements
        )
    )


def world(asked):
    """What is so whatever is asked."""
    arn_there, arn = asked.key("aws:PrincipalArn")
    logs, _ = asked.key(LOGS)
    purpose, _ = asked.key(PURPOSE)
    return [
        # A principal that is no service is known by its ARN, and a service has none.
        arn_there == z3.Not(asked.is_service),
        z3.Implies(arn_there, z3.And(arn == asked.principal, z3.PrefixOf("arn:aws:iam::", arn))),
        # The envelope's context is purpose, vault and project and nothing else, and KMS opens nothing under another.
        z3.Implies(purpose, z3.Not(logs)),
    ]


@dataclasses.dataclass(frozen=True)
class Theorem:
    """A sentence, and what a request that breaks it would be like."""

    name: str
    says: str
    # Of the request and the stack's role names: what makes it a request that must not be allowed.
    broken_by: object


def _with_purpose(asked, purpose):
    there, text = asked.key(PURPOSE)
    return z3.And(there, text == purpose)


def _is_none_of(asked, roles):
    return z3.And(*(asked.principal != role for role in roles))


def theorems(role_of):
    """All of them; `role_of` gives the ARN of a function's role."""
    roles = lambda functions: [role_of(function) for function in functions]  # noqa: E731
    return [
        Theorem(
            "projects",
            f"keys of projects are unwrapped by {', '.join(OPENERS)} alone, against anybody with kms:*",
            lambda asked: z3.And(
                asked.action == "kms:Decrypt", _with_purpose(asked, "project"), _is_none_of(asked, roles(OPENERS))
            ),
        ),
        Theorem(
            "share links",
            f"keys of share links are unwrapped by {' and '.join(SHARE_OPENERS)} alone, against anybody with kms:*",
            lambda asked: z3.And(
                asked.action == "kms:Decrypt", _with_purpose(asked, "share"), _is_none_of(asked, roles(SHARE_OPENERS))
            ),
        ),
        Theorem(
            "signing secrets",
            f"keys of webhooks' signing secrets are unwrapped by {' and '.join(WEBHOOK_OPENERS)} alone",
            lambda asked: z3.And(
                asked.action == "kms:Decrypt", _with_purpose(asked, "webhook"), _is_none_of(asked, roles(WEBHOOK_OPENERS))
            ),
        ),
        Theorem(
            "deployment",
            f"the deployment's signing key is unwrapped by {SIGNERS[0]} alone",
            lambda asked: z3.And(
                asked.action == "kms:Decrypt", _with_purpose(asked, "signing"), _is_none_of(asked, roles(SIGNERS))
            ),
        ),
        Theorem(
            "vaults",
            f"keys of vaults are unwrapped by {', '.join(VAULT_OPENERS)} alone",
            lambda asked: z3.And(
                asked.action == "kms:Decrypt", _with_purpose(asked, "vault"), _is_none_of(asked, roles(VAULT_OPENERS))
            ),
        ),
        Theorem(
            "plaintext",
            "nobody encrypts for the envelope, encrypts it anew, or takes a data key in plain",
            lambda asked: z3.And(
                z3.Or(*(asked.action == action for action in PLAINTEXT)), asked.key(PURPOSE)[0]
            ),
        ),
        Theorem(
            "makers",
            "keys are made by manage-projects, account-mail, seal-secret and deliver-webhooks alone, each for its purpose",
            lambda asked: z3.And(
                asked.action == "kms:GenerateDataKeyWithoutPlaintext",
                asked.key(PURPOSE)[0],
                z3.Not(
                    z3.Or(
                        z3.And(asked.principal == role_of("manage-projects"), _with_purpose(asked, "project")),
                        z3.And(asked.principal == role_of("account-mail"), _with_purpose(asked, "vault")),
                        z3.And(asked.principal == role_of("seal-secret"), _with_purpose(asked, "share")),
                        z3.And(asked.principal == role_of("seal-secret"), _with_purpose(asked, "webhook")),
                        z3.And(asked.principal == role_of("deliver-webhooks"), _with_purpose(asked, "signing")),
                    )
                ),
            ),
        ),
    ]


def counterexample(theorem, key_policy):
    """A request that breaks a theorem, in words; nothing when there is none."""
    asked, solver = Asked(), z3.Solver()
    broken = theorem.broken_by(asked)
    solver.add(*world(asked), by_key_policy(asked, key_policy), broken)
    found = solver.check()
    if found == z3.unknown:
        raise Unsupported(f"the solver does not decide {theorem.name}: {solver.reason_unknown()}")
    return asked.told(solver.model()) if found == z3.sat else None


def vacuous(key_policy, role_of):
    """What should be possible and is not: theorems about nothing would hold too."""
    for function, action, purpose in (
        *((function, "kms:Decrypt", "project") for function in OPENERS),
        *((function, "kms:Decrypt", "share") for function in SHARE_OPENERS),
        *((function, "kms:Decrypt", "webhook") for function in WEBHOOK_OPENERS),
        *((function, "kms:Decrypt", "signing") for function in SIGNERS),
        *((function, "kms:Decrypt", "vault") for function in VAULT_OPENERS),
        ("manage-projects", "kms:GenerateDataKeyWithoutPlaintext", "project"),
        ("account-mail", "kms:GenerateDataKeyWithoutPlaintext", "vault"),
        ("seal-secret", "kms:GenerateDataKeyWithoutPlaintext", "share"),
        ("seal-secret", "kms:GenerateDataKeyWithoutPlaintext", "webhook"),
        ("deliver-webhooks", "kms:GenerateDataKeyWithoutPlaintext", "signing"),
    ):
        asked, solver = Asked(), z3.Solver()
        solver.add(*world(asked), by_key_policy(asked, key_policy), _with_purpose(asked, purpose))
        solver.add(asked.action == action, asked.principal == role_of(function), asked.in_account)
        if solver.check() != z3.sat:
            yield f"{function} cannot {action} for {purpose}"


def reaching_values(stack):
    """Roles that read a row of sealed values, whatever the request, beside those that may; and those that may and do not."""
    for beginning, readers in READERS.items():
        found = {
            function: statement.sid
            for function in stack.functions
            for statement in stack.statements(function)
            if _reads_row(statement, beginning)
        }
        yield from (f"{function} reads values of {beginning} by {sid}" for function, sid in found.items() if function not in readers)
        yield from (f"{function} does not read values of {beginning}" for function in readers if function not in found)


def _reads_row(statement, beginning):
    """Whether a statement lets a row of the values table be read whose key begins so."""
    reads = any(_covers(pattern, action) for pattern in statement.actions for action in READS)
    values = any(_covers(resource, "table/values") for resource in statement.resources)
    if statement.effect != "Allow" or not reads or not values:
        return False
    solver, key = z3.Solver(), z3.String("key")
    solver.add(z3.PrefixOf(beginning, key))
    for each in statement.conditions:
        # Any other condition allows less.
        if each.key == KEYS:
            solver.add(z3.Or(*(like(key, pattern) for pattern in each.values)))
    return solver.check() != z3.unsat


def _covers(pattern, text):
    solver, name = z3.Solver(), z3.String("name")
    solver.add(name == text, like(name, pattern))
    return solver.check() == z3.sat


def mutants(key_policy, role_of):
    """Key policies with one thing wrong, and the theorem that has to be refuted for it."""
    by_sid = {statement.sid: statement for statement in key_policy}

    def changed(sid, **parts):
        return tuple(dataclasses.replace(each, **parts) if each.sid == sid else each for each in key_policy)

    def without(sid, key):
        kept = tuple(each for each in by_sid[sid].conditions if each.key != key)
        return changed(sid, conditions=kept)

    def one_more(sid, function):
        conditions = tuple(
            dataclasses.replace(each, values=(*each.values, role_of(function))) if each.key == "aws:PrincipalArn" else each
            for each in by_sid[sid].conditions
        )
        return changed(sid, conditions=conditions)

    # That of EncryptLogs is there too, but the logs' own context has a key that the envelope's has not.
    for sid in ("EncryptTablesAndQueue", "EncryptAlarmMessages"):
        if sid in by_sid:
            yield f"{sid} for the envelope too", "projects", without(sid, PURPOSE)
    yield "OpenProjectKeys for everybody", "projects", without("OpenProjectKeys", "aws:PrincipalArn")
    yield "OpenProjectKeys for manage-secrets", "projects", one_more("OpenProjectKeys", "manage-secrets")
    yield "OpenShareKeys for everybody", "share links", without("OpenShareKeys", "aws:PrincipalArn")
    yield "OpenShareKeys for read-secret", "share links", one_more("OpenShareKeys", "read-secret")
    yield "OpenWebhookKeys for manage-alerts", "signing secrets", one_more("OpenWebhookKeys", "manage-alerts")
    yield "OpenSigningKeys for everybody", "deployment", without("OpenSigningKeys", "aws:PrincipalArn")
    yield "OpenWebhookKeys for any purpose", "projects", without("OpenWebhookKeys", PURPOSE)
    yield "MakeSigningKeys for follow-audit", "makers", one_more("MakeSigningKeys", "follow-audit")
    yield "OpenShareKeys for any purpose", "projects", without("OpenShareKeys", PURPOSE)
    yield "OpenVaultKeys for any purpose", "projects", without("OpenVaultKeys", PURPOSE)
    yield "OpenVaultKeys for manage-agents", "vaults", one_more("OpenVaultKeys", "manage-agents")
    yield "MakeProjectKeys in plain", "plaintext", changed("MakeProjectKeys", actions=("kms:GenerateDataKey*",))
    yield "MakeShareKeys for manage-secrets", "makers", one_more("MakeShareKeys", "manage-secrets")
    yield "MakeVaultKeys for any purpose", "makers", without("MakeVaultKeys", PURPOSE)
    administer = by_sid["AdministerWithoutUsing"]
    yield "administrators may decrypt", "projects", changed(administer.sid, actions=(*administer.actions, "kms:Decrypt"))
    yield "administrators may do everything", "plaintext", changed(administer.sid, actions=("kms:*",))
