"""The page docs/rights.md: what each function may do, and what somebody who takes it over could do.

What it may do is told by infra/system.toml, and that the roles grant just that is checked; what somebody could do is
worked out from the roles.
"""

import powers
import rights
from held import Held

INTRODUCTION = """\
# What each function may do

Made from `infra/system.toml` and the roles by `tests/template/run --write`. The suite `template` fails when it differs.

Each function has a role of its own, and the role grants what the function needs and no more. The suite compares the
roles with all calls that the functions make while the end-to-end suite runs: every call is allowed, every right is
used, and one right taken away or added fails. It also holds the roles to the table below.

For each function stands which requests the gateway sends to it (`ANY` is every method, `{proxy+}` all that is below a
path), and what it may do: in words, and as `infra/system.toml` says it: the actions, the table or its index, the rows by
the beginning of their partition key, and in brackets the attributes that may be written. What is done with its log, the
dead letters and the stream the Lambda service does in its name.

The page supposes the worst: somebody, called "he" here, runs code of his own in one function, with its role. The other
functions go on checking what they check.

## What roles cannot prevent

- **Requests that pass through.** He sees every request that comes to the function, and answers it as he likes. What is
  in them is said for each function. A machine's signed request cannot be changed or used at another route. With a
  person's session he can do all that they can, and so give a machine of his own access to their values; their audit log
  shows it.
- **Writing means overwriting.** `PutItem` replaces a row whose key is known; IAM has no rule "only if it is new". In
  the audit table a record that is replaced shows as a change in the table's stream, where nothing else does.
- **Writing means reading.** DynamoDB can be asked to answer a write, or a check that fails, with the row that was
  there. So who may write or check rows may also read them, if he knows their keys.
- **A partition is the smallest thing a role can name.** A machine, its memberships and its grants are one partition, so
  who may read or delete one of them may do so with all. Where a role names the attributes that may be written, it
  keeps them apart: a row is refused if the role that reads it finds an attribute missing.
- **Vaults are not told apart.** A role does not know for whom a function works, so what it may do it may do in every
  vault. Most rows can only be asked for by id, and ids are random.
- **Memory.** A function that opens values keeps unwrapped project keys for up to five minutes, and some of them from
  its start.
- **Roles themselves.** Who may change roles, functions or the key's policy in the AWS account can do everything.
  CloudTrail records that.

"Values" are what secrets hold. The rows of secrets in the table `vault` have names, notes and field names, and no
values.
"""


def write(of, system):
    """The page."""
    parts = [INTRODUCTION, _table(of)]
    for name in sorted(of.functions):
        parts.append(_section(of, of.functions[name], system.functions[name], system))
    return "\n".join(parts)


def differences(of, system):
    """A role that grants something else than infra/system.toml says of its function."""
    for name in sorted(set(of.functions) ^ set(system.functions)):
        yield f"{name} is only in one of template.yaml and infra/system.toml"
    for name in sorted(set(of.functions) & set(system.functions)):
        by_role, by_file = rights.all_granted(of.statements(name)), system.granted(system.functions[name])
        yield from (f"{name}: only the role grants `{right}`" for right in sorted(by_role - by_file, key=str))
        yield from (f"{name}: the role does not grant `{right}`" for right in sorted(by_file - by_role, key=str))


def _table(of):
    lines = ["## Who could do what", "", "| he could | if he owned |", "|---|---|"]
    held = {name: powers.held_by(of.statements(name)) for name in of.functions}
    for power in powers.POWERS:
        names = [f"`{name}`" for name in sorted(of.functions) if power in held[name]]
        lines.append(f"| {power.could} | {', '.join(names) or 'none'} |")
    return "\n".join(lines) + "\n"


def _section(of, function, told, system):
    held = powers.held_by(of.statements(function.name))
    lines = [f"## {function.name}", "", f"{told.says}. {_reached(of, function)}", "", "It may:", ""]
    for name, access in system.lines(told).items():
        lines.append(f"- {name}: {'; '.join(f'`{line}`' for line in access)}")
    lines += ["", f"Passing through it: {told.sees}.", "", "Whoever takes it over could:", ""]
    lines += [f"- {power.could}" + (f". {power.meaning}" if power.meaning else "") for power in held] or [
        "- nothing more"
    ]
    rest = [power.could for power in powers.POWERS if power not in held]
    lines += ["", f"He could not: {'; '.join(rest)}."]
    return "\n".join(lines) + "\n"


def _reached(of, function):
    if function.scheduled:
        return "Runs on a schedule. Nobody outside can call it."
    if function.follows:
        return "Follows the stream of the audit table. Nobody outside can call it."
    if function.routes:
        routes = sorted(function.routes, key=lambda route: route[1])
        return "Routes: " + ", ".join(f"`{method} {path}`" for method, path in routes) + "."
    callers = [
        name
        for name in sorted(of.functions)
        if Held(of.statements(name)).may("lambda:InvokeFunction", f"function/{function.name}")
    ]
    return f"Called by {' and '.join(f'`{name}`' for name in callers)}. Nobody outside can call it."
