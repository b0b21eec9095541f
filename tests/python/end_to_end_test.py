"""The package against a real server and worker, killed and started again in between:
end_to_end_test.py SERVER WORKER"""
import asyncio
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from unittest import mock

import PIL.Image
import vico
from cluster import ROOT, Cluster, CuttingProxy, quick_base
from vico import events
from vico.admin import AdminClient

SERVER, WORKER = sys.argv[1:3]
del sys.argv[1:3]
STEPS = 8
PROMPT = "a photo of a S* on the beach"


def first(items, kind):
    """The first event of this kind."""
    return next(event for event in items if isinstance(event, kind))


def infotext(text):
    """Prompt, negative prompt and values, as the grammar of AUTOMATIC1111's web UI finds them: the last line holds
    the values, and those with commas or colons are JSON strings."""
    *lines, last = text.split("\n")
    at = next(number for number, line in enumerate([*lines, "Negative prompt:"]) if line.startswith("Negative prompt:"))
    values = {key: json.loads(value) if value.startswith('"') else value
              for key, value in re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', last)}
    return "\n".join(lines[:at]), "\n".join(lines[at:]).removeprefix("Negative prompt:").strip(), values


class EndToEndTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        patch = mock.patch.dict(os.environ, {"HOME": str(cls.folder), "XDG_CONFIG_HOME": str(cls.folder)})
        patch.start()
        cls.addClassCleanup(patch.stop)
        cls.cluster = Cluster(SERVER, WORKER, quick_base(folder.name, STEPS), folder.name)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start_server()
        cls.cluster.start_worker()
        cls.client = vico.Client(cls.cluster.address)
        cls.addClassCleanup(cls.client.close)
        cls.concept = cls.client.concepts.upload(ROOT / "examples/robot", display_name="robot")
        cls.adapter = cls.client.train(cls.concept, "robot", seed=1).wait(timeout=300)

    def test_a_drained_worker_gets_no_job_until_the_drain_ends(self):
        with AdminClient(self.cluster.worker_address) as admin:
            worker, = admin.workers()
            self.assertEqual((worker.state, worker.device, worker.jobs), ("idle", "cpu", ()))
            self.assertEqual(worker.base_models, (self.adapter.base_model,))
            self.assertEqual(admin.drain(worker).state, "drained")
            self.addCleanup(self.undrain, worker.name)
            training = self.client.train(self.concept, "robot", seed=4)
            line, = admin.queue()
            self.assertEqual((line.kind, line.queued, line.running), ("training", 1, 0))
            self.assertIsNotNone(line.oldest_wait)
            self.assertTrue(training.refresh().base_model_unavailable)
            self.assertIn(admin.undrain(worker.name).state, ("idle", "busy"))
            training.wait(timeout=120)
            self.assertEqual(list(admin.queue()), [])

    def undrain(self, worker):
        with AdminClient(self.cluster.worker_address) as admin:
            admin.undrain(worker)

    def test_a_watch_survives_the_death_of_the_server(self):
        training = self.client.train(self.concept, "robot", seed=2)
        stream = training.events(pictures=True)
        got = [first(stream, events.Progress)]
        self.cluster.kill("server")
        self.cluster.start_server()
        got += stream
        self.assertEqual([event.sequence for event in got],
                         list(range(got[0].sequence, got[0].sequence + len(got))))
        self.assertIsInstance(got[-1], events.Succeeded)
        samples = [event.picture for event in got if isinstance(event, events.Sample)]
        self.assertEqual([sample.step for sample in samples], [STEPS // 2, STEPS])
        for sample in samples:
            self.assertEqual(hashlib.sha256(sample.bytes).hexdigest(), sample.sha256)
        self.assertEqual(training.refresh().adapter_name, got[-1].adapter)

    def test_no_picture_is_lost_or_comes_twice_when_server_and_worker_die(self):
        options = {"n": 4, "seed": 5, "steps": 25, "preview_every_steps": 5}
        undisturbed = self.adapter.generate(PROMPT, **options).wait(timeout=120)
        generation = self.adapter.generate(PROMPT, **options)
        stream = generation.pictures(previews=True, timeout=200)
        self.assertEqual(next(stream).kind, "preview")
        self.cluster.kill("worker")
        self.cluster.kill("server")
        self.cluster.start_server()
        self.cluster.start_worker()
        finished = [picture for picture in stream if picture.kind == "picture"]
        self.assertEqual(sorted(picture.index for picture in finished), [0, 1, 2, 3])
        self.assertEqual({p.seed: p.sha256 for p in finished}, {p.seed: p.sha256 for p in undisturbed})
        self.assertGreater(generation.refresh().attempt, 1)

    def test_waiting_with_asyncio_survives_the_death_of_the_worker(self):
        async def run():
            async with vico.AsyncClient(self.cluster.address) as client:
                training = await client.train(self.concept.name, "robot", seed=3, steps=STEPS)
                running = asyncio.Event()

                def progress(event):
                    if isinstance(event, events.Progress):
                        running.set()

                waiting = asyncio.create_task(training.wait(progress=progress, timeout=300))
                await asyncio.wait_for(running.wait(), 60)
                self.cluster.kill("worker")
                self.cluster.start_worker()
                return await waiting, training

        adapter, training = asyncio.run(run())
        self.assertEqual(adapter.job_name, training.name)
        self.assertEqual(training.attempt, 2)

    def test_an_upload_that_is_cut_is_sent_again_and_makes_one_concept(self):
        pictures = [noise_png(side) for side in (640, 704, 768)]
        total = sum(map(len, pictures))
        proxy = CuttingProxy(self.cluster.address, [total // 3, total // 2])
        self.addCleanup(proxy.close)
        before = {concept.name for concept in self.client.concepts.list()}
        with vico.Client(proxy.address) as client:
            concept = client.concepts.upload(pictures, display_name="noise")
        self.assertEqual(proxy.cuts, [])
        after = {concept.name for concept in self.client.concepts.list()}
        self.assertEqual(after - before, {concept.name})
        self.assertEqual([(p.width, p.height) for p in concept.pictures], [(s, s) for s in (640, 704, 768)])

    def test_a_request_that_is_repeated_returns_the_same_job(self):
        request_id = os.urandom(16).hex()
        jobs = [self.client.train(self.concept, "robot", steps=1000, request_id=request_id) for _ in range(2)]
        self.assertEqual(jobs[0].name, jobs[1].name)
        self.assertIn(jobs[0].cancel().state, ("running", "cancelled"))
        with self.assertRaises(vico.JobCancelled):
            jobs[0].wait(timeout=60)
        with self.assertRaises(vico.FailedPrecondition) as raised:
            self.client.train(self.concept, "robot", steps=2, request_id=request_id)
        self.assertEqual(raised.exception.reason, "REQUEST_ID_REUSED")
        again = jobs[0].retry()
        self.assertNotEqual(again.name, jobs[0].name)
        self.assertEqual(self.client.jobs.cancel_all(concept=self.concept, dry_run=True), 1)
        self.assertEqual(self.client.jobs.cancel([again, jobs[0]]), 1)
        self.assertTrue(again.refresh().done or again.message.cancel_requested)
        again.update(display_name="repeated")
        self.assertEqual(self.client.jobs.get(again.name).display_name, "repeated")

    def test_a_timeout_leaves_the_job_alone(self):
        training = self.client.train(self.concept, "robot", steps=2000, seed=4)
        with self.assertRaises(vico.WaitTimeout):
            training.wait(timeout=1)
        self.assertFalse(training.refresh().message.cancel_requested)
        self.assertIn(training.state, ("queued", "running"))
        training.cancel()

    def test_a_training_that_is_finished_early_has_an_adapter(self):
        training = self.client.train(self.concept, "robot", steps=2000, seed=5)
        first(training.events(timeout=60), events.Progress)
        training.finish()
        adapter = training.wait(timeout=60)
        self.assertEqual(adapter.job_name, training.name)
        self.assertLess(adapter.summary.steps, 2000)

    def test_all_fields_that_are_wrong_are_named(self):
        with self.assertRaises(vico.InvalidArgument) as raised:
            self.client.train(self.concept, "robot", steps=0, batch_size=9)
        self.assertEqual({violation.field for violation in raised.exception.field_violations},
                         {"train.steps", "train.batch_size"})

    def test_a_word_is_checked(self):
        self.assertTrue(self.client.check_word("robot"))
        wrong = self.client.check_word("robott")
        self.assertFalse(wrong)
        self.assertIn("robot", wrong.near_words)

    def test_pictures_are_downloaded_by_name_and_as_thumbnails(self):
        generation = self.adapter.generate(PROMPT, n=2, seed=9)
        drawn = generation.wait(timeout=120)
        self.assertEqual([self.client.pictures.download(p.name).bytes for p in generation.finished],
                         [p.bytes for p in drawn])
        source = self.concept.pictures[0]
        small = self.client.pictures.download(source, thumbnail=64, format="jpeg")
        self.assertEqual((small.width, small.height, small.file_name), (64, 64, source.file_name))
        self.assertTrue(small.bytes.startswith(b"\xff\xd8"))
        self.assertTrue(self.adapter.reference().bytes.startswith(b"\x89PNG"))

    def test_pillow_and_the_web_uis_grammar_read_how_a_picture_was_made(self):
        prompt = PROMPT + ", caf\u00e9: \u732b"
        settings = {"negative_prompt": "blurry, dark", "seed": 2**64 - 1, "steps": 3}
        picture, = self.adapter.generate(prompt, **settings).wait(timeout=120)
        texts = picture.pil().text
        self.assertEqual(set(texts), {"parameters", "vico"})
        first_line, negative, values = infotext(texts["parameters"])
        self.assertEqual((first_line, negative), (prompt, "blurry, dark"))
        self.assertEqual((values["Steps"], values["Seed"]), ("3", str(2**64 - 1)))
        self.assertEqual(values["Size"], f"{picture.width}x{picture.height}")
        self.assertEqual(values["Model hash"], next(self.client.base_models.list()).message.digest[:10])
        made_with = picture.metadata
        self.assertEqual(made_with, json.loads(texts["vico"]))
        self.assertEqual((made_with["seed"], made_with["index"]), (str(2**64 - 1), 0))
        self.assertEqual(made_with["adapter"], {"name": self.adapter.name, "digest": self.adapter.message.blob.sha256})
        again, = self.adapter.generate(prompt, **settings).wait(timeout=120)
        self.assertEqual(again.sha256, picture.sha256)
        bare = picture.save(self.folder / "bare.png", metadata=False)
        with PIL.Image.open(bare) as image:
            self.assertEqual((image.text, image.tobytes()), ({}, picture.pil().tobytes()))

    def test_several_prompts_start_from_a_picture(self):
        prompts = [PROMPT, "a photo of a S* in the snow"]
        settings = {"n": 2, "seed": 3, "steps": 4, "strength": 0.5, "denoise": 0.5,
                    "init_picture": self.concept.pictures[0], "mask_picture": self.concept.pictures[1]}
        generation = self.adapter.generate(prompts, labels={"team": "toys"}, **settings)
        self.assertEqual(self.client.jobs.get(generation.name).labels, {"team": "toys"})
        drawn = generation.wait(timeout=120)
        self.assertEqual([(p.index, p.prompt, p.seed) for p in drawn],
                         [(0, prompts[0], 3), (1, prompts[0], 4), (2, prompts[1], 3), (3, prompts[1], 4)])
        self.assertEqual([p.prompt for p in sorted(generation.finished, key=lambda p: p.index)],
                         [p.prompt for p in drawn])
        alone = self.adapter.generate(prompts[1], **settings).wait(timeout=120)
        self.assertEqual([p.pil().tobytes() for p in alone], [p.pil().tobytes() for p in drawn[2:]])
        again = self.adapter.generate(PROMPT, init_picture=drawn[0], denoise=1.0).wait(timeout=120)
        self.assertEqual(len(again), 1)
        with self.assertRaises(vico.NotFound) as raised:
            self.adapter.generate(PROMPT, init_picture=generation.name + "/pictures/4")
        self.assertIn("generate.init_picture", str(raised.exception))

    def test_a_generation_starts_from_an_upload_that_is_gone_afterwards(self):
        source = self.client.pictures.download(self.concept.pictures[0])
        settings = {"seed": 3, "steps": 4, "denoise": 0.5}
        named, = self.adapter.generate(PROMPT, init_picture=source, **settings).wait(timeout=120)
        generation = self.adapter.generate(PROMPT, init_picture=source.bytes, **settings)
        sent, = generation.wait(timeout=120)
        self.assertEqual(sent.pil().tobytes(), named.pil().tobytes())
        with self.assertRaises(vico.NotFound):
            self.client.pictures.download(generation.message.spec.generate.init_picture)

        uploaded = self.client.pictures.upload(source.save(self.folder / "source.png"))
        self.assertEqual((uploaded.width, uploaded.height), (source.width, source.height))
        self.assertGreater(uploaded.expire_time, uploaded.create_time)
        self.assertEqual(self.client.pictures.download(uploaded).pil().tobytes(), source.pil().tobytes())
        kept = self.adapter.generate(PROMPT, init_picture=uploaded, **settings)
        uploaded.delete()
        drawn, = kept.wait(timeout=120)
        self.assertEqual(drawn.pil().tobytes(), named.pil().tobytes())
        with self.assertRaises(vico.NotFound):
            self.client.pictures.download(uploaded)

    def test_an_adapter_is_evaluated(self):
        self.assertEqual(list(self.client.jobs.list(kind="evaluation", adapter=self.adapter)), [])
        with self.assertRaises(vico.NotFound) as raised:
            self.adapter.report()
        self.assertEqual(raised.exception.reason, "NO_REPORT")
        evaluation = self.adapter.evaluate(prompts=[PROMPT], n=1)
        report = evaluation.wait(timeout=300)
        self.assertEqual((report.adapter_name, report.job_name), (self.adapter.name, evaluation.name))
        self.assertEqual(report.prompts, (PROMPT,))
        self.assertEqual(report.seeds, (1,))
        self.assertEqual(report["concept_fidelity"].measured_with, "toyworld scorer")
        self.assertTrue(0 < len(report.losses) <= STEPS)
        self.assertEqual(self.adapter.report(), report)
        self.assertTrue(self.adapter.sheet().bytes.startswith(b"\x89PNG"))
        listed, = self.client.jobs.list(kind="evaluation", adapter=self.adapter)
        self.assertEqual(listed, evaluation)

    def test_a_training_is_continued_from_its_last_checkpoint_and_evaluated(self):
        training = self.adapter.continue_training(4)
        further = training.wait(timeout=300)
        self.assertEqual(further.summary.steps, STEPS + 4)
        warned = {event.reason for event in training.events() if isinstance(event, events.Warning)}
        self.assertEqual(warned, {"CONTINUES_WITH_OTHER_SCHEDULE"})  # the base model's is a cosine
        self.assertNotEqual(further.message.blob.sha256, self.adapter.message.blob.sha256)
        evaluated = self.client.train(self.concept, "robot", seed=3, evaluate=True).wait(timeout=300)
        evaluation, = self.client.jobs.list(kind="evaluation", adapter=evaluated)
        self.assertEqual(evaluation.wait(timeout=300).adapter_name, evaluated.name)

    def test_an_adapter_is_downloaded_and_imported(self):
        file = self.adapter.download(self.folder / "adapter.safetensors")
        reference = self.adapter.reference().save(self.folder / "reference.png")
        imported = self.client.adapters.import_file(file, reference=reference)
        self.assertEqual(imported.message.blob.sha256, self.adapter.message.blob.sha256)
        imported.update(display_name="copy", labels={"team": "toys"})
        self.assertEqual(self.client.adapters.get(imported.name).labels, {"team": "toys"})
        imported.delete()
        with self.assertRaises(vico.NotFound):
            imported.refresh()

    def test_lists_filter_jobs(self):
        generation = self.adapter.generate(PROMPT)
        generation.wait(timeout=120)
        named = [job.name for job in self.client.jobs.list(kind="generation", adapter=self.adapter)]
        self.assertIn(generation.name, named)
        self.assertNotIn(generation.name, [job.name for job in self.client.jobs.list(kind="training")])

    def test_a_watch_of_all_jobs_sees_a_new_one_and_the_death_of_the_server(self):
        changes = self.client.jobs.watch(kind="generation", timeout=120)
        for change in changes:
            if change.ready:
                break
        generation = self.adapter.generate(PROMPT, n=1)
        ours = (change for change in changes if change.job == generation.name)
        self.assertEqual(next(ours).job, generation.name)
        self.cluster.kill("server")
        self.cluster.start_server()
        last = next(change.event for change in ours if events.is_terminal(change.event))
        self.assertIsInstance(last, events.Succeeded)
        changes.close()

    def run_program(self, program, folder):
        (self.folder / folder).mkdir()
        ran = subprocess.run([sys.executable, "-W", "error", "-"], input=program, cwd=self.folder / folder, timeout=200,
                             check=False, capture_output=True, text=True,
                             env={**os.environ, "VICO_SERVER": self.cluster.address})
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return sorted(path.relative_to(self.folder / folder) for path in (self.folder / folder).rglob("*.png"))

    def test_the_eight_lines_of_the_examples_train_and_draw(self):
        program = (ROOT / "examples/eight_lines.py").read_text().replace("examples/", f"{ROOT}/examples/")
        lines = [line for line in program.splitlines() if line and not line.startswith(("#", '"""'))]
        self.assertEqual(len(lines), 8)
        self.assertIn("\n".join(lines), (ROOT / "python/README.md").read_text().replace(
            "examples/", f"{ROOT}/examples/"))
        self.assertEqual(len(self.run_program(program, "eight")), 4)

    def test_the_cells_of_the_notebook_run(self):
        cells = json.loads((ROOT / "examples/vico.ipynb").read_text())["cells"]
        program = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        program = "display = print\n" + program.replace("examples/", f"{ROOT}/examples/")
        self.assertGreater(len(self.run_program(program, "notebook")), 0)


def noise_png(side):
    """A PNG that does not compress: 3 bytes a pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
