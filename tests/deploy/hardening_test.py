"""How the programs are hardened, read from the binaries: position-independent, full RELRO, no executable stack,
stack protector, FORTIFY and, on x86, the landing pads of CET.
Usage: hardening_test.py FOLDER optimised|plain PROGRAM …, where FORTIFY is checked in optimised builds only."""
import pathlib
import platform
import re
import subprocess
import sys
import unittest

FOLDER = pathlib.Path(sys.argv[1])
OPTIMISED = sys.argv[2] == "optimised"
PROGRAMS = [FOLDER / name for name in sys.argv[3:]]
del sys.argv[1:]
LANDING_PAD = b"\xf3\x0f\x1e\xfa"  # endbr64


def readelf(flags, program):
    return subprocess.run(["readelf", "-W", flags, program], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def imports(program):
    return set(re.findall(r"UND (\w+)", readelf("--dyn-syms", program)))


def failures(check):
    """The programs that fail the check, with what the check finds wrong."""
    found = {program.name: check(program) for program in PROGRAMS}
    return {name: wrong for name, wrong in found.items() if wrong}


def lacks(text, *patterns):
    return [pattern for pattern in patterns if not re.search(pattern, text)]


class HardeningTest(unittest.TestCase):
    def test_there_are_programs(self):
        self.assertGreater(len(PROGRAMS), 0)

    def test_the_programs_load_at_a_random_address(self):
        self.assertEqual(failures(lambda program: lacks(readelf("-hd", program), r"Type: +DYN",
                                                        r"FLAGS_1\).*\bPIE\b")), {})

    def test_the_loader_resolves_all_symbols_at_the_start_and_then_makes_them_read_only(self):
        self.assertEqual(failures(lambda program: lacks(readelf("-ld", program), r"\(FLAGS\) +BIND_NOW",
                                                        "GNU_RELRO")), {})

    def test_the_stack_is_not_executable(self):
        self.assertEqual(failures(lambda program: lacks(readelf("-l", program),
                                                        r"GNU_STACK(?: +0x[0-9a-f]+){5} RW ")), {})

    def test_functions_check_their_stack_frames(self):
        self.assertEqual(failures(lambda program: {"__stack_chk_fail"} - imports(program)), {})

    @unittest.skipUnless(OPTIMISED, "FORTIFY needs an optimised build")
    def test_calls_of_the_c_library_check_the_size_of_their_buffers(self):
        self.assertEqual(failures(lambda program: lacks("\n".join(imports(program)), r"(?m)^__\w+_chk$")), {})

    @unittest.skipUnless(platform.machine() == "x86_64", "CET is of x86")
    def test_functions_begin_with_a_landing_pad(self):
        # The code of the C runtime alone has three.
        self.assertEqual(failures(lambda program: program.read_bytes().count(LANDING_PAD) < 20), {})


if __name__ == "__main__":
    unittest.main()
