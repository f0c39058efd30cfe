"""Commands of the command line, one module for each entry of `getbill.process.cli.COMMANDS`.

A module holds a function (`getbill migrate`) or a Typer app whose verbs belong to one noun (`getbill company
create`). Commands are the outermost layer: they may call anything and nothing imports them.
"""
