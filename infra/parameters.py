#!/usr/bin/env python3
"""usage: infra/parameters.py [--new] [NAME=VALUE...]

Holds parameters to what template.yaml takes, before anything is built: a line on standard error for each mistake, and then
exit code 1. With --new nothing is deployed yet, so that what is not given has no value. Reads the part `Parameters` of the template as text, so that it needs nothing but Python.
"""

import json
import pathlib
import re
import sys

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
    if name == "Plans" and value and not is_plans(value):
        return "Plans is a JSON object of plans by name, such as {\"small\":{\"projects\":2}}; docs/plans.md has the keys"
    if says.get("Type") == "Number":
        if not re.fullmatch(r"\d+", value):
            return f"{name} is a whole number, not {value!r}"
        least, most = (says.get(bound) for bound in ("MinValue", "MaxValue"))
        if (least and int(value) < int(least)) or (most and int(value) > int(most)):
            return f"{name} is {f'{least} to {most}' if most else f'at least {least}'}, not {value}"
    return None


def is_plans(text):
    """Whether a text is a JSON object of objects. What is in a plan is for the functions to judge."""
    try:
        plans = json.loads(text)
    except ValueError:
        return False
    return isinstance(plans, dict) and all(isinstance(plan, dict) for plan in plans.values())


def pairs(values, new):
    """What parameters say of each other. Of those that are not given nothing is known, unless the deployment is new."""
    for one, other in (("DomainName", "CertificateArn"), ("MailFrom", "MailIdentity")):
        given = [name for name in (one, other) if values.get(name)]
        if len(given) == 1 and (new or {one, other} <= set(values)):
            yield f"{one} and {other} are given both or not at all"
    default, plans = values.get("DefaultPlan"), values.get("Plans")
    if default and default != "unlimited" and (plans or new) and not (plans and is_plans(plans) and default in json.loads(plans)):
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
