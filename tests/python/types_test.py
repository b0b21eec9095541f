"""mypy --strict finds nothing in the package and in the code of its guide, and finds a caller's mistakes."""
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "python"

# Each line ends with the code of the error that mypy must find, or with nothing.
CALLER = """
import pathlib
import vico
client = vico.Client("127.0.0.1:1", timeout=3)
training = client.train("concepts/1", "robot", steps=3, dialect="paper")
adapter: vico.Adapter = training.wait(progress=True)
for picture in adapter.generate("p", n=4, seed=[1, 2], preview_every_steps=5):
    data: bytes = picture.bytes
    seed: str = (picture.metadata or {})["seed"]
    picture.save(c2pa=vico.provenance.Signer(b"", b"", "es256"))
    adapter.generate(["p", "q"], init_picture=picture, denoise=0.5, strength=1.5, labels={"a": "b"})
client.generate("p", init_picture=3)  # arg-type
uploaded: vico.UploadedPicture = client.pictures.upload("photo.jpg", progress=print)
adapter.generate("p", init_picture=uploaded, mask_picture=b"PNG")
client.generate("p", init_picture="photo.jpg", mask_picture=pathlib.Path("mask.png"))
uploaded.delete().name  # attr-defined
client.pictures.upload(["a.png"])  # arg-type
report: vico.Report = adapter.evaluate(prompts=["a S*"], n=1).wait()
after: float = report["clip_i"].after
further: vico.Training = adapter.continue_training(100)
adapter.continue_training("100")  # arg-type
client.train("concepts/1", "robot", evaluate=True)
secret: str = client.keys.create("user").secret
client.keys.create("owner")  # arg-type
with vico.admin.AdminClient("127.0.0.1:2") as admin:
    busy = [worker.name for worker in admin.workers() if worker.state == "busy"]
    admin.drain(3)  # arg-type
client.train("concepts/1", "robot", stepz=3)  # call-arg
client.train("concepts/1", "robot", dialect="latin")  # arg-type
client.jobs.list(state="lost")  # arg-type
vico.provenance.Signer(b"", b"", "md5")  # arg-type
number: int = training.wait()  # assignment
async def main() -> None:
    async with vico.AsyncClient() as client:
        generation = await client.generate("p", base_model="baseModels/1")
        async for picture in generation:
            picture.save("out/", metadata=False)
        client.generate("p").pictures()  # attr-defined
"""


PRELUDE = """
import vico
client = vico.Client()
training = client.train("concepts/1", "robot")
adapter = training.wait()
"""


def examples():
    """The code of the README, each block in a function of its own."""
    blocks = re.findall(r"```python\n(.*?)```", (PYTHON / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 7
    return PRELUDE + "".join(f"async def block_{number}() -> None:\n{textwrap.indent(block, '    ')}\n"
                             for number, block in enumerate(blocks))


def mypy(*arguments):
    with tempfile.TemporaryDirectory() as cache:
        return subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", cache, *arguments], cwd=PYTHON,
                              capture_output=True, text=True, timeout=300, check=False)


class TypesTest(unittest.TestCase):
    def test_the_package_the_guide_and_a_callers_mistakes(self):
        with tempfile.TemporaryDirectory() as folder:
            caller = pathlib.Path(folder) / "caller.py"
            caller.write_text(CALLER)
            guide = pathlib.Path(folder) / "guide.py"
            guide.write_text(examples())
            # One run, since mypy reads the package again for each.
            ran = mypy("--strict", "vico", str(caller), str(guide))
        found = {}
        for line in ran.stdout.splitlines():
            if ": error: " in line:
                path, number = line.split(":")[:2]
                found[(pathlib.Path(path).name, int(number))] = line.rpartition("[")[2].rstrip("]")
        expected = {("caller.py", number): line.partition("# ")[2]
                    for number, line in enumerate(CALLER.splitlines(), 1) if "  # " in line}
        self.assertEqual(found, expected, ran.stdout + ran.stderr)


if __name__ == "__main__":
    unittest.main()
