"""The gateway's rules against hand-made cases with known answers."""

import gateway

# The example of AWS's page on routes, with its answers and two more.
EXAMPLE = [
    ("GET", "/pets/dog/1", "static"),
    ("GET", "/pets/dog/{id}", "variable"),
    ("GET", "/pets/{proxy+}", "greedy"),
    ("ANY", "/{proxy+}", "any"),
]
CHOSEN = {
    ("GET", "/pets/dog/1"): ["static"],
    ("GET", "/pets/dog/2"): ["variable"],
    ("GET", "/pets/cat/1"): ["greedy"],
    ("POST", "/test/5"): ["any"],
    ("POST", "/pets/dog/1"): ["any"],
    ("GET", "/"): ["any"],
}
# Where the page does not say which, both are possible.
UNDECIDED = [("GET", "/a/{x}", "one"), ("GET", "/{x}/a", "other")]

# Two paths, whether something matches both, and whether the first matches all that the second does.
PATHS = (
    ("/a/b", "/a/b", True, True),
    ("/a/b", "/a/c", False, False),
    ("/a/b", "/a", False, False),
    ("/a/{x}", "/a/b", True, True),
    ("/a/b", "/a/{x}", True, False),
    ("/a/{x}", "/{y}/b", True, False),
    ("/a/{x}", "/a/{y}", True, True),
    ("/a/{x}/c", "/a/b", False, False),
    ("/a/{proxy+}", "/a/b", True, True),
    ("/a/{proxy+}", "/a/b/c", True, True),
    ("/a/{proxy+}", "/b/c", False, False),
    ("/a/{proxy+}", "/{x}/b/c", True, False),
    # Nothing below it: perhaps, so it counts as in the way and not as served.
    ("/a/{proxy+}", "/a", True, False),
    ("/a/{x}/c/{proxy+}", "/a/b/d/e", False, False),
    ("/a/{proxy+}", "/a/b/{proxy+}", True, True),
)

# The code's routes, and the gateway's that are made of them: each a method, a path, a function.
MADE = {
    "several below a path become one": (
        {("GET", "/v1/a/b", "f"), ("POST", "/v1/a/{x}/c", "f")},
        {("ANY", "/v1/{proxy+}", "f")},
    ),
    "the path itself stays": (
        {("GET", "/v1/a", "f"), ("GET", "/v1/a/b", "f"), ("GET", "/v1/a/c", "f"), ("GET", "/v1/b", "g")},
        {("GET", "/v1/a", "f"), ("ANY", "/v1/a/{proxy+}", "f"), ("GET", "/v1/b", "g")},
    ),
    "several methods of a path become any": (
        {("GET", "/v1/a", "f"), ("POST", "/v1/a", "f"), ("GET", "/v1/b", "g")},
        {("ANY", "/v1/a", "f"), ("GET", "/v1/b", "g")},
    ),
    "but for a path of two functions": (
        {("GET", "/v1/a", "f"), ("POST", "/v1/a", "f"), ("PUT", "/v1/a", "g")},
        {("GET", "/v1/a", "f"), ("POST", "/v1/a", "f"), ("PUT", "/v1/a", "g")},
    ),
    "what another function has below it stays": (
        {("GET", "/v1/a/{x}/b", "f"), ("GET", "/v1/a/{x}/c", "f"), ("GET", "/v1/a/{x}/d", "g")},
        {("GET", "/v1/a/{x}/b", "f"), ("GET", "/v1/a/{x}/c", "f"), ("GET", "/v1/a/{x}/d", "g")},
    ),
    "and what a variable of another function could be": (
        {("GET", "/v1/a/b", "f"), ("GET", "/v1/a/c", "f"), ("GET", "/v1/{x}/d", "g")},
        {("GET", "/v1/a/b", "f"), ("GET", "/v1/a/c", "f"), ("GET", "/v1/{x}/d", "g")},
    ),
    "a family may be deep": (
        {("GET", "/v1/a/{x}/b/c", "f"), ("GET", "/v1/a/{x}/b/d", "f"), ("GET", "/v1/a/{x}/e", "g")},
        {("ANY", "/v1/a/{x}/b/{proxy+}", "f"), ("GET", "/v1/a/{x}/e", "g")},
    ),
}


def wrong():
    """Cases whose answer is another than it should be."""
    for (method, path), right in CHOSEN.items():
        found = [name for _, _, name in gateway.chosen(EXAMPLE, method, path)]
        if found != right:
            yield f"{method} {path} takes {found}, not {right}"
    if len(gateway.chosen(UNDECIDED, "GET", "/a/a")) != len(UNDECIDED):
        yield "what is not documented is taken for decided"
    for one, other, overlap, covers in PATHS:
        if (gateway.overlap(one, other), gateway.overlap(other, one), gateway.covers(one, other)) != (
            overlap,
            overlap,
            covers,
        ):
            yield f"{one} and {other}: overlap or covers is wrong"
    for what, (code, right) in MADE.items():
        if gateway.made(code) != right:
            yield f"{what}: made {sorted(gateway.made(code))}"
    variables = gateway.parameters(("ANY", "/a/{x}/b/{proxy+}", "f"), "/a/1/b/2/3")
    if variables != {"x": "1", "proxy": "2/3"}:
        yield f"the variables of a path are {variables}"
