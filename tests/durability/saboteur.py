#!/usr/bin/env python3
"""Shows that the suite finds what it looks for: the local server, whose store forgets something before each start.

    SIKKERKEY_LOCAL='tests/durability/saboteur.py WHAT' tests/durability/run crashes

has to fail. WHAT is `log` (SQLite's log of late writes is deleted), or a kind of row, of which one that has changed
since the start before is put back to what it was then: `record`, `grant`, `freeze`, `value`, `secret`, `token`,
`machine`, `uses`. Needs what ./local/run builds.
"""

import contextlib
import os
import pathlib
import random
import sqlite3
import sys

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).resolve().parents[2] / "target")
SERVER = TARGET / "debug" / "sikkerkey-local"
# Table, and which of its rows.
ROWS = {
    "record": ("sikkerkey-audit", "pk LIKE 'S:machine#%'"),
    "grant": ("sikkerkey-vault", "sk LIKE 'S:GRANT#%'"),
    "freeze": ("sikkerkey-vault", "sk = 'S:PROJECT'"),
    "value": ("sikkerkey-values", "sk = 'S:CURRENT'"),
    "secret": ("sikkerkey-vault", "sk = 'S:SECRET'"),
    "token": ("sikkerkey-vault", "sk LIKE 'S:BOOTSTRAP%'"),
    "machine": ("sikkerkey-vault", "sk = 'S:MACHINE'"),
    "uses": ("sikkerkey-vault", "sk = 'S:ENROLLMENT'"),
}


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    store = pathlib.Path(arguments[arguments.index("--data") + 1], "store.sqlite")
    if what == "log":
        for end in ("-wal", "-shm"):
            store.with_name(store.name + end).unlink(missing_ok=True)
    elif store.exists():
        forget(store, store.with_name("before.sqlite"), *ROWS[what])
    os.execv(SERVER, [str(SERVER), *arguments])


def forget(store, before, table, rows):
    with contextlib.closing(sqlite3.connect(store)) as connection:
        if before.exists():
            connection.execute("ATTACH ? AS before", (str(before),))
            new, old = (f'SELECT pk, sk, item_json FROM {there}."{table}" WHERE {rows}' for there in ("main", "before"))
            differing = f"SELECT * FROM ({old} EXCEPT {new}) UNION ALL SELECT * FROM ({new} EXCEPT {old})"
            changed = connection.execute(f"SELECT DISTINCT pk, sk FROM ({differing})").fetchall()
            if changed:
                row = random.choice(changed)
                put_back(connection, table, "pk", "sk", row)
                named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE ?"
                for (index,) in connection.execute(named, (f"{table}::gsi::%",)).fetchall():
                    put_back(connection, index, "table_pk", "table_sk", row)
                connection.commit()
            connection.execute("DETACH before")
        before.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(before),))


def put_back(connection, table, pk, sk, row):
    connection.execute(f'DELETE FROM main."{table}" WHERE {pk} = ? AND {sk} = ?', row)
    connection.execute(f'INSERT INTO main."{table}" SELECT * FROM before."{table}" WHERE {pk} = ? AND {sk} = ?', row)


if __name__ == "__main__":
    main()
