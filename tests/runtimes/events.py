"""The events in events/, one for each function, sent to functions that run somewhere."""

import base64
import json
import secrets
import time

import deployment
import gateway
import servers

# An answer that comes from our code and not from something broken.
BROKEN = 500


def invoke(function, lambda_, name):
    """Sends the function its event: what is wrong with its answer, what it was, and the milliseconds it took.

    What it should be is in infra/system.toml: a status, or the whole answer of a function without routes.
    """
    event = (servers.ROOT / "events" / f"{function}.json").read_bytes()
    start = time.perf_counter()
    answer = lambda_.invoke(FunctionName=name, Payload=event)
    body = answer["Payload"].read()
    took = (time.perf_counter() - start) * 1000
    if answer.get("FunctionError") or answer["StatusCode"] != 200:
        return f"it broke off: {body.decode(errors='replace')}", "", took
    _, expected = deployment.told()[function].event
    answered = json.loads(body)
    if expected.startswith("{"):
        problem = answered != json.loads(expected) and f"{body.decode(errors='replace')}, not {expected}"
        return problem, "done", took
    status = str(answered["statusCode"])
    return status != expected and f"status {status}, not {expected}: {answered['body']}", status, took


class Gateway:
    """Sends requests to functions as events of API Gateway, where there is no gateway."""

    def __init__(self, lambda_):
        self.lambda_ = lambda_
        functions = deployment.functions()
        self.routes = [(*route, name) for name, function in functions.items() for route in function.routes]

    def send(self, method, target, body, headers):
        """Status, headers and body of the answer."""
        path, _, query = target.partition("?")
        (route,) = gateway.chosen(self.routes, method, path)
        of_method, of_path, function = route
        headers = {name.lower(): value for name, value in headers.items()}
        cookies = headers.pop("cookie", "").split("; ")
        key = f"{of_method} {of_path}"
        http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "tests"}
        event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "keys.example.org", **headers},
            "requestContext": {"http": http, "requestId": secrets.token_hex(8), "routeKey": key, "stage": "$default"},
            "pathParameters": gateway.parameters(route, path),
            # The gateway passes JSON and text on as they are; Base64 is right for all.
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        if cookies != [""]:
            event["cookies"] = cookies
        answer = json.load(self.lambda_.invoke(FunctionName=function, Payload=json.dumps(event))["Payload"])
        text = answer.get("body") or ""
        body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
        if answer.get("cookies"):
            headers["set-cookie"] = answer["cookies"][0]
        return answer["statusCode"], headers, body


def check(tally, lambda_, prefix="", functions=None):
    """Each function, or each of these, answers its event, twice: in a new process and in the same again."""
    silent = []
    for function in functions or sorted(deployment.functions()):
        name = prefix + function
        try:
            problem, status, first = invoke(function, lambda_, name)
            if not problem:
                problem, status, again = invoke(function, lambda_, name)
        except Exception as error:  # noqa: BLE001  the other functions are still tried
            problem = f"{type(error).__name__}: {error}"
        if problem:
            silent.append(function)
            tally.check(f"{function} answers events/{function}.json", problem)
        else:
            times = f"first {first:.0f} ms, again {again:.0f} ms"
            tally.check(f"{function} answers events/{function}.json: {status}, {times}")
    if silent:
        raise servers.Broken(f"without {', '.join(silent)} the rest would fail as well, and is left out")
