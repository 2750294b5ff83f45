"""The events in events/, one for each function, sent to functions that run somewhere."""

import json
import time

import deployment
import servers

# An answer that comes from our code and not from something broken.
BROKEN = 500


def invoke(function, lambda_, name):
    """Sends the function its event: what is wrong with its answer, what it was, and the milliseconds it took."""
    event = (servers.ROOT / "events" / f"{function}.json").read_bytes()
    start = time.perf_counter()
    answer = lambda_.invoke(FunctionName=name, Payload=event)
    body = answer["Payload"].read()
    took = (time.perf_counter() - start) * 1000
    if answer.get("FunctionError") or answer["StatusCode"] != 200:
        return f"it broke off: {body.decode(errors='replace')}", "", took
    answered = json.loads(body)
    status = answered.get("statusCode") if isinstance(answered, dict) else None
    problem = None
    if deployment.functions()[function].routes:
        problem = status is None and f"no answer for the gateway: {body.decode(errors='replace')}"
        problem = problem or (status >= BROKEN and f"status {status}: {answered['body']}")
    return problem, str(status or "done"), took


def check(tally, lambda_, prefix=""):
    """Each function answers its event, twice: in a new process and in the same again."""
    for function in sorted(deployment.functions()):
        name = prefix + function
        try:
            problem, status, first = invoke(function, lambda_, name)
            if not problem:
                problem, status, again = invoke(function, lambda_, name)
        except Exception as error:  # noqa: BLE001  the other functions are still tried
            problem = f"{type(error).__name__}: {error}"
        if problem:
            tally.check(f"{function} answers events/{function}.json", problem)
        else:
            tally.check(f"{function} answers events/{function}.json: {status}, first {first:.0f} ms, again {again:.0f} ms")
