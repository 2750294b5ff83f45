"""The two commands of docs/deploy.md: `sam build`, and infra/deploy against ministack."""

import functools
import os
import re
import subprocess

import journey
import servers
import zips

STACK = "sikkerkey-deploy"


def run(command, environment):
    """The command in the repository's root, with all that it says."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    return subprocess.run(command, cwd=servers.ROOT, env=environment, check=False, **output)


def build(tally, _folder):
    """A dry build for this machine's processor, in the folder that infra/deploy builds in."""
    built = servers.target() / "sam" / "build"
    command = ["sam", "build", "--template-file", "template.yaml", "--build-dir", str(built)]
    command += ["--parallel", "--parameter-overrides", "Architecture=x86_64"]
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": servers.REGION}
    done = run(command, environment)
    if done.returncode:
        raise servers.Broken(f"sam build does not succeed:\n{done.stdout[-4000:]}")
    for name in zips.functions_by_logical_id():
        bootstrap = built / name / "bootstrap"
        head = bootstrap.read_bytes()[:20] if bootstrap.exists() else b""
        # An ELF file for x86-64.
        problem = (not head and "there is none") or (head[18:20] != b"\x3e\x00" and "it is for another processor")
        tally.check(f"sam build makes a bootstrap for {name}", problem)


def deploy(tally, folder):
    """infra/deploy twice, a new deployment and an update, and the first step that it prints."""
    with servers.ministack(folder, roles=True) as emulator:
        parameters = ["Architecture=x86_64", f"DomainName={zips.DOMAIN}"]
        parameters.append(f"CertificateArn={zips.certificate(emulator)}")
        command = ["infra/deploy", "--stack", STACK, *parameters]
        # The toolchain is looked for in the home folder, so it stays.
        environment = {**zips.aws_environment(emulator, folder), "HOME": os.environ["HOME"]}
        # The second time the region is remembered.
        environment.update(XDG_CONFIG_HOME=str(folder / "config"), AWS_REGION="eu-north-1", AWS_DEFAULT_REGION="eu-north-1")
        # An empty value takes a parameter back.
        codes = []
        for what, more in (("makes a deployment", ("--region", servers.REGION)), ("brings it up to date", ("AlarmEmail=",))):
            done = run([*command, *more], environment)
            problem = done.returncode and f"exit code {done.returncode}:\n{done.stdout[-4000:]}"
            tally.check(f"infra/deploy {what}", problem)
            if problem:
                return
            tally.check("it says where", f"https://{zips.DOMAIN}" not in done.stdout and done.stdout[-2000:])
            codes += re.findall(r"Set-up code of the first account: ([A-Z2-9]{5}(?:-[A-Z2-9]{5}){3}) ", done.stdout)
        tally.check("it prints a set-up code once, and the update keeps it", len(codes) != 1 and f"{len(codes)} codes")
        if codes:
            first = journey.Journey(tally, functools.partial(zips.request, emulator))
            first.sign_up(code=codes[0].lower().replace("-", " "))
