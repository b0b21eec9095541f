"""bench/gpu on a CPU with tiny networks: each part once. Usage: gpu_test.py BUILD"""
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import gpu  # noqa: E402
import gpu_pack  # noqa: E402
from turns import Taken  # noqa: E402


def run(folder, *words, build="/no/such/build"):
    """The table and the JSON of one run. Python has no torch, so that other programs are not measured."""
    arguments = ["gpu", "--device", "cpu", "--small", "--threads", "1", "--build", build, "--python", "/no/such/python",
                 "--out", folder, *words]
    with mock.patch.object(sys, "argv", arguments), mock.patch("builtins.print"):
        gpu.main()
    found = pathlib.Path(folder)
    return (found / "gpu.md").read_text(), json.loads((found / "gpu.json").read_text())


class GpuTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vico_gpu_")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_each_part_measures(self):
        text, found = run(self.folder, "--rows", "losses,group_norm_bf16,resume,unet1,mixed8,train4", build=BUILD)
        for row in found["rows"]:
            self.assertGreater(row["sides"]["vico"]["median"], 0, row)
        self.assertEqual(len(found["rows"]), 4)  # unet1 in two precisions
        # The device is the CPU, which computes what the CPU computes.
        self.assertEqual(found["checks"]["losses"]["counted"][0]["difference"], 0)
        norm = found["checks"]["group_norm_bf16"]["counted"][0]
        self.assertTrue(0 < norm["difference"] < norm["bound"], norm)
        self.assertEqual((found["resume"]["same_bits"], found["resume"]["resumed_at"]), (True, 4))
        self.assertIn("/no/such/python", text)

    def test_what_cannot_run_says_so_and_the_run_goes_on(self):
        text, found = run(self.folder, "--rows", "copy,losses,resume,unet1", "--dtypes", "bf16")
        self.assertEqual(text.count("not measured: exit code 127"), 4)
        self.assertEqual([row["row"] for row in found["rows"]], ["unet1"])

    def test_a_run_without_time_measures_nothing(self):
        text, _ = run(self.folder, "--rows", "copy,losses,unet1", "--dtypes", "bf16", "--minutes", "0", build=BUILD)
        self.assertEqual(text.count("not measured: no time left"), 3)

    def test_a_packed_folder_is_for_one_version_of_torch(self):
        pathlib.Path(self.folder, gpu_pack.ABOUT).write_text('{"torch": "2.13.0", "commit": "x"}')
        python = pathlib.Path(self.folder, "python")
        python.write_text("#!/bin/sh\necho 2.11.0+cu130 /opt/torch\n")
        python.chmod(0o755)
        _, why = gpu_pack.unpack(self.folder, str(python), self.folder)
        self.assertEqual(why, "packed for torch 2.13.0, but Python has 2.11.0+cu130")
        python.write_text("#!/bin/sh\necho 2.13.0+cu130 /opt/torch\n")
        environment, why = gpu_pack.unpack(self.folder, str(python), self.folder)
        self.assertIsNone(why)
        self.assertIn("/opt/torch/lib", environment[1])

    def test_libraries_of_c_stay_behind(self):
        there = ("libc.so.6", "libstdc++.so.6", "libcuda.so.1", "ld-linux-x86-64.so.2")
        self.assertEqual([name for name in there if not gpu_pack.THERE.match(name)], [])
        carried = ("libcrypto.so.3", "libcurl.so.4", "libcap.so.2", "libfmt.so.9", "libjemalloc.so.2", "libprotobuf.so.32")
        self.assertEqual([name for name in carried if gpu_pack.THERE.match(name)], [])


class TableTest(unittest.TestCase):
    def test_a_rate_is_the_work_by_the_median(self):
        from gpu_table import ceiling_lines
        taken = Taken(counted=[{"seconds": seconds, "work": 10.0, "unit": "TFLOP/s"} for seconds in (2.0, 4.0, 5.0)])
        self.assertEqual(ceiling_lines({"copy": taken}), [["copy on the device", "2.5 TFLOP/s"]])

    def test_an_exceeded_bound_is_seen(self):
        from gpu_table import check_lines
        lines = check_lines({"a": "A"}, {"a": Taken(counted=[{"seconds": 1, "difference": 0.2, "bound": 0.1}])})
        self.assertEqual(lines, [["A", "0.2", "0.1", "NO"]])

    def test_a_training_with_other_bits_is_seen(self):
        from gpu_table import resume_lines
        found = {"same_bits": False, "resumed_at": 4, "losses": [0.5, 0.25]}
        self.assertIn("other bits", resume_lines(found)[0][1])


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
