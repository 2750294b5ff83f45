"""The routes of the HTTP API: few enough of them, made from the code's routes, and which one a request takes.

A route of the gateway is a method, or `ANY`, and a path, of which a part can be a variable and the last one `{proxy+}`,
which takes all the rest. For a family, the routes of one function below one path, the gateway has `ANY path/{proxy+}`
in their place. The function itself answers 404 to what is none of them.

Which route a request takes is documented for most cases ("Routing API requests" in
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html): a full match before one with
`{proxy+}`. Where several match in the same way "the most specific" is not spelled out. So nothing here relies on it:
where a route is wider than the code's own, no route of another function matches any path that it matches.
"""

import json

GREEDY = "{proxy+}"
ANY = "ANY"
# So many routes below one path are worth a route for all.
LEAST_IN_FAMILY = 2


def made(code):
    """The gateway's routes (method, path, function) from those of the code."""
    routes = set()
    for function in sorted({function for _, _, function in code}):
        own = {(method, path) for method, path, of in code if of == function}
        others = {path for _, path, of in code if of != function}
        roots = families({path for _, path in own}, others)
        routes |= {(ANY, f"{root}/{GREEDY}", function) for root in roots}
        for path in {path for _, path in own if not any(below(path, root) for root in roots)}:
            methods = {method for method, at in own if at == path}
            if len(methods) > 1 and not any(overlap(path, other) for other in others):
                methods = {ANY}
            routes |= {(method, path, function) for method in methods}
    return routes


def families(own, others):
    """The shortest paths below which there are several of a function's and none of another's."""
    found = []
    for root in sorted({root for path in own for root in _above(path)}, key=lambda root: (root.count("/"), root)):
        several = sum(below(path, root) for path in own) >= LEAST_IN_FAMILY
        alone = not any(overlap(f"{root}/{GREEDY}", other) for other in others)
        if several and alone and not any(below(root, wider) for wider in found):
            found.append(root)
    return found


def _above(path):
    """The beginnings of a path that end with a word."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts)) if not variable(parts[end - 1])]


def below(path, root):
    return path.startswith(f"{root}/")


def variable(part):
    return part.startswith("{")


def overlap(one, other):
    """Whether some path matches both, with `{proxy+}` taken as widely as it could be: it may match nothing too."""
    ones, others = one.split("/"), other.split("/")
    for here, there in zip(ones, others, strict=False):
        if GREEDY in (here, there):
            return True
        if here != there and not variable(here) and not variable(there):
            return False
    longer = max(ones, others, key=len)
    return len(ones) == len(others) or longer[min(len(ones), len(others))] == GREEDY


def covers(route, path):
    """Whether every path that matches the second matches the first."""
    wide, narrow = route.split("/"), path.split("/")
    if wide[-1] == GREEDY:
        return len(narrow) >= len(wide) and covers("/".join(wide[:-1]), "/".join(narrow[: len(wide) - 1]))
    return len(wide) == len(narrow) and all(
        variable(here) or here == there for here, there in zip(wide, narrow, strict=True)
    )


def chosen(routes, method, path):
    """The routes that a request could take, by what is documented: several where that does not say which."""
    matching = [route for route in routes if route[0] in (ANY, method) and covers(route[1], path)]
    ranks = {route: _rank(route) for route in matching}
    return [route for route in matching if ranks[route] == max(ranks.values())]


def _rank(route):
    """A full match comes first; then the path with more words in it; then the method that is named."""
    method, path, _ = route
    words = sum(not variable(part) for part in path.split("/"))
    return not path.endswith(GREEDY), words, method != ANY


def parameters(route, path):
    """What the variables of a route are in a path."""
    parts, values = route[1].split("/"), path.split("/")
    found = {part.strip("{}"): value for part, value in zip(parts, values, strict=False) if variable(part)}
    if route[1].endswith(GREEDY):
        del found[GREEDY.strip("{}")]
        found["proxy"] = "/".join(values[len(parts) - 1 :])
    return found


# The checks of the routes as they are in the template.


def problems(routes, code):
    """What is wrong with the gateway's routes, given those of the code."""
    for method, path, function in sorted(code):
        # No word of a route is what a variable stands for in a request.
        request = "/".join("-" if variable(part) else part for part in path.split("/"))
        reached = {of for _, _, of in chosen(routes, method, request)}
        if reached != {function}:
            yield f"{method} {path} of {function} leads to {' and '.join(sorted(reached)) or 'nothing'}"
    for method, path, function in sorted(routes):
        served = [
            at for of_method, at, of in code if of == function and method in (ANY, of_method) and covers(path, at)
        ]
        if not served:
            yield f"{method} {path} leads to {function}, which has no such route"
        if (method, path, function) in code:
            continue
        for at, other in sorted({(at, of) for _, at, of in code if of != function and overlap(path, at)}):
            yield f"{method} {path} of {function} is in the way of {at} of {other}"


def misdirected(root, functions, routes):
    """A function without an event in events/, or an event that is not as the gateway would send it."""
    paths = sorted((root / "events").glob("*.json"))
    for name in sorted({path.stem for path in paths} ^ set(functions)):
        yield f"events/{name}.json or the function {name} is missing"
    for path in paths:
        event = json.loads(path.read_text())
        if "routeKey" not in event:
            continue
        at = event["rawPath"]
        found = chosen(routes, event["requestContext"]["http"]["method"], at)
        if [function for _, _, function in found] != [path.stem]:
            yield f"events/{path.name} goes to {' and '.join(function for _, _, function in found) or 'nothing'}"
            continue
        key, variables = " ".join(found[0][:2]), parameters(found[0], at)
        if {event["routeKey"], event["requestContext"]["routeKey"]} != {key}:
            yield f"events/{path.name}: the route's key should be {key}"
        if event.get("pathParameters", {}) != variables:
            yield f"events/{path.name}: the path's parameters should be {json.dumps(variables)}"
