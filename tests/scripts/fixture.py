"""The secrets that the mock server hands out, and the variables that must come of them.

Written out by hand from the naming rules of the machine protocol (section 5), not computed, so that the scripts and
this file cannot share a mistake.
"""

import itertools
import json

_ids = itertools.count(1)

HARD = "it's \"quoted\", $HOME, `id`, $(id), \\n \\\\ 100% %0A !x *\n\n  second line\twith a tab \n'\n''\n"


def _secret(name, value, field_names=None):
    return {"id": f"sk_{next(_ids):010d}", "name": name, "value": value, "fieldNames": field_names}


def _structured(name, fields):
    return _secret(name, json.dumps(fields), json.dumps(list(fields)))


SECRETS = [
    _secret("api-key", "k-123456"),
    _secret("Hard Value", HARD),
    _secret(" --x.y--", "trimmed name"),
    _secret("a__b", "runs collapse"),
    _secret("newline at the end", "line\n"),
    _secret("newlines only", "\n\n"),
    _secret("windows", "first\r\nsecond\r\n"),
    _secret("looks like export", "'; touch INJECTED; export X='"),
    _secret("looks like a delimiter", "a\nEOF\nsikkerkey_0\n<<EOF\nb=c"),
    _secret("option", "-n"),
    _secret("unicode", "blåbærgrød 日本 \U0001f511"),
    _secret("Øre", "name with a letter outside ASCII"),
    _secret("big", ("0123456789abcde'" * 4096)[:65536]),
    _secret("json text", '{"user":"whole","port":"1"}'),
    _structured("Database Credentials", {"host-name": "db.local", "pass.word": HARD, "9": "digit inside a name is fine"}),
    _secret("number inside", '{"port":5432,"host":"h"}', '["port","host"]'),
    _secret("null inside", '{"set":"yes","unset":null}', '["set","unset"]'),
    _secret("empty object", "{}", "[]"),
    _secret("array", '["a"]', '["a"]'),
    _secret("not json", "{broken", '["a"]'),
    _secret("same name", "first"),
    _secret("same.name", "second"),
    _secret("1st", "left out: starts with a digit"),
    _secret("日本", "left out: no name"),
    _structured("---", {"x": "left out: no name before the field"}),
    _structured("only field", {"...": "left out: no name after the secret"}),
    _secret("zero byte", "left out\0here"),
    _secret("BASH_ENV", "touch INJECTED"),
    _secret("path", "/nowhere"),
    _secret("ld preload", "/tmp/evil.so"),
    _structured("git", {"ssh-command": "touch INJECTED"}),
    _secret("sikkerkey home", "/elsewhere/entirely"),
    _secret("pin", "123"),
    _secret("short lines", "a\nøøø\nlong enough"),
]

VARIABLES = {
    "API_KEY": "k-123456",
    "HARD_VALUE": HARD,
    "X_Y": "trimmed name",
    "A_B": "runs collapse",
    "NEWLINE_AT_THE_END": "line\n",
    "NEWLINES_ONLY": "\n\n",
    "WINDOWS": "first\r\nsecond\r\n",
    "LOOKS_LIKE_EXPORT": "'; touch INJECTED; export X='",
    "LOOKS_LIKE_A_DELIMITER": "a\nEOF\nsikkerkey_0\n<<EOF\nb=c",
    "OPTION": "-n",
    "UNICODE": "blåbærgrød 日本 \U0001f511",
    "RE": "name with a letter outside ASCII",
    "BIG": ("0123456789abcde'" * 4096)[:65536],
    "JSON_TEXT": '{"user":"whole","port":"1"}',
    "DATABASE_CREDENTIALS_HOST_NAME": "db.local",
    "DATABASE_CREDENTIALS_PASS_WORD": HARD,
    "DATABASE_CREDENTIALS_9": "digit inside a name is fine",
    "NUMBER_INSIDE": '{"port":5432,"host":"h"}',
    "NULL_INSIDE_SET": "yes",
    "NULL_INSIDE_UNSET": "",
    "EMPTY_OBJECT": "{}",
    "ARRAY": '["a"]',
    "NOT_JSON": "{broken",
    "SAME_NAME": "second",
    "PIN": "123",
    "SHORT_LINES": "a\nøøø\nlong enough",
}

# What the script must say about the secrets that it leaves out or merges: one line each, beginning with these words.
WARNINGS = [
    "left out 1ST: a variable name cannot start with a digit",
    "left out a secret named '日本'",
    "left out a secret named '---'",
    "left out a secret named 'only field'",
    "left out ZERO_BYTE: a variable cannot hold a zero byte",
    "left out BASH_ENV: shells and other programs give this name a meaning",
    "left out PATH: shells and other programs",
    "left out LD_PRELOAD: shells and other programs",
    "left out GIT_SSH_COMMAND: shells and other programs",
    "left out SIKKERKEY_HOME: shells and other programs",
    "SAME_NAME comes from more than one secret: the last one counts",
]
