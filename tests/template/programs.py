"""The programs for Lambda of the functions that have routes, and events for those that have none of their own."""

import json

import gateway

PROGRAM = """\
//! `{name}` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {{
    lambda::Function::named("{name}").http(async |start| {{
        let base = start.base();
{given}        Ok(functions::{crate}::routes({arguments}))
    }})
}}
"""
# What a function is given beside the base, in the order of its arguments: by resources and actions of which it has one.
VALUES = "let values = start.values();"
PROJECT_KEYS = "let keys = start.project_keys(kms::open).await?;"
KEYS = "let keys = start.keys(kms::open).await?;"
MAKER = "let keys = start.keys(kms::open).await?.maker();"
SEAL = "let seal = start.seal().await?;"
COURIER = "let courier = start.courier().await?;"
MAIL = "let mail = start.mail().await?;"


def programs(system):
    """By path."""
    named = {name: function for name, function in system.functions.items() if function.plane != "events"}
    return {f"functions/programs/src/bin/{name}.rs": program(system, function) for name, function in named.items()}


def program(system, function):
    given = list(of(system.granted(function)))
    arguments = ["base", *(line.split()[1] for line in given)]
    return PROGRAM.format(
        name=function.name,
        crate=function.name.replace("-", "_"),
        given="".join(f"        {line}\n" for line in given),
        arguments=", ".join(arguments),
    )


def of(granted):
    """What these rights bring."""
    resources = {right.resource for right in granted}
    unwrapped = {right.purpose for right in granted if right.action == "kms:Decrypt"}
    if "table/values" in resources:
        yield VALUES
    if "project" in unwrapped:
        yield PROJECT_KEYS
    elif unwrapped:
        yield KEYS
    elif "key" in resources:
        yield MAKER
    if "function/seal-secret" in resources:
        yield SEAL
    if "function/deliver-webhooks" in resources:
        yield COURIER
    if "function/send-mail" in resources:
        yield MAIL


def events(system, code):
    """By path, for the functions that infra/system.toml says nothing of an event of."""
    routes = gateway.made(code)
    for number, function in enumerate(system.functions.values(), 1):
        if function.has_made_event:
            yield f"events/{function.name}.json", event(function.name, number, routes, code)


def event(name, number, routes, code):
    """A call of the function's simplest route without any credentials, from an address that no other event has."""
    own = [(path, method) for method, path, of in code if of == name]
    path, method = min(own, key=lambda route: (route[0].count("{"), route[1] != "GET", route))
    at = path.replace("{", "").replace("}", "")
    (chosen,) = gateway.chosen(routes, method, at)
    address = f"198.51.100.{number}"
    called = {
        "version": "2.0",
        "routeKey": " ".join(chosen[:2]),
        "rawPath": at,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-forwarded-for": address,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-sikkerkey-request": "1",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": at,
                "protocol": "HTTP/1.1",
                "sourceIp": address,
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": " ".join(chosen[:2]),
            "stage": "$default",
            "time": "14/Nov/2023:22:13:20 +0000",
            "timeEpoch": 1700000000000,
        },
        "pathParameters": gateway.parameters(chosen, at),
        "isBase64Encoded": False,
    }
    if not called["pathParameters"]:
        del called["pathParameters"]
    return json.dumps(called, indent=2) + "\n"
