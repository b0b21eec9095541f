"""How the benchmarks take turns, with small programs as sides: what is counted, and what becomes of a side that fails."""
import json
import pathlib
import sys
import tempfile
import time
import types
import unittest

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import speed_stable_diffusion_cpp as sd_cpp  # noqa: E402
from speed_common import NotMeasured  # noqa: E402
from speed_table import Table  # noqa: E402
from turns import NO_TIME, Limits, Taken, Together, take_apart  # noqa: E402

COUNTS = """
import itertools, json, os, sys
print(json.dumps({"ready": True}), flush=True)
for number, line in zip(itertools.count(), sys.stdin):
    print("a library's own words", flush=True)
    print(json.dumps({"seconds": 100 if number == 0 else number, "row": line.strip(), "process": os.getpid()}), flush=True)
"""
HANGS = "import json, time\nprint(json.dumps({'ready': True}), flush=True)\ntime.sleep(600)\n"
REFUSES = "import json\nprint(json.dumps({'not measured': 'no such precision'}), flush=True)\n"


def dies_at(turn):
    return COUNTS.replace("    print(", f"    if number == {turn}: sys.exit('out of luck')\n    print(", 1)


def python(code):
    return [sys.executable, "-c", code]


def taken_by(limits=Limits(turns=3, seconds=600, answer=300), rows=("unet1",), **sides):
    with Together({name: python(code) for name, code in sides.items()}, limits) as together:
        return [together.take(row, list(sides)) for row in rows][-1]


def figures(seconds):
    return Taken(first={"seconds": 9.0}, counted=[{"seconds": s, "peak_mib": 1024, "device_peak_mib": None} for s in seconds])


class TurnsTest(unittest.TestCase):
    def test_the_first_turn_is_not_counted(self):
        one = taken_by(a=COUNTS)["a"]
        self.assertEqual(one.first["seconds"], 100)
        self.assertEqual([turn["seconds"] for turn in one.counted], [1, 2, 3])
        self.assertEqual(one.median(), 2)

    def test_a_side_that_dies_says_why_and_the_others_go_on(self):
        taken = taken_by(a=dies_at(2), b=COUNTS)
        self.assertIn("out of luck", taken["a"].why)
        self.assertEqual(len(taken["a"].counted), 1)
        self.assertEqual(len(taken["b"].counted), 3)
        self.assertIsNone(taken["b"].why)

    def test_a_side_that_hangs_is_killed(self):
        self.assertEqual(taken_by(limits=Limits(turns=2, seconds=600, answer=5), a=HANGS)["a"].why, "no answer in 5 s")

    def test_a_side_may_refuse(self):
        self.assertEqual(taken_by(a=REFUSES)["a"].why, "no such precision")

    def test_a_missing_program_is_named(self):
        with Together({"a": ["/no/such/program"]}, Limits(turns=1, seconds=60, answer=300)) as together:
            self.assertIn("/no/such/program", together.take("unet1", ["a"])["a"].why)

    def test_a_process_stays_for_several_rows_and_is_started_again_after_it_died(self):
        with Together({"a": python(COUNTS), "b": python(dies_at(1))}, Limits(turns=1, seconds=600, answer=300)) as together:
            first, second = (together.take(row, ["a", "b"]) for row in ("unet1", "decode"))
        self.assertEqual(first["a"].first["process"], second["a"].first["process"])
        self.assertNotEqual(first["b"].first["process"], second["b"].first["process"])
        self.assertEqual(second["a"].counted[0]["row"], "decode")

    def test_apart_each_counted_turn_has_a_process_of_its_own(self):
        taken = take_apart({"a": python(COUNTS)}, "train", Limits(turns=2, seconds=600, answer=300))["a"]
        self.assertEqual(len({turn["process"] for turn in taken.counted}), 2)
        self.assertEqual([turn["seconds"] for turn in taken.counted], [1, 1])

    def test_after_the_deadline_nothing_is_asked_and_the_side_goes_on_with_the_next_row(self):
        def limits(seconds):
            return Limits(turns=1, seconds=600, answer=300, deadline=time.monotonic() + seconds)

        with Together({"a": python(COUNTS)}, limits(300)) as together:
            together.start_all(["a"])
            together.limits = limits(-1)
            late = together.take("unet1", ["a"])["a"]
            together.limits = limits(300)
            next_one = together.take("decode", ["a"])["a"]
        self.assertEqual((late.first, late.counted, late.why), (None, [], NO_TIME))
        self.assertEqual([turn["seconds"] for turn in next_one.counted], [1])

    def test_a_side_that_is_late_is_started_again_for_the_next_row(self):
        with Together({"a": python(HANGS)}, Limits(1, 600, deadline=time.monotonic() + 3)) as together:
            first = together.take("unet1", ["a"])["a"]
            together.limits = Limits(1, 600, deadline=time.monotonic() + 3)
            second = together.take("decode", ["a"])["a"]
        self.assertRegex(first.why, "no answer in [123] s")
        self.assertRegex(second.why, "no answer in [123] s")

    def test_turns_end_when_the_time_is_spent(self):
        self.assertEqual(len(taken_by(limits=Limits(turns=100, seconds=0, answer=300), a=COUNTS)["a"].counted), 1)


class TableTest(unittest.TestCase):
    def test_a_cell_without_a_figure_says_why_and_has_no_number(self):
        table = Table({"x": "program X", "y": "program Y"})
        ours = figures([2.0, 2.0])
        table.add("unet1", "fp32", ours, {"x": (Taken(why="out of memory"), ours)})
        text = table.markdown()
        self.assertIn("| U-Net, 1 row | fp32 | 2 | not measured [1] | – |", text)
        self.assertIn("[1] program X: out of memory", text)

    def test_the_ratio_is_to_this_code_in_the_same_turns(self):
        table = Table({"x": "program X"})
        table.add("decode", "bf16", figures([2.0]), {"x": (figures([6.0]), figures([3.0]))})
        self.assertIn("| VAE decode | bf16 | 2 | 6 (2.00) |", table.markdown())


class StableDiffusionCppTest(unittest.TestCase):
    """With a program that logs as stable-diffusion.cpp does."""

    def step_with(self, script, row):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "sd"
            program.write_text("#!/bin/sh\n" + script)
            program.chmod(0o755)
            write_model, sd_cpp.write_model = sd_cpp.write_model, lambda _: folder
            try:
                options = types.SimpleNamespace(stable_diffusion_cpp=str(program), dtype="bf16", latent=32, threads=2)
                return sd_cpp.make(row, options)()
            finally:
                sd_cpp.write_model = write_model

    LOG = """echo '[INFO ] stable-diffusion.cpp:1 - sampling completed, taking 8.00s'
echo '[INFO ] stable-diffusion.cpp:2 - latent 1 decoded, taking 3.00s'
echo '[INFO ] stable-diffusion.cpp:3 - decode_first_stage completed, taking 3.50s'
"""

    def test_a_row_is_a_step_of_its_sampling(self):
        self.assertEqual(self.step_with(self.LOG, "unet1")["seconds"], 8.0 / sd_cpp.STEPS)

    def test_decoding_is_the_whole_first_stage(self):
        self.assertEqual(self.step_with(self.LOG, "decode")["seconds"], 3.5)

    def test_it_is_asked_for_the_size_and_the_type(self):
        wants = 'case "$*" in *"--type f16"*"-W 256 -H 256 -t 2"*) ;; *) exit 3;; esac\n'
        self.assertEqual(self.step_with(wants + self.LOG, "decode")["seconds"], 3.5)

    def test_a_log_without_the_line_gives_no_number(self):
        with self.assertRaises(NotMeasured):
            self.step_with("echo done\n", "unet1")

    def test_a_failure_is_named(self):
        with self.assertRaisesRegex(NotMeasured, "exit code 1: no such model"):
            self.step_with("echo no such model; exit 1\n", "unet1")


class PeersTest(unittest.TestCase):
    def test_without_the_others_each_cell_says_why(self):
        import peers
        from unittest import mock
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["peers", "--small", "--rows", "unet1,sample1", "--dtypes", "fp32", "--build", folder,
                         "--out", folder, "--python", "/no/such/python"]
            with mock.patch.object(sys, "argv", arguments), mock.patch("builtins.print"):
                peers.main()
            text = (pathlib.Path(folder) / "peers.md").read_text()
            found = json.loads((pathlib.Path(folder) / "peers.json").read_text())
        self.assertIn("/no/such/python", text)
        self.assertIn("the authors' code: no --vico", text)
        self.assertIn("stable-diffusion.cpp: no --stable-diffusion-cpp", text)
        self.assertEqual([one["row"] for one in found["rows"]], ["unet1", "sample1"])
        for one in found["rows"]:
            for side in one["sides"].values():
                self.assertIsNone(side["median"])
                self.assertTrue(side["why"])


if __name__ == "__main__":
    unittest.main()
