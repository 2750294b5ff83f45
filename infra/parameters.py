#!/usr/bin/env python3
"""usage: infra/parameters.py [--new] [NAME=VALUE...]

Holds parameters to what template.yaml takes, before anything is built: a line on standard error for each mistake, and then
exit code 1. With --new nothing is deployed yet, so that what is not given has no value. Reads the part `Parameters` of the template as text, so that it needs nothing but Python.
"""

import json
import pathlib
import re
import sys

# The keys of a plan, and what each takes.
PLAN = {"name": str, "auditRetentionDays": int, "ipAllowlist": bool, "alerts": bool, "webhooks": bool}
PLAN |= dict.fromkeys(("projects", "machines", "aiAgents", "secrets", "enrollmentTokens", "members"), int)
PLAN |= dict.fromkeys(("webhookCount", "webhookDeliveriesPerDay"), int)
# Most characters in a plan's name.
NAME = 64
TEMPLATE = pathlib.Path(__file__).resolve().parent.parent / "template.yaml"


def declared(text):
    """The parameters by name, each with what the template says of it, as texts."""
    block = re.search(r"^Parameters:\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)[1]
    found = {}
    for line in block.splitlines():
        if match := re.fullmatch(r"  (\w+):", line):
            found[match[1]] = {}
        elif match := re.fullmatch(r"    (\w+): (.*)", line):
            found[next(reversed(found))][match[1]] = match[2]
    return found


def unquoted(text):
    return text.strip().strip("'\"")


def wrong(name, value, parameters):
    """What is wrong with a parameter; nothing if it is good."""
    if name not in parameters:
        return f"template.yaml has no parameter {name}; it has {', '.join(parameters)}"
    says = parameters[name]
    if "AllowedValues" in says:
        allowed = [unquoted(one) for one in says["AllowedValues"].strip("[]").split(",")]
        if value not in allowed:
            return f"{name} is one of {', '.join(allowed)}, not {value!r}"
    if "AllowedPattern" in says and not re.search(unquoted(says["AllowedPattern"]), value):
        return f"{name} is not as it should be: {says['Description']}"
    if name == "Plans" and value and (problem := wrong_plans(value)):
        return f'Plans {problem}; such as {{"small":{{"projects":2}}}}, and docs/plans.md has the keys'
    if says.get("Type") == "Number":
        if not re.fullmatch(r"\d+", value):
            return f"{name} is a whole number, not {value!r}"
        least, most = (says.get(bound) for bound in ("MinValue", "MaxValue"))
        if (least and int(value) < int(least)) or (most and int(value) > int(most)):
            return f"{name} is {f'{least} to {most}' if most else f'at least {least}'}, not {value}"
    return None


def wrong_plans(text):
    """What is wrong with plans: as the functions judge them (shared/rules/src/plan.rs), which do not start with wrong ones."""
    try:
        plans = json.loads(text)
    except ValueError:
        return "are no JSON"
    if not isinstance(plans, dict) or not all(isinstance(plan, dict) for plan in plans.values()):
        return "are a JSON object of plans by name"
    if "unlimited" in plans:
        return "have none called unlimited: that is the one without limits, and always there"
    for name, plan in plans.items():
        if not 1 <= len(name) <= NAME:
            return f"have names of 1 to {NAME} characters"
        for key, value in plan.items():
            takes = PLAN.get(key)
            if takes is None:
                return f"have the keys {', '.join(PLAN)}, not {key}"
            if value is not None and takes is int and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                return f"have a whole number or null as {key}"
            if takes is not int and not (isinstance(value, takes) or (takes is str and value is None)):
                return f"have {'true or false' if takes is bool else 'a text'} as {key}"
        if not 1 <= len(plan.get("name") or "x") <= NAME:
            return f"have names of 1 to {NAME} characters"
        if plan.get("auditRetentionDays") is not None and not 1 <= plan["auditRetentionDays"] <= 3650:
            return "keep records for 1 to 3650 days (auditRetentionDays)"
    return None


def pairs(values, new):
    """What parameters say of each other. Of those that are not given nothing is known, unless the deployment is new."""
    for one, other in (("DomainName", "CertificateArn"), ("MailFrom", "MailIdentity")):
        given = [name for name in (one, other) if values.get(name)]
        if len(given) == 1 and (new or {one, other} <= set(values)):
            yield f"{one} and {other} are given both or not at all"
    default, plans = values.get("DefaultPlan"), values.get("Plans", "" if new else None)
    if default not in (None, "", "unlimited") and plans is not None and not (plans and wrong_plans(plans)):
        if default not in json.loads(plans or "{}"):
            yield f"DefaultPlan is the name of a plan in Plans, and {default} is none"
    if values.get("AlarmEmail") and values.get("AlarmTopic"):
        yield "AlarmEmail and AlarmTopic are not given both: alarms go to one of them"


def main(arguments):
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    parameters = declared(TEMPLATE.read_text())
    new = "--new" in arguments
    values = dict(argument.split("=", 1) for argument in arguments if argument != "--new")
    problems = [problem for name, value in values.items() if (problem := wrong(name, value, parameters))]
    problems += pairs(values, new)
    for problem in problems:
        print(f"infra/deploy: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
