"""The release artifacts: built, weighed, deployed with template.yaml to ministack, and spoken to there."""

import functools
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import zipfile

import checks
import cloudformation
import deployment
import events
import gateway
import journey
import servers

# docs/performance.md: the goal for a function's zip.
MOST_BYTES = 7_000_000
# How a function answers a path that it does not have.
NO_ROUTE = {"error": "Route not found"}
PREFIX = "sikkerkey-zips"
DOMAIN = "keys.example.org"
# Functions of different kinds, which stand for all where the run is not deep: one that answers machines and opens values,
# one that answers people and has values written, one that other functions invoke.
SAMPLE = ("read-secret", "manage-secrets", "seal-secret")
# In the place of a function that was not built.
STAND_IN = "#!/bin/sh\nexit 1\n"


def functions_by_logical_id():
    """The template's functions as they stand in it."""
    resources = deployment.documents()["template.yaml"]["Resources"]
    return {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"}


def build_properties():
    """How each function is built, by its binary's name."""
    every = [function["Metadata"]["BuildProperties"] for function in functions_by_logical_id().values()]
    return {properties["Binary"]: properties for properties in every}


def build(tally, names):
    """A zip for each of these functions, by name."""
    functions = sorted(set(build_properties()) & set(names))
    if subprocess.run(["infra/archives", *functions], cwd=servers.ROOT, check=False).returncode:
        raise servers.Broken("the functions do not build")
    archives = servers.target() / "archives"
    zips = {name: archives / f"{name}.zip" for name in functions}
    summed = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=archives, check=False).returncode
    tally.check("the archives have the checksums that are told", summed and "sha256sum finds a difference")
    bill = json.loads((archives / "bill.cdx.json").read_text())
    known = {component["name"] for component in bill["components"]}
    missing = {"ed25519-dalek", "aes-gcm", "read-secret"} - known
    tally.check("the bill of materials names what the programs are made of", missing and f"without {missing}")
    print(f"{'function':<20}{'zip, bytes':>12}{'unpacked':>12}")
    for name, path in sorted(zips.items()):
        with zipfile.ZipFile(path) as archive:
            (bootstrap,) = archive.infolist()
        size = path.stat().st_size
        print(f"{name:<20}{size:>12,}{bootstrap.file_size:>12,}")
        tally.check(f"the zip of {name} is at most {MOST_BYTES:,} bytes", size > MOST_BYTES and f"{size:,} bytes")
    return zips


def check_again(tally, zips):
    """Another build of one archive, in another folder from nothing, has the same bytes."""
    name = "list-secrets"
    again = servers.target() / "again"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(again)}
    done = subprocess.run(["infra/archives", name], cwd=servers.ROOT, env=environment, check=False).returncode
    same = not done and (again / "archives" / f"{name}.zip").read_bytes() == zips[name].read_bytes()
    tally.check(f"two builds of {name}.zip are equal byte for byte", not same and "they differ")
    shutil.rmtree(again, ignore_errors=True)


# What each variable that can be wrong is set to in turn, and the one that has to be named.
WRONG = (
    ({}, "SIKKERKEY_URL"),
    ({"SIKKERKEY_URL": "keys.example.org"}, "SIKKERKEY_URL"),
    ({"SIKKERKEY_LOG": "trace"}, "SIKKERKEY_LOG"),
    ({"SIKKERKEY_URL": f"https://{DOMAIN}"}, "AWS_ACCESS_KEY_ID"),
    ({"SIKKERKEY_URL": f"https://{DOMAIN}", **servers.CREDENTIALS}, "SIKKERKEY_KMS_KEY"),
)


def check_starts(tally, zips, folder):
    """A function with a wrong environment ends at its start, and says which variable it is."""
    program = folder / "bootstrap"
    with zipfile.ZipFile(zips["read-secret"]) as archive:
        program.write_bytes(archive.read("bootstrap"))
    program.chmod(0o755)
    for environment, named in WRONG:
        ended = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=10, check=False)
        said = ended.stdout + ended.stderr
        problem = (ended.returncode != 1 and f"exit code {ended.returncode}") or (named not in said and said)
        tally.check(f"with {environment or 'nothing'} set read-secret ends and names {named}", problem)


def stand_in(folder):
    """A zip that a function can be deployed with, and that answers nothing."""
    path = folder / "stand-in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        archive.writestr(bootstrap, STAND_IN)
    return path


def template_of(zips, folder):
    """template.yaml with these zips as the functions' code, where `sam deploy` takes it from."""
    other = stand_in(folder)
    documents = deployment.documents()
    root = documents["template.yaml"]
    for resource in root["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = str(zips.get(resource["Metadata"]["BuildProperties"]["Binary"], other))
        elif resource["Type"] in cloudformation.NESTED:
            properties["TemplateURL"] = str(servers.ROOT / properties["TemplateURL"])
    path = folder / "template.json"
    path.write_text(json.dumps(root, default=str))
    return path


def aws_environment(emulator, folder):
    """What command-line tools need to take the emulator for AWS."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    given = {"AWS_ENDPOINT_URL": emulator.url, "SAM_CLI_TELEMETRY": "0", "HOME": str(folder)}
    return {**own, **servers.CREDENTIALS, **given}


def certificate(emulator):
    """With a domain of its own the deployment has an address that its configuration takes for one."""
    return deployment.client("acm", emulator.url).request_certificate(DomainName=DOMAIN)["CertificateArn"]


def deploy(template, emulator, folder):
    parameters = {"Architecture": "x86_64", "DomainName": DOMAIN, "CertificateArn": certificate(emulator)}
    parameters |= {"MailFrom": deployment.MAIL_FROM, "MailIdentity": deployment.MAIL_IDENTITY}
    parameters |= {"SetUpCodeHash": journey.SET_UP_CODE_HASH}
    # For the end-to-end suite, whose tests each sign up somebody, all from one address.
    parameters |= {"OpenSignUp": "true", "LockoutFailures": "1000"}
    command = ["sam", "deploy", "--template-file", str(template), "--stack-name", PREFIX, "--resolve-s3"]
    command += ["--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset"]
    command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    environment = aws_environment(emulator, folder)
    deployed = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if deployed.returncode:
        raise servers.Broken(f"sam deploy: {deployed.stdout[-3000:]}{deployed.stderr[-3000:]}")


def check_routes(tally, emulator, built):
    """The gateway has the template's routes, and leads each of the code's to its function, as far as those were built."""
    api = deployment.client("apigatewayv2", emulator.url)
    (only,) = [found["ApiId"] for found in api.get_apis()["Items"]]
    pages = api.get_paginator("get_routes").paginate(ApiId=only)
    deployed = {route["RouteKey"] for page in pages for route in page["Items"]}
    wanted = {f"{method} {path}" for function in deployment.functions().values() for method, path in function.routes}
    tally.check("the gateway has the template's routes", deployed != wanted and f"{sorted(deployed ^ wanted)}")
    routes = [(*route, name) for name, function in deployment.functions().items() for route in function.routes]
    for method, path in deployment.operations():
        path = re.sub(r"\{\w+\}", "x", path)
        ((_, _, function),) = gateway.chosen(routes, method, path)
        if function in built:
            tally.check(f"{method} {path} is answered by {function}", unanswered(emulator, method, path))
    status, _, body = request(emulator, "GET", "/v1/no-such-route")
    refused = status == 404 and b'"message"' in body
    tally.check("the gateway itself refuses another path", not refused and f"status {status}: {body.decode()}")
    status, _, body = request(emulator, "GET", "/v1/manage/trash/x/no-such-route")
    problem = (status, json.loads(body)) != (404, NO_ROUTE) and f"status {status}: {body.decode()}"
    tally.check("a function refuses a path of its family that it does not have", problem)


def request(emulator, method, path, body=None, headers=()):
    """A request to the deployment's address: status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
    try:
        connection.request(method, path, body, {"Host": DOMAIN, **dict(headers)})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def unanswered(emulator, method, path):
    status, _, body = request(emulator, method, path)
    if status >= events.BROKEN:
        return f"status {status}: {body.decode(errors='replace')}"
    if status == 404 and NO_ROUTE["error"].encode() in body:
        return "it leads to a function that has no such route"
    # The gateway's own 404 is {"message": ...}, ours {"error": ...}.
    return status == 404 and b'"message"' in body and "the gateway knows no such route"


def check_roles(tally, emulator):
    """The emulator holds functions to their roles: without the right to read, a read comes to nothing."""
    iam = deployment.client("iam", emulator.url)
    lambda_ = deployment.client("lambda", emulator.url)
    function = lambda_.get_function_configuration(FunctionName=f"{PREFIX}-read-secret")
    role = function["Role"].rsplit("/", 1)[1]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    less = [statement for statement in policy["Statement"] if statement["Action"] != "dynamodb:BatchGetItem"]

    def status(statements):
        document = json.dumps({**policy, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
        return events.invoke("read-secret", lambda_, f"{PREFIX}-read-secret")

    problem, answered, _ = status(less)
    tally.check("read-secret without the right to read its facts does not work", not problem and f"status {answered}")
    problem, _, _ = status(policy["Statement"])
    tally.check("read-secret with that right again works", problem)


def run(tally, folder, deep):
    functions = deployment.functions()
    zips = build(tally, functions if deep else SAMPLE)
    if deep:
        check_again(tally, zips)
    check_starts(tally, zips, folder)
    template = template_of(zips, folder)
    with servers.ministack(folder, roles=True) as emulator:
        deployment.allow_mail(emulator.url)
        deploy(template, emulator, folder)
        tally.check("sam deploy takes the template and the zips")
        lambda_ = deployment.client("lambda", emulator.url)
        events.check(tally, lambda_, f"{PREFIX}-", sorted(zips))
        check_routes(tally, emulator, zips)
        if deep:
            use(tally, emulator)
        check_roles(tally, emulator)


def use(tally, emulator):
    """The main jobs over HTTP, and what of the end-to-end suite can differ here."""
    journey.Journey(tally, functools.partial(request, emulator), emulator.url).run()
    environment = {
        "SIKKERKEY_E2E_DYNAMODB": emulator.url,
        "SIKKERKEY_E2E_LAMBDA": emulator.url,
        "SIKKERKEY_E2E_PREFIX": PREFIX,
        "SIKKERKEY_E2E_FUNCTION_PREFIX": f"{PREFIX}-",
    }
    tally.cargo_test(["--workspace", "--test", "suite", "--", *checks.selected("zips")], environment)
