"""Packs programs as archives, with their checksums, and says what they are made of; see archives."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import zipfile

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

PROGRAMS = "programs"
TARGET = "x86_64-unknown-linux-gnu"
# The earliest date that the format knows, so that an archive does not say when it was made.
NO_DATE = (1980, 1, 1, 0, 0, 0)
UNIX = 3


def pack(program, archive):
    """An archive of one program, which is the same whenever and wherever it is packed."""
    entry = zipfile.ZipInfo("bootstrap", NO_DATE)
    entry.create_system, entry.external_attr, entry.compress_type = UNIX, 0o100755 << 16, zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(entry, program.read_bytes(), compresslevel=9)


def checksums():
    """Those of Cargo.lock, by name and version."""
    lock = pathlib.Path("Cargo.lock").read_text()
    packages = re.findall(r'name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"', lock)
    return {(name, version): checksum for name, version, checksum in packages}


def linked(nodes, root):
    """The packages that are linked into the programs, each with those that it needs for that."""
    found, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package not in found:
            needed = nodes[package]["deps"]
            found[package] = [each["pkg"] for each in needed if any(kind["kind"] is None for kind in each["dep_kinds"])]
            waiting += found[package]
    return found


def component(package, known):
    own = package["source"] is None
    checksum = known.get((package["name"], package["version"]))
    return Component(
        name=package["name"],
        version=package["version"],
        type=ComponentType.APPLICATION if package["name"] == PROGRAMS else ComponentType.LIBRARY,
        bom_ref=f"{package['name']}@{package['version']}",
        purl=None if own else PackageURL("cargo", None, package["name"], package["version"]),
        licenses=[LicenseExpression(package["license"].replace("/", " OR "))] if package["license"] else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
    )


def bill():
    """What the programs are made of, as a CycloneDX document."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    (root,) = [package["id"] for package in metadata["packages"] if package["name"] == PROGRAMS]
    found, known = linked({node["id"]: node for node in metadata["resolve"]["nodes"]}, root), checksums()
    parts = {package: component(packages[package], known) for package in found}
    document = Bom(components=[part for package, part in parts.items() if package != root])
    document.metadata.component = parts[root]
    for package, needed in found.items():
        needs = [Dependency(parts[each].bom_ref) for each in needed]
        document.dependencies.add(Dependency(parts[package].bom_ref, needs))
    # Without what would make each one another: the same commit has the same bill.
    text = json.loads(JsonV1Dot6(document).output_as_string())
    text.pop("serialNumber"), text["metadata"].pop("timestamp")
    text = json.dumps(text, indent=2, sort_keys=True) + "\n"
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"infra/archives: the bill is no CycloneDX document: {problem}")
    return text, len(parts)


def main(folder, built, *functions):
    folder, built = pathlib.Path(folder), pathlib.Path(built)
    text, parts = bill()
    (folder / "bill.cdx.json").write_text(text)
    print(f"{folder / 'bill.cdx.json'}: {parts} packages")
    sums = []
    for name in functions:
        archive = folder / f"{name}.zip"
        pack(built / name / "bootstrap", archive)
        sums.append(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n")
    if functions:
        (folder / "SHA256SUMS").write_text("".join(sums))
        print(f"{folder / 'SHA256SUMS'}: {len(sums)} archives")


if __name__ == "__main__":
    main(*sys.argv[1:])
