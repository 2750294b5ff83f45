#!/usr/bin/env python3
"""Parses PowerShell files with the tree-sitter grammar and exits 1 on anything that Windows PowerShell would refuse.

The grammar is that of Windows PowerShell 5.1 and a little more lenient, so three rules are added: no pipeline chains
(`&&`, `||` need PowerShell 7), no `try` without `catch` or `finally`, and no command that is neither defined in the
file nor listed in CMDLETS.
"""

import sys

import tree_sitter
import tree_sitter_powershell

# What the scripts may call: all of these are in both Windows PowerShell 5.1 and PowerShell 7.
CMDLETS = {
    "ConvertFrom-Json",
    "ConvertTo-Json",
    "Get-Command",
    "Invoke-RestMethod",
    "Join-Path",
    "Move-Item",
    "New-Object",
    "Out-Null",
    "Remove-Item",
    "Set-StrictMode",
    "Test-Path",
    "Write-Host",
}


def nodes(source):
    language = tree_sitter.Language(tree_sitter_powershell.language())
    pending = [tree_sitter.Parser(language).parse(source).root_node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(node.children)


def problems(source):
    def text(node):
        return source[node.start_byte : node.end_byte].decode()

    known = CMDLETS | {text(node) for node in nodes(source) if node.type == "function_name"}
    for node in nodes(source):
        line = node.start_point[0] + 1
        if node.is_missing:
            yield line, f"{node.type} is missing"
        elif node.type == "ERROR":
            yield line, "syntax error"
        elif node.type == "pipeline_chain_tail":
            yield line, "&& and || need PowerShell 7"
        elif node.type == "try_statement" and not {child.type for child in node.children} & {"catch_clauses", "finally_clause"}:
            yield line, "try without catch or finally"
        elif node.type == "command_name" and text(node) not in known:
            yield line, f"unknown command {text(node)}"


def main(paths):
    failed = False
    for path in paths:
        with open(path, "rb") as file:
            source = file.read()
        for line, problem in sorted(problems(source)):
            failed = True
            print(f"{path}:{line}: {problem}")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
