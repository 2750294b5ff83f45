"""What is made from infra/system.toml and from the code's routes: whole files, and parts of files between two lines."""

import re
import textwrap

import alarms
import programs
import quotas
import roles
import routes
import template
import throttles

COMMAND = "tests/template/run --write"


def whole(system, code):
    """The files that are made as a whole, but for docs/rights.md, which tells of the stack that these make."""
    return {
        "infra/roles.yaml": roles.yaml(system),
        "infra/alarms.yaml": alarms.yaml(system),
        "infra/routes.yaml": routes.yaml(code),
        **programs.programs(system),
        **dict(programs.events(system, code)),
    }


def parts(root, system, code, api, documents):
    """The parts of files, by the file and the part's name, in lines. `api` is the OpenAPI document."""
    made = {("template.yaml", name): part(system) for name, part in template.PARTS.items()}
    made["template.yaml", "public routes"] = throttles.lines(code, api)
    made["events/README.md", "events"] = events(system)
    made["docs/deploy.md", "functions"] = shell(system)
    made["docs/deploy.md", "quotas"] = quotas.table(quotas.count(root, documents)) if documents else None
    return {place: lines for place, lines in made.items() if lines is not None}


def put(text, name, lines):
    """The text with these lines as the part of this name."""
    part = re.compile(rf"^(.*>>> {re.escape(name)}: .*\n)(?:.*\n)*?(.*<<< {re.escape(name)}\b.*\n)", re.MULTILINE)
    body = "".join(f"{line}\n" for line in lines)
    text, found = part.subn(lambda match: f"{match[1]}{body}{match[2]}", text)
    if found != 1:
        raise ValueError(f"one line with `>>> {name}:` and one with `<<< {name}` should be there, not {found}")
    return text


def write(root, system, code, api, documents=None):
    """Writes what differs; which files that was. Without `documents` what tells of the stack is left as it is."""
    made = whole(system, code)
    for (path, name), lines in parts(root, system, code, api, documents).items():
        made[path] = put(made.get(path) or (root / path).read_text(), name, lines)
    changed = [path for path, text in made.items() if not (root / path).exists() or (root / path).read_text() != text]
    for path in changed:
        (root / path).write_text(made[path])
    return changed


def drift(root, system, code, api, documents):
    """A file that is not what would be made."""
    for path, text in whole(system, code).items():
        if not (root / path).exists() or (root / path).read_text() != text:
            yield f"{path} is not what would be made: run `{COMMAND}`, read the difference and commit it"
    for (path, name), lines in parts(root, system, code, api, documents).items():
        text = (root / path).read_text()
        if put(text, name, lines) != text:
            yield f"the part `{name}` of {path} is not what would be made: run `{COMMAND}`"


def events(system):
    """The table of events/README.md."""
    lines = ["| function | the event | answer | command |", "|---|---|---|---|"]
    for function in system.functions.values():
        what, answer = function.event
        answer = f"`{answer}`" if answer.startswith("{") else answer
        command = f"cargo lambda invoke -A 127.0.0.1 {function.name} --data-file events/{function.name}.json"
        lines.append(f"| `{function.name}` | {what} | {answer} | `{command}` |")
    return lines


def shell(system):
    """The names of the functions, for the commands of docs/deploy.md: those for people are let in again first."""
    lists = {"people": [], "machines": []}
    for name, function in system.functions.items():
        for_people = function.plane in ("account", "pages", "management") or function.trigger.startswith("call")
        lists["people" if for_people else "machines"].append(name)
    lines = ["```sh"]
    for group, names in lists.items():
        listed = textwrap.wrap(" ".join(names), 110, break_on_hyphens=False)
        # Arrays, which bash and zsh go through alike.
        lines += f"{group}=({f'{chr(10)}    '.join(listed)})".split("\n")
    return [*lines, "```"]
