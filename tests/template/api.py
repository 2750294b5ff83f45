"""The tables of docs/api.md, made from the OpenAPI document: one of each topic, and one of the refusals."""

PATH = "docs/api.md"
# The first door of management: at the other one, that of AI agents, are the same operations.
PEOPLE, AGENTS = "/v1/manage/", "/v1/ai/"
# An object with more fields stands below its table.
MOST_FIELDS_IN_A_CELL = 7


def parts(document):
    """The parts of the page, by their names, in lines."""
    api = Api(document)
    return {"Errors": refusals(document)} | {tag["name"]: api.topic(tag["name"]) for tag in document["tags"]}


def refusals(document):
    """The statuses of errors, and the codes of each."""

    def row(status, response):
        codes = response["headers"]["X-SikkerKey-Error"]["schema"]["enum"]
        return status, response["description"].removesuffix("."), ", ".join(f"`{code}`" for code in codes)

    responses = document["components"]["responses"]
    return table(["status", "when", "codes"], [row(*each) for each in responses.items() if each[0].isdecimal()])


def table(columns, rows):
    """A table in lines, without the columns in which nothing stands."""
    used = [number for number in range(len(columns)) if any(row[number] for row in rows)]
    line = lambda cells: "|" + "|".join(f" {cells[number]} " if cells[number] else " " for number in used) + "|"  # noqa: E731
    return ["", line(columns), "|" + "---|" * len(used), *map(line, rows), ""]


class Api:
    """The document, as the page tells of it."""

    def __init__(self, document):
        self.document = document
        self.schemas = document["components"]["schemas"]
        # Objects that are parts of others: things, which have one name wherever they stand.
        self.things = {name for schema in self.schemas.values() for name in self.in_fields(schema)}

    def in_fields(self, schema):
        for value in schema.get("properties", {}).values():
            name = self.name(value) or self.name(value.get("items", {})) or self.name(value.get("additionalProperties"))
            if name and "properties" in self.schemas[name]:
                yield name

    @staticmethod
    def name(schema):
        return schema["$ref"].rpartition("/")[2] if isinstance(schema, dict) and "$ref" in schema else None

    def topic(self, topic):
        """The operations of a topic, and below them the objects that they name."""
        rows, named = [], []
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                if topic in operation["tags"] and not path.startswith(AGENTS):
                    rows.append(self.row(method.upper(), path, operation, named))
        lines = table(["route", "needs", "session", "body", "answer", "audited"], rows)
        # Those that others name come after them.
        explained = [f"- `{name}`: `{self.fields(name, named)}`" for name in named]
        return [*lines, *explained, ""] if explained else lines

    def row(self, method, path, operation, named):
        managed = path.startswith(PEOPLE)
        needs = operation.get("x-needs")
        needs = {"person": "people only", "nothing": "nothing", None: ""}.get(needs, f"`{needs}`")
        session = ""
        if path.startswith(("/v1/account", "/v1/operator")):
            session = "yes" if any("session" in scheme for scheme in operation["security"]) else "no"
        audited = operation.get("x-audited")
        return (
            f"`{method} {path.removeprefix(PEOPLE)}`" if managed else f"`{method} {path}`",
            needs,
            session,
            self.body(method, operation, named),
            self.answer(operation, named),
            f"`{audited}`" if audited else "",
        )

    def body(self, method, operation, named):
        if "requestBody" not in operation:
            return "none" if method == "POST" else ""
        return self.cell(operation["requestBody"]["content"]["application/json"]["schema"], named)

    def answer(self, operation, named):
        success = operation["responses"]["200"]
        [(media_type, content)] = success["content"].items()
        known = media_type == "application/json" and "$ref" in content["schema"]
        text = self.cell(content["schema"], named) if known else f"`{media_type.partition(';')[0]}`"
        return f"{text}, and the cookie" if "Set-Cookie" in success.get("headers", {}) else text

    def cell(self, schema, named):
        """A schema in a cell: its fields, or its name if it is large or a thing."""
        name = self.name(schema)
        choices = self.schemas[name].get("anyOf")
        if choices:
            return " or ".join(self.cell(choice, named) for choice in choices)
        if name in self.things or len(self.schemas[name].get("properties", {})) > MOST_FIELDS_IN_A_CELL:
            return f"`{self.known(name, named)}`"
        return f"`{self.fields(name, named)}`"

    @staticmethod
    def known(name, named):
        """The name of an object that stands below the table."""
        if name not in named:
            named.append(name)
        return name

    def fields(self, name, named):
        """An object's fields, those that may be missing with a question mark."""
        schema = self.schemas[name]
        fields = schema.get("properties", {})
        written = [self.field(key, value, key in schema.get("required", []), named) for key, value in fields.items()]
        return "{" + ",".join(written) + "}"

    def field(self, key, value, is_needed, named):
        inner = self.value(value, named)
        if key in ("success", "preview") and is_needed:
            inner = "true"
        if "const" in value:
            inner = f'"{value["const"]}"'
        return f'"{key}"' + ("" if is_needed else "?") + (f":{inner}" if inner else "")

    def value(self, value, named):
        if self.name(value) in self.things:
            return self.known(self.name(value), named)
        of_map = value.get("additionalProperties")
        if isinstance(of_map, dict):
            return '{"…":' + self.value(of_map, named) + "}"
        if "array" not in value.get("type", ""):
            return ""
        return "[" + (self.value(value["items"], named) or '"…"') + "]"
