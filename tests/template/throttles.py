"""The throttles of the routes that ask for no proof of who calls: each has one of its own, tighter than that of the others,
so that whoever floods them leaves reads alone."""

import gateway

# What the API asks of browsers, and no proof of who asks.
NO_PROOF = "request"
SETTINGS = "{ThrottlingRateLimit: !Ref PublicThrottleRate, ThrottlingBurstLimit: !Ref PublicThrottleBurst}"


def public(document):
    """The operations, as methods and paths, that ask for no proof of who calls."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            ways = [set(way) - {NO_PROOF} for way in operation["security"]]
            if not ways or not all(ways):
                yield method.upper(), path


def routes(code, document):
    """The keys of the gateway's routes that these operations take."""
    made, keys = gateway.made(code), set()
    for method, path in public(document):
        request = "/".join("-" if gateway.variable(part) else part for part in path.split("/"))
        keys |= {f"{by} {at}" for by, at, _ in gateway.chosen(made, method, request)}
    return sorted(keys)


def lines(code, document):
    """The part of the stage in template.yaml."""
    return [f"        '{key}': {SETTINGS}" for key in routes(code, document)]
