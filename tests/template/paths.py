"""The paths that documents and comments name."""

import re

FOLDERS = "shared|functions|local|tests|infra|docs|events|clients"
ENDINGS = "rs|py|toml|yaml|json|md|sh"
# A path of a file, or in backticks of a folder. Not of a placeholder or a pattern, and not the end of a longer path.
NAMED = re.compile(rf"(?<![\w./*-])(?:{FOLDERS})/[\w./-]+\.(?:{ENDINGS})\b(?![*{{])|(?<=`)(?:{FOLDERS})/[\w./-]+(?=`)")
# Stands for a name.
PLACEHOLDER = re.compile(r"/[A-Z]{2,}\b(?!\.md)")
READ = ("*.md", "*.rs", "*.py", "*.toml", "*.yaml", "*.sh")


def missing(root):
    """Names of files and folders that are not there, with where they stand."""
    tops = [root / top for top in FOLDERS.split("|") if (root / top).is_dir()]
    files = {file for pattern in READ for file in root.glob(pattern)}
    files |= {file for top in tops for pattern in READ for file in top.rglob(pattern)}
    for file in sorted(files):
        if "target" in file.parts or "node_modules" in file.parts:
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for path in NAMED.findall(line):
                if not PLACEHOLDER.search(path) and not (root / path).exists():
                    yield f"{file.relative_to(root)}:{number} names {path}, which is not there"
