"""Every flag of a Vico program in the chart, the compose file, the units and the guides exists.
Usage: flags_test.py VICO_SERVER VICO_WORKER VICO_HEALTH VICO"""
import functools
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

import tools

HELM, = tools.need("helm")
tools.need_modules("yaml")

import yaml  # noqa: E402

PROGRAMS = {pathlib.Path(path).name: path for path in sys.argv[1:5]}
del sys.argv[1:5]
DEPLOY = tools.ROOT / "deploy"
CHART = DEPLOY / "helm/vico"


@functools.cache
def help_of(program, *subcommands):
    done = subprocess.run([PROGRAMS[program], *subcommands, "--help"], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr if done.returncode == 0 else ""


def unknown(program, words):
    """The flags of a command that the program does not have."""
    subcommands = []
    for word in words:
        if not re.fullmatch(r"[a-z-]+", word) or word.startswith("-"):
            break
        if f"\n  {word} " not in help_of(program, *subcommands):
            break
        subcommands.append(word)
    known = help_of(program) + help_of(program, *subcommands)
    flags = {word.split("=")[0] for word in words if word.startswith("--") and len(word) > 2}
    return {flag for flag in flags if not re.search(rf"{re.escape(flag)}\b(?!-)", known)}


class FlagsTest(unittest.TestCase):
    def check(self, where, program, words):
        with self.subTest(where=where, program=program):
            self.assertEqual(unknown(program, words), set())

    def test_unknown_flags_are_found(self):
        self.assertEqual(unknown("vico-server", ["--data=x", "--lissen", "y"]), {"--lissen"})
        self.assertEqual(unknown("vico-server", ["keys", "create", "--data", "x", "--tennant", "y"]), {"--tennant"})

    def test_flags_in_the_chart_exist(self):
        for values in sorted((CHART / "ci").glob("*.yaml")):
            done = subprocess.run([HELM, "template", "vico", CHART, "--values", values], capture_output=True,
                                  text=True, timeout=60, check=True)
            for document in yaml.safe_load_all(done.stdout):
                if not document or document["kind"] not in ("Deployment", "Job"):
                    continue
                pod = document["spec"]["template"]["spec"]
                for one in pod["containers"] + pod.get("initContainers", []):
                    program = "vico-server" if one["name"] == "migrate" else f"vico-{one['name']}"
                    self.check(values.name, program, one["args"])
                container = pod["containers"][0]
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    command = container.get(probe, {}).get("exec", {}).get("command", ["test"])
                    if command[0] != "test":
                        self.check(values.name, command[0], command[1:])

    def test_flags_in_the_compose_files_exist(self):
        for file in ("compose.yaml", "compose-scaled-out.yaml"):
            for name, service in yaml.safe_load((DEPLOY / file).read_text())["services"].items():
                program = {"server": "vico-server", "migrate": "vico-server", "worker": "vico-worker"}.get(name.split("-")[0])
                if not program:
                    continue
                self.check(f"{file}: {name}", program, service["command"])
                if "healthcheck" in service:
                    _, health, *words = service["healthcheck"]["test"]
                    self.check(f"{file}: {name}", health, words)

    def test_flags_in_the_units_exist(self):
        for file in sorted((DEPLOY / "systemd").iterdir()):
            program = "vico-server" if "server" in file.name else "vico-worker"
            for flags in re.findall(r'_FLAGS="([^"]*)"|^ExecStart=\S+ (.*)$', file.read_text(), re.M):
                self.check(file.name, program, shlex.split(" ".join(flags)))

    def test_flags_in_the_images_exist(self):
        for words in re.findall(r'CMD \["/usr/bin/(vico-health".*)\]', (tools.ROOT / "Dockerfile").read_text()):
            program, *words = re.findall(r'"?([^",\s]+)"?', words)
            self.check("Dockerfile", program, words)

    def test_flags_in_the_guides_exist(self):
        seen = 0
        for guide in (tools.ROOT / "docs/operators-guide.md", tools.ROOT / "docs/scaling-out.md",
                      tools.ROOT / "docs/object-store.md", DEPLOY / "nginx/README.md", CHART / "README.md",
                      tools.ROOT / "README.md"):
            text = re.sub(r"\\\n\s*", " ", guide.read_text())
            for program, rest in re.findall(r"(?m)(?:^|[`;(]|-- )\s*(vico(?:-server|-worker|-health)?) ([^`\n#&|>]*)", text):
                self.check(guide.name, program, re.findall(r"\S+", rest.replace("…", "")))
                seen += 1
        self.assertGreater(seen, 15)


if __name__ == "__main__":
    unittest.main()
