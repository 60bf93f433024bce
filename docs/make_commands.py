"""What can be typed? Writes ``docs/commands.md`` from the command line itself.

Run from the root of the repository after any change of a command: ``python docs/make_commands.py``. A test
compares the page with what this would write.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from lifecircle.cli import cli

PAGE = Path(__file__).with_name("commands.md")
_HEAD = """# Commands

Every command, argument and option, written from the command line itself by `python docs/make_commands.py`.
Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 something in the data
or on the disk is wrong, 2 something in the words typed is wrong, 130 stopped.
"""


def commands_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(line for name in sorted(cli.commands) for line in _section(name))])


def _section(name: str) -> Iterator[str]:
    command = cli.commands[name]
    about, _, examples = (command.help or "").partition("\b")
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    words = " ".join(f"[{one.name}]" if not one.required else f"{one.name}".upper() for one in arguments)
    yield f"## lifecircle {name}\n"
    yield f"    lifecircle {name} {words} [OPTIONS]\n".replace("  [", " [")
    yield about.strip() + "\n"
    yield "".join(f"    {line.strip()}\n" for line in examples.strip().splitlines())
    yield "| option | what it does |"
    yield "| --- | --- |"
    for option in command.params:
        if isinstance(option, click.Option):
            yield f"| `{_typed(option)}` | {_meaning(option)} |"
    yield ""


def _typed(option: click.Option) -> str:
    if option.is_flag:
        return option.opts[0]
    kind = option.type
    value = (
        "\\|".join(kind.choices) if isinstance(kind, click.Choice) else option.metavar or kind.name.upper()
    )
    return f"{option.opts[0]} {value}"


def _meaning(option: click.Option) -> str:
    notes = ["required"] if option.required else []
    notes += ["may be repeated"] if option.multiple else []
    notes += [f"default: {option.default}"] if option.show_default else []
    text = (option.help or "").replace("|", "\\|")
    return f"{text} ({'; '.join(notes)})" if notes else text


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8", newline="\n")
