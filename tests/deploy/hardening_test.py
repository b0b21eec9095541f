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


class HardeningTest(unittest.TestCase):
    def each(self):
        self.assertTrue(PROGRAMS)
        for program in PROGRAMS:
            with self.subTest(program.name):
                yield program

    def test_the_program_loads_at_a_random_address(self):
        for program in self.each():
            self.assertRegex(readelf("-h", program), r"Type: +DYN")
            self.assertRegex(readelf("-d", program), r"FLAGS_1\).*\bPIE\b")

    def test_the_loader_resolves_all_symbols_at_the_start_and_then_makes_them_read_only(self):
        for program in self.each():
            self.assertRegex(readelf("-d", program), r"\(FLAGS\) +BIND_NOW")
            self.assertIn("GNU_RELRO", readelf("-l", program))

    def test_the_stack_is_not_executable(self):
        for program in self.each():
            self.assertRegex(readelf("-l", program), r"GNU_STACK(?: +0x[0-9a-f]+){5} RW ")

    def test_functions_check_their_stack_frames(self):
        for program in self.each():
            self.assertIn("__stack_chk_fail", imports(program))

    @unittest.skipUnless(OPTIMISED, "FORTIFY needs an optimised build")
    def test_calls_of_the_c_library_check_the_size_of_their_buffers(self):
        for program in self.each():
            fortified = {name for name in imports(program) if re.fullmatch(r"__\w+_chk", name)}
            self.assertTrue(fortified, "imports no checked function of the C library")

    @unittest.skipUnless(platform.machine() == "x86_64", "CET is of x86")
    def test_functions_begin_with_a_landing_pad(self):
        for program in self.each():
            self.assertGreater(program.read_bytes().count(LANDING_PAD), 100)


if __name__ == "__main__":
    unittest.main()
