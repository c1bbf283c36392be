"""`printable`: text from elsewhere that can't command the terminal it is shown on.

Names, reasons and log lines come from containers and files that anybody may have written.
"""

import re

#: what terminals read as a command and not as text: it goes as a whole, not its first character only
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]"  # CSI: colours, moves, erasures
    r"|\x1b[\]P^_X].*?(?:\x07|\x1b\\|$)|\x9d.*?(?:\x07|\x9c|$)",  # OSC, DCS: titles, clipboards
    re.DOTALL,
)


def printable(text: str) -> str:
    """One line without control characters, invisible ones and those that change the direction."""
    if text.isprintable():
        return text
    plain = _SEQUENCE.sub("", text)
    return "".join(_shown(sign) for sign in plain).strip()


def printable_lines(text: str) -> str:
    """The same for a text of many lines, whose indentation is kept."""
    if text.isprintable():
        return text
    plain = _SEQUENCE.sub("", text.replace("\r\n", "\n").expandtabs())
    return "".join(sign for sign in plain if sign == "\n" or sign.isprintable())


def _shown(sign: str) -> str:
    return sign if sign.isprintable() else " " if sign.isspace() else ""
