# SPDX-License-Identifier: MIT
"""The README's commands, for tests that follow it to the letter."""

import re

from install import SOURCE


def readme_commands(language="sh"):
    """The README's fenced blocks of shell commands, or of another language, in their order."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (SOURCE / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [block.strip() for block in blocks]


def readme_block(text, language="sh"):
    """The one fenced block that holds the text."""
    blocks = [block for block in readme_commands(language) if text in block]
    if len(blocks) != 1:
        raise AssertionError(f"README.md: expected one {language} block with {text!r}, found {len(blocks)}")
    return blocks[0] + "\n"
