"""infra/parameters.py against parameters whose mistakes are known: what is found before anything is built."""

import importlib.util
import pathlib

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "infra/parameters.py"
# What is given, whether the deployment is new, and what has to be in the words that come of it; nothing if all is well.
CASES = (
    (["OpenSignUp=true", "LockoutFailures=5"], False, None),
    (["OpenSignup=true"], False, "no parameter OpenSignup"),
    (["OpenSignUp=yes"], False, "one of true, false"),
    (["LockoutFailures=many"], False, "a whole number"),
    (["KeyCacheSeconds=301"], False, "0 to 300"),
    (["MailFrom=keys@example.org"], True, "MailFrom and MailIdentity"),
    (["MailFrom=keys@example.org"], False, None),
    (['Plans={"team":{"projects":2,"name":"Team","ipAllowlist":false,"secrets":null}}', "DefaultPlan=team"], True, None),
    (['Plans={"team":{"projects":2}}', "DefaultPlan=unlimited"], True, None),
    (['Plans={"team":{"project":2}}'], False, "not project"),
    (['Plans={"team":{"projects":"2"}}'], False, "a whole number or null as projects"),
    (['Plans={"team":{"projects":true}}'], False, "a whole number or null as projects"),
    (['Plans={"team":{"ipAllowlist":1}}'], False, "true or false as ipAllowlist"),
    (['Plans={"team":{"auditRetentionDays":0}}'], False, "1 to 3650 days"),
    (['Plans={"unlimited":{}}'], False, "none called unlimited"),
    (['Plans={"":{}}'], False, "names of 1 to 64"),
    (["Plans=[]"], False, "a JSON object of plans"),
    (["Plans={"], False, "no JSON"),
    (['Plans={"team":{}}', "DefaultPlan=tema"], False, "tema is none"),
    (["Plans=", "DefaultPlan=team"], False, "team is none"),
    (["DefaultPlan=team"], True, "team is none"),
    (["DefaultPlan=team"], False, None),
)


def wrong():
    """A case whose mistake is not found, or another one is."""
    spec = importlib.util.spec_from_file_location("parameters", SCRIPT)
    parameters = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parameters)
    declared = parameters.declared(parameters.TEMPLATE.read_text())
    for given, new, expected in CASES:
        values = dict(one.split("=", 1) for one in given)
        found = [problem for name, value in values.items() if (problem := parameters.wrong(name, value, declared))]
        found += parameters.pairs(values, new)
        if (len(found) == 1 and expected and expected in found[0]) or (not found and expected is None):
            continue
        yield f"{' '.join(given)}{' (new)' if new else ''}: {found}, not {expected!r}"
