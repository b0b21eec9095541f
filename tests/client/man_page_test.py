"""`man vico` has every command and option of the program's help, and groff finds nothing wrong with it.
Usage: man_page_test.py VICO PAGE"""
import functools
import re
import shutil
import subprocess
import sys
import unittest


@functools.cache
def help_of(*command):
    return subprocess.run([VICO, *command, "--help"], check=True, capture_output=True, text=True, timeout=60).stdout


def subcommands(*command):
    """All commands below, with those that only hold others."""
    listed = help_of(*command).partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    for name in re.findall(r"^  ([a-z]+) ", listed, re.M):
        yield (*command, name)
        yield from subcommands(*command, name)


def options(*command):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", help_of(*command), re.M)) - {"--help"}


class ManPageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        groff = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=300n", PAGE], capture_output=True,
                               text=True, timeout=60)
        cls.complaints, cls.text = groff.stderr, groff.stdout

    def part(self, *command):
        """What the page says about a command."""
        found = re.search(rf"^   vico {' '.join(command)} .*:\n((?:(?!   \S|\S).*\n)*)", self.text, re.M)
        self.assertTrue(found, f"the page has no vico {' '.join(command)}")
        return found[1]

    def test_groff_finds_nothing(self):
        self.assertEqual(self.complaints, "")
        self.assertNotIn("???", self.text)

    def test_the_page_is_of_vico(self):
        self.assertTrue(self.text.startswith("VICO(1)"), self.text[:80])
        for section in ("NAME", "SYNOPSIS", "OPTIONS", "COMMANDS", "EXIT STATUS"):
            self.assertRegex(self.text, rf"(?m)^{section}$")

    def test_each_command_has_its_options(self):
        seen = 0
        for command in subcommands():
            if list(subcommands(*command)):
                continue
            part = self.part(*command)
            for option in options(*command):
                with self.subTest(command=command, option=option):
                    self.assertRegex(part, rf"(?m)^ +(?:-\w,)?{option}\b")
                seen += 1
        self.assertGreater(seen, 50)

    def test_the_options_of_all_commands_are_there(self):
        for option in options():
            with self.subTest(option):
                self.assertRegex(self.text, rf"(?m)^       {option}\b")


if __name__ == "__main__":
    PAGE = sys.argv.pop()
    VICO = sys.argv.pop()
    if not shutil.which("groff"):
        print("groff is missing; scripts/bootstrap --tests installs it")
        sys.exit(77)
    unittest.main()
