"""infra/system.toml: the functions, what each may do, the tables and the alarms."""

import dataclasses
import pathlib
import re
import tomllib

import rights

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = "infra/system.toml"
PLANES = ("machine", "onboarding", "account", "pages", "management", "events")
# How a function of the plane `events` is reached. Others have routes.
TRIGGERS = ("call", "call later", "schedule", "schedule and call", "stream")
# Those whose events Lambda keeps and may try again, and for which nobody waits.
ASYNCHRONOUS = ("call later", "schedule", "schedule and call", "stream")
# Rights that nobody names: each function has the first, and its trigger brings the others.
LOG = "write its own log"
LETTERS = "put events that failed into the queue of dead letters"
STREAM = "follow the stream of the audit table"
# What an event that is made is, and what it is answered with.
MADE_EVENT = ("its simplest route, called by somebody who is not known here", "401")


class Wrong(SystemExit):
    """The file says something that is not understood; the text says what. Nothing can go on without it."""


@dataclasses.dataclass(frozen=True)
class Function:
    """A function as the file has it."""

    name: str
    plane: str
    says: str
    # By name.
    rights: tuple
    sees: str
    # What events/NAME.json is, and what it is answered with. Where the file does not say, the event is made.
    event: tuple = MADE_EVENT
    trigger: str = ""
    memory: int = 0
    timeout: int = 0
    yaml: str = ""

    @property
    def has_made_event(self):
        return self.event == MADE_EVENT

    @property
    def camel(self):
        return camel(self.name)

    @property
    def asynchronous(self):
        return self.trigger in ASYNCHRONOUS


@dataclasses.dataclass(frozen=True)
class System:
    """The whole file, with the rights worked out."""

    functions: dict
    # The lines that a right's name stands for.
    rights: dict
    tables: dict
    alarms: dict

    def named(self, function):
        """The names of all rights of a function, those that nobody writes down too."""
        brings = {LETTERS: function.asynchronous, STREAM: function.trigger == "stream"}
        return [*function.rights, *(name for name, brought in brings.items() if brought), LOG]

    def lines(self, function):
        """Each right of a function in turn: its name and its lines."""
        told = {}
        for name in self.named(function):
            told.update(self.expanded(name))
        return told

    def expanded(self, name, above=()):
        """The right, or those that it stands for: name and lines."""
        if name not in self.rights:
            raise Wrong(f"{FILE}: there is no right called: {name}")
        if name in above:
            raise Wrong(f"{FILE}: the right stands for itself: {name}")
        lines = self.rights[name]
        names = [line for line in lines if line in self.rights]
        if names and len(names) != len(lines):
            raise Wrong(f"{FILE}: a right has lines or names of rights, not both: {name}")
        if not names:
            return {name: lines}
        found = {}
        for other in names:
            found.update(self.expanded(other, (*above, name)))
        return found

    def granted(self, function):
        """What a function's role grants, as the smallest rights there are."""
        lines = (line for found in self.lines(function).values() for line in found)
        return set().union(*(self.parse(line, function) for line in lines))

    def superfluous(self, function):
        """The names of rights of a function that give it nothing which its other rights do not give."""
        parsed = {
            name: set().union(*(self.parse(line, function) for line in lines))
            for name, lines in self.lines(function).items()
        }
        for name, own in parsed.items():
            if own <= set().union(*(others for other, others in parsed.items() if other != name)):
                yield name

    def parse(self, line, function):
        """The rights that one line means."""
        match = LINE.fullmatch(line)
        if match is None:
            raise Wrong(f"{FILE}: not understood: {line}")
        actions, place, rows, attributes = (re.split(", *", part) if part else [] for part in match.groups())
        (place,) = place
        service, resource = self._resource(place, function)
        if (service == "dynamodb" or place == "key") and not rows and place != "stream":
            raise Wrong(f"{FILE}: which rows or purposes? {line}")
        purposes, keys = (rows, ()) if place == "key" else ((), rows)
        attributes = (*rights.KEY_ATTRIBUTES, *attributes) if attributes else ()
        return rights.product([f"{service}:{action}" for action in actions], (resource,), keys, attributes, purposes)

    def _resource(self, place, function):
        """The service and the short name of what a line is about."""
        table, _, index = place.partition("/")
        if table in self.tables and (not index or index in self.tables[table]):
            return "dynamodb", f"table/{table}" + (f"/index/{index}" if index else "")
        if place in self.functions:
            return "lambda", f"function/{place}"
        places = {
            "key": ("kms", "key"),
            "identity": ("ses", "identity"),
            "dead-letters": ("sqs", "queue/dead-letters"),
            "stream": ("dynamodb", "table/audit/stream/made"),
            "log": ("logs", f"log-group/{function.name}"),
        }
        if place not in places:
            raise Wrong(f"{FILE}: what is {place}?")
        return places[place]

    def of_plane(self, *planes):
        return frozenset(name for name, function in self.functions.items() if function.plane in planes)

    def tables_of(self, function):
        """The tables that a function has a right to, but for the stream that it follows."""
        found = {right.resource for right in self.granted(function) if right.resource.startswith("table/")}
        own = {resource.split("/")[1] for resource in found if "/stream/" not in resource}
        return [table for table in self.tables if table in own]


# The actions, what they are about, rows or purposes, attributes.
LINE = re.compile(r"(\w+(?:, \w+)*) ([\w/-]+)(?: ([^() ]+(?:, [^() ]+)*))?(?: \(([^()]+)\))?")


def camel(name):
    return "".join(word.capitalize() for word in name.split("-"))


def read(root=ROOT):
    """The file of a repository."""
    found = tomllib.loads((root / FILE).read_text())
    if unknown := set(found) - {field.name for field in dataclasses.fields(System)}:
        raise Wrong(f"{FILE}: what is [{', '.join(sorted(unknown))}]?")
    functions = {}
    for plane, of_plane in found["functions"].items():
        for name, given in of_plane.items():
            if name in functions:
                raise Wrong(f"{FILE}: {name} is on two planes")
            functions[name] = _function(name, plane, given)
    lines = {name: tuple(said) if isinstance(said, list) else (said,) for name, said in found["rights"].items()}
    made = System(**{**found, "functions": functions, "rights": lines})
    _check(made)
    return made


def _function(name, plane, given):
    try:
        lists = {"rights": tuple(given["rights"]), "event": tuple(given.get("event", MADE_EVENT))}
        return Function(name=name, plane=plane, **{**given, **lists})
    except (KeyError, TypeError) as error:
        raise Wrong(f"{FILE}: the function {name}: {error}") from error


def _check(made):
    """What no later step would notice."""
    used = set()
    for function in made.functions.values():
        for name in made.superfluous(function):
            raise Wrong(f"{FILE}: {function.name} has all of this right by others: {name}")
        used.update(*(_below(made, name) for name in made.named(function)))
        if function.has_made_event and function.plane == "events":
            raise Wrong(f"{FILE}: {function.name}: a function without routes has an event of its own")
        if len(function.event) != 2:
            raise Wrong(f"{FILE}: {function.name}: an event is two texts, what it is and its answer")
        if function.plane not in PLANES:
            raise Wrong(f"{FILE}: {function.name} is of no plane called {function.plane}")
        if (function.trigger in TRIGGERS) != (function.plane == "events"):
            raise Wrong(f"{FILE}: {function.name}: functions of the plane events have a trigger, and no others")
    if unused := set(made.rights) - used:
        raise Wrong(f"{FILE}: rights of no function: {', '.join(sorted(unused))}")


def _below(made, name):
    """A right's name with those that it stands for."""
    inner = [line for line in made.rights.get(name, ()) if line in made.rights]
    return {name}.union(*(_below(made, other) for other in inner))
