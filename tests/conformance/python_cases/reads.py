"""Values, fields, lists and exports, as a machine that may read gets them."""

import json

from sikkerkey import (
    AccessDeniedError,
    ApiError,
    FieldNotFoundError,
    NotFoundError,
    SecretStructureError,
)

from harness import unique
from python_cases import Case

LARGEST_VALUE_BYTES = 64 * 1024  # decisions 5
UNKNOWN_PROJECT = "proj_0000000000"
UNKNOWN_SECRET = "sk_0000000000"
FROZEN = 423

DATABASE = {"host": "db.internal", "port": "5432", "user.name": "app", "password": 'p"w\\d\n'}

TEXTS = {
    "ascii": "s3cr3t-value",
    "one character": "x",
    "symbols": "!@#$%^&*()-_=+[]{}:,.?<>/;'`~|",
    "quotes and backslashes": 'say "hi", it\'s C:\\new\\table',
    "newlines and tabs": "first\nsecond\r\n\tthird\n",
    "outer spaces": "  kept as it is  ",
    "unicode": "Grüße, 世界, Ελλάδα, שלום",
    "outside the first plane": "🔑 and 👩‍💻 and 𝔘",
    "not normalised": "é is not e\u0301",
    "line separators": "a\u2028b\u2029c\u0085d",
    "json object": '{"host": "db",  "port": 5432}',
    "json of the answer": '{"value":"not this"}',
    "json array": '["a", "b"]',
    "json string": '"quoted"',
    "number": "007",
    "null": "null",
    "markup": "<b>&amp;</b>",
    "percent": "100%25 %s %00",
    "largest, ascii": "0123456789abcdef" * (LARGEST_VALUE_BYTES // 16),
    "largest, two bytes a character": "ø" * (LARGEST_VALUE_BYTES // 2),
}


class Values(Case):
    def test_every_text_comes_back_as_it_was_stored(self):
        project = self.owner.project()
        secrets = {label: self.owner.secret(project, text) for label, text in TEXTS.items()}
        machine = self.owner.machine()
        self.owner.admit(machine, project, *secrets.values())
        client = self.client(machine)
        for label, secret in secrets.items():
            with self.subTest(label):
                self.assertEqual(client.get_secret(secret), TEXTS[label])

    def test_new_value_at_the_next_read(self):
        machine, project, secret = self.reader("first")
        client = self.client(machine)
        self.assertEqual(client.get_secret(secret), "first")
        self.owner.update(project, secret, "second")
        self.assertEqual(client.get_secret(secret), "second")

    def test_two_machines_read_the_same_secret(self):
        first, project, secret = self.reader("shared")
        second = self.owner.machine()
        self.owner.admit(second, project, secret)
        for machine in (first, second):
            self.assertEqual(self.client(machine).get_secret(secret), "shared")

    def test_many_reads_in_a_row(self):
        machine, _, secret = self.reader("again")
        client = self.client(machine)
        self.assertEqual({client.get_secret(secret) for _ in range(50)}, {"again"})

    def test_unknown_secret(self):
        machine, _, _ = self.reader()
        for secret in (UNKNOWN_SECRET, "no-such-shape"):
            with self.subTest(secret=secret), self.assertRaises(NotFoundError) as caught:
                self.client(machine).get_secret(secret)
            self.assertEqual(caught.exception.http_status, 404)

    def test_secret_in_the_trash(self):
        machine, project, secret = self.reader()
        self.owner.trash(project, secret)
        with self.assertRaises(NotFoundError):
            self.client(machine).get_secret(secret)


class Fields(Case):
    def structured(self):
        project = self.owner.project()
        secret = self.owner.secret(project, json.dumps(DATABASE), field_names=list(DATABASE))
        machine = self.owner.machine()
        self.owner.admit(machine, project, secret)
        return self.client(machine), secret

    def test_all_fields(self):
        client, secret = self.structured()
        self.assertEqual(client.get_fields(secret), DATABASE)

    def test_one_field(self):
        client, secret = self.structured()
        for field, value in DATABASE.items():
            self.assertEqual(client.get_field(secret, field), value)

    def test_whole_value_is_the_json_text(self):
        client, secret = self.structured()
        self.assertEqual(json.loads(client.get_secret(secret)), DATABASE)

    def test_absent_field(self):
        client, secret = self.structured()
        with self.assertRaises(FieldNotFoundError):
            client.get_field(secret, "absent")

    def test_plain_text_has_no_fields(self):
        for text in ("plain", '["a","b"]', '"quoted"', "42"):
            machine, _, secret = self.reader(text)
            client = self.client(machine)
            with self.subTest(text=text):
                with self.assertRaises(SecretStructureError):
                    client.get_fields(secret)
                with self.assertRaises(SecretStructureError):
                    client.get_field(secret, "a")

    def test_fields_follow_an_update(self):
        project = self.owner.project()
        secret = self.owner.secret(project, json.dumps({"user": "a", "pass": "1"}), field_names=["user", "pass"])
        machine = self.owner.machine()
        self.owner.admit(machine, project, secret)
        client = self.client(machine)
        self.assertEqual(client.get_field(secret, "pass"), "1")
        self.owner.update(project, secret, json.dumps({"user": "a", "pass": "2"}))
        self.assertEqual(client.get_fields(secret), {"user": "a", "pass": "2"})


class Lists(Case):
    def test_a_machine_without_grants_gets_an_empty_list(self):
        machine = self.owner.machine()
        self.assertEqual(self.client(machine).list_secrets(), [])
        project = self.owner.project()
        self.owner.secret(project, "not granted")
        self.owner.attach(project, machine.id)
        self.assertEqual(self.client(machine).list_secrets(), [])
        self.assertEqual(self.client(machine).list_secrets_by_project(project), [])

    def test_what_an_item_says(self):
        project = self.owner.project()
        plain_name, structured_name = unique("Plain ø"), unique("Structured")
        plain = self.owner.secret(project, '{"looks":"like json"}', plain_name)
        structured = self.owner.secret(project, json.dumps(DATABASE), structured_name, list(DATABASE))
        machine = self.owner.machine()
        self.owner.admit(machine, project, plain, structured)
        client = self.client(machine)
        for listed in (client.list_secrets(), client.list_secrets_by_project(project)):
            items = {item.id: item for item in listed}
            self.assertEqual(set(items), {plain, structured})
            self.assertEqual(items[plain].name, plain_name)
            self.assertIsNone(items[plain].field_names)
            self.assertEqual(items[plain].project_id, project)
            self.assertEqual(items[structured].name, structured_name)
            self.assertIsInstance(items[structured].field_names, str)
            self.assertEqual(json.loads(items[structured].field_names), list(DATABASE), "in the order given")

    def test_only_what_is_granted(self):
        machine, project, secret = self.reader()
        self.owner.secret(project, "not granted")
        self.assertEqual([item.id for item in self.client(machine).list_secrets()], [secret])

    def test_all_projects_or_one(self):
        machine, first, one = self.reader()
        second = self.owner.project()
        other = self.owner.secret(second, "in the second project")
        self.owner.admit(machine, second, other)
        client = self.client(machine)
        self.assertEqual({item.id for item in client.list_secrets()}, {one, other})
        self.assertEqual([item.id for item in client.list_secrets_by_project(first)], [one])
        self.assertEqual([item.id for item in client.list_secrets_by_project(second)], [other])

    def test_a_secret_in_the_trash_is_not_listed(self):
        machine, project, secret = self.reader()
        self.owner.trash(project, secret)
        self.assertEqual(self.client(machine).list_secrets(), [])

    def test_a_frozen_project_is_still_listed(self):
        machine, project, secret = self.reader()
        self.owner.freeze(project)
        client = self.client(machine)
        self.assertEqual([item.id for item in client.list_secrets()], [secret])
        self.assertEqual([item.id for item in client.list_secrets_by_project(project)], [secret])

    def test_unknown_project(self):
        machine, _, _ = self.reader()
        with self.assertRaises(NotFoundError):
            self.client(machine).list_secrets_by_project(UNKNOWN_PROJECT)

    def test_project_of_others(self):
        machine, _, _ = self.reader()
        with self.assertRaises(AccessDeniedError):
            self.client(machine).list_secrets_by_project(self.owner.project())


class Exports(Case):
    def test_nothing_granted(self):
        self.assertEqual(self.client(self.owner.machine()).export(), {})

    def test_names_and_flattening(self):
        project = self.owner.project()
        credentials = json.dumps({"host": "db", "port": "5432", "ssl-mode": "require"})
        secrets = [
            self.owner.secret(project, credentials, "Database Credentials", ["host", "port", "ssl-mode"]),
            self.owner.secret(project, "key", "api-key"),
            self.owner.secret(project, "dots", "--x.y--"),
            self.owner.secret(project, "sharp", "Straße"),
            self.owner.secret(project, '{"user":"a","pass":"b"}', "looks like json"),
        ]
        machine = self.owner.machine()
        self.owner.admit(machine, project, *secrets)
        expected = {
            "DATABASE_CREDENTIALS_HOST": "db",
            "DATABASE_CREDENTIALS_PORT": "5432",
            "DATABASE_CREDENTIALS_SSL_MODE": "require",
            "API_KEY": "key",
            "X_Y": "dots",
            "STRASSE": "sharp",
            "LOOKS_LIKE_JSON": '{"user":"a","pass":"b"}',
        }
        client = self.client(machine)
        self.assertEqual(client.export(project), expected)
        self.assertEqual(client.export(), expected)

    def test_all_projects_or_one(self):
        project, other_project = self.owner.project(), self.owner.project()
        one = self.owner.secret(project, "1", "one")
        self.owner.secret(project, "x", "not granted")
        other = self.owner.secret(other_project, "2", "other")
        machine = self.owner.machine()
        self.owner.admit(machine, project, one)
        self.owner.admit(machine, other_project, other)
        client = self.client(machine)
        self.assertEqual(client.export(), {"ONE": "1", "OTHER": "2"})
        self.assertEqual(client.export(project), {"ONE": "1"})
        self.assertEqual(client.export(other_project), {"OTHER": "2"})

    def test_a_frozen_project_is_left_out_and_refused_by_name(self):
        project, frozen = self.owner.project(), self.owner.project()
        one = self.owner.secret(project, "1", "one")
        other = self.owner.secret(frozen, "2", "other")
        machine = self.owner.machine()
        self.owner.admit(machine, project, one)
        self.owner.admit(machine, frozen, other)
        client = self.client(machine)
        self.owner.freeze(frozen)
        self.assertEqual(client.export(), {"ONE": "1"})
        with self.assertRaises(ApiError) as caught:
            client.export(frozen)
        self.assertEqual(caught.exception.http_status, FROZEN)
        self.owner.unfreeze(frozen)
        self.assertEqual(client.export(), {"ONE": "1", "OTHER": "2"})

    def test_a_secret_in_the_trash_is_left_out(self):
        project = self.owner.project()
        kept, gone = self.owner.secret(project, "1", "kept"), self.owner.secret(project, "2", "gone")
        machine = self.owner.machine()
        self.owner.admit(machine, project, kept, gone)
        self.owner.trash(project, gone)
        self.assertEqual(self.client(machine).export(), {"KEPT": "1"})

    def test_many_secrets(self):
        project = self.owner.project()
        expected = {f"SECRET_{number}": f"value {number}" for number in range(120)}
        secrets = [self.owner.secret(project, value, name) for name, value in expected.items()]
        machine = self.owner.machine()
        self.owner.admit(machine, project, *secrets)
        client = self.client(machine)
        self.assertEqual(client.export(project), expected)
        self.assertEqual({item.id for item in client.list_secrets()}, set(secrets))

    def test_unknown_project(self):
        machine, _, _ = self.reader()
        with self.assertRaises(NotFoundError):
            self.client(machine).export(UNKNOWN_PROJECT)

    def test_project_of_others(self):
        machine, _, _ = self.reader()
        with self.assertRaises(AccessDeniedError):
            self.client(machine).export(self.owner.project())
